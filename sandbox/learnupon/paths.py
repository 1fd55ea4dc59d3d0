"""Learning paths, as far as the app may meet them: several courses under one enrollment."""

from typing import TYPE_CHECKING

from sandbox.learnupon import enrollments
from sandbox.learnupon.errors import Problem
from sandbox.learnupon.records import FINISHED, LearningPath, PathEnrollment, Portal, Row, same, stamp
from sandbox.learnupon.wire import Call, Reply, day, paged, text, whole

if TYPE_CHECKING:
    from sandbox.learnupon.world import LearnUponWorld


def index(world: "LearnUponWorld", portal: Portal, call: Call) -> Reply:
    with_courses = call.query.get("include_courses") == "true"

    def describe(path: LearningPath) -> Row:
        row: Row = {"id": path.id, "name": path.name, "number_of_courses": len(path.course_ids)}
        return row | {"courses": [{"id": number} for number in path.course_ids]} if with_courses else row

    return paged(list(portal.paths.values()), call, "learning_paths", describe)


def _describe(portal: Portal, taken: PathEnrollment) -> Row:
    goes = [enrollments.current(portal, taken.user, number) for number in taken.path.course_ids]
    done = [go for go in goes if go is not None and go.status in FINISHED]
    started = [go.date_started for go in goes if go is not None and go.date_started]
    complete = len(done) == len(goes)
    return {
        "id": taken.id,
        "lp_id": taken.path.id,
        "lp_name": taken.path.name,
        "user_id": taken.user.id,
        "first_name": taken.user.first_name,
        "last_name": taken.user.last_name,
        "email": taken.user.email,
        "status": "completed" if complete else "in_progress" if started else "not_started",
        "percentage": round(100 * len(done) / len(goes)) if goes else 0,
        "due_date": taken.due_date,
        "date_enrolled": taken.date_enrolled,
        "date_started": min(started, default=None),
        "date_completed": max((go.date_completed or "" for go in done), default=None) if complete else None,
        "date_lastaccessed": max((go.date_lastaccessed or "" for go in done), default=None),
        "certificate_name": None,
        "cert_expires_at": None,
        "was_recertified": False,
        "unenrolled": taken.unenrolled,
    }


def search(world: "LearnUponWorld", portal: Portal, call: Call) -> Reply:
    rows = list(portal.path_enrollments.values())
    query = call.query
    if "user_id" in query:
        rows = [row for row in rows if row.user.id == whole(query["user_id"])]
    if "email" in query:
        rows = [row for row in rows if same(row.user.email) == same(query["email"])]
    if "username" in query:
        rows = [row for row in rows if same(row.user.username) == same(query["username"])]
    if "lp_id" in query:
        rows = [row for row in rows if row.path.id == whole(query["lp_id"])]
    if "lp_name" in query:
        rows = [row for row in rows if same(row.path.name) == same(query["lp_name"])]
    return paged(rows, call, "enrollments", lambda row: _describe(portal, row))


def show(world: "LearnUponWorld", portal: Portal, call: Call) -> Reply:
    taken = portal.path_enrollments.get(call.id())
    if taken is None:
        raise Problem(404, "enrollment not found")
    return paged([taken], call, "enrollments", lambda row: _describe(portal, row))


def enroll(world: "LearnUponWorld", portal: Portal, call: Call) -> Reply:
    """Enrolls in each course of the path that the learner is not in yet."""
    fields = call.wrapped("Enrollment")
    user, path = enrollments.find_user(portal, fields), _find(portal, fields)
    if any(row.user is user and row.path is path for row in portal.path_enrollments.values()):
        raise Problem(422, "user is already enrolled in this learning path")
    now = stamp(world.clock())
    taken = PathEnrollment(world.next_id("path_enrollment"), path, user, now)
    taken.due_date = day(fields.get("due_date"), "due_date")
    portal.path_enrollments[taken.id] = taken
    for course_id in path.course_ids:
        if course_id in portal.courses and not enrollments.current(portal, user, course_id):
            enrollments.add(world, portal, user, portal.courses[course_id])
    return Reply({"id": taken.id, "created_at": now, "user_id": user.id}, status=201)


def _find(portal: Portal, fields: Row) -> LearningPath:
    path = portal.paths.get(whole(fields.get("lp_id")) or 0)
    name = same(text(fields.get("lp_name")))
    path = path or next((p for p in portal.paths.values() if name and same(p.name) == name), None)
    if path is None:
        raise Problem(404, "learning path not found")
    return path
