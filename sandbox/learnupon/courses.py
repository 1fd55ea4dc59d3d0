"""The course list, and what deleting a course leaves behind. There is no address for one course by id."""

from typing import TYPE_CHECKING

from sandbox.learnupon import enrollments
from sandbox.learnupon.errors import Problem
from sandbox.learnupon.records import FINISHED, Course, Portal, Row
from sandbox.learnupon.wire import Call, Reply, paged, whole

if TYPE_CHECKING:
    from sandbox.learnupon.world import LearnUponWorld

PUBLISHED, DRAFT = 2, 1


def describe(course: Course) -> Row:
    """`num_enrolled` is a cached counter on the real thing too and cannot be trusted: here it stays 0."""
    return {
        "id": course.id,
        "name": course.name,
        "version": course.version,
        "source_id": course.source_id,
        "reference_code": course.reference_code,
        "published_status_id": PUBLISHED if course.published else DRAFT,
        "keywords": None,
        "due_days_after_enrollment": course.due_days,
        "due_date_after_enrollment": None,
        "credits_to_be_awarded": course.credits,
        "certificate_name": course.certificate,
        "thumbnail_image_url": None,
        "licensed": course.licensed,
        "num_enrolled": 0,
        "customDataFieldValues": [],
    }


def index(world: "LearnUponWorld", portal: Portal, call: Call) -> Reply:
    """`name` is a pattern. Old versions, drafts and licensed courses show only when asked for."""
    rows = list(portal.courses.values())
    name = call.query.get("name", "").lower().strip()
    if name:
        rows = [course for course in rows if name in course.name.lower()]
    if "course_id" in call.query:
        wanted = whole(call.query["course_id"])
        rows = [course for course in rows if course.id == wanted]
    if not _asked(call, "include_draft"):
        rows = [course for course in rows if course.published]
    if not _asked(call, "include_licensed_courses"):
        rows = [course for course in rows if not course.licensed]
    if not _asked(call, "include_all_versions"):
        rows = _newest(rows)
    return paged(rows, call, "courses", describe)


def _asked(call: Call, name: str) -> bool:
    return call.query.get(name) == "true"


def _newest(rows: list[Course]) -> list[Course]:
    newest: dict[int, Course] = {}
    for course in rows:
        known = newest.get(course.source_id)
        if known is None or course.version > known.version:
            newest[course.source_id] = course
    return list(newest.values())


def modules(world: "LearnUponWorld", portal: Portal, call: Call) -> Reply:
    wanted = whole(call.query.get("course_id"))
    rows = [
        {"id": course.id * 100 + number, "title": title, "course_id": course.id, "sequence": number}
        for course in portal.courses.values()
        if wanted in (None, course.id)
        for number, title in enumerate(course.modules, start=1)
    ]
    return paged(rows, call, "modules", lambda row: row)


def delete(world: "LearnUponWorld", portal: Portal, course_id: int) -> None:
    """What is unfinished goes with the course; completed enrollments stay as orphans (observed)."""
    if portal.courses.pop(course_id, None) is None:
        raise Problem(404, "course not found")
    for row in list(portal.by_course.get(course_id, {}).values()):
        if row.status not in FINISHED:
            enrollments.unenroll(world, portal, row)
            portal.drop_enrollment(row)
    for group in portal.groups.values():
        group.course_ids = [number for number in group.course_ids if number != course_id]
