"""Enrollments: one learner's one go at a course; several per course are possible, removed ones stay listed."""

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from sandbox.learnupon import audit
from sandbox.learnupon.errors import COURSE_FULL, INTERNAL, NO_SUCH_ENROLLMENT_TO_DELETE, Problem
from sandbox.learnupon.records import FINISHED, Course, Enrollment, Portal, Row, User, same, stamp
from sandbox.learnupon.wire import ODD_PAGE_ROWS, Call, Reply, day, paged, text, whole

if TYPE_CHECKING:
    from sandbox.learnupon.world import LearnUponWorld

SEARCH_KEYS = ("user_id", "email", "username", "course_id", "course_name")


def describe(enrollment: Enrollment, today: str) -> Row:
    user, course, due = enrollment.user, enrollment.course, _due(enrollment)
    return {
        "id": enrollment.id,
        "user_id": user.id,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "email": user.email,
        "username": user.username or None,
        "course_id": course.id,
        "course_name": course.name,
        "version": course.version,
        "course_source_id": course.source_id,
        "status": enrollment.status,
        "percentage": enrollment.percentage,
        "percentage_complete": enrollment.percentage_complete,
        "date_enrolled": enrollment.date_enrolled,
        "date_started": enrollment.date_started,
        "date_completed": enrollment.date_completed,
        "date_lastaccessed": enrollment.date_lastaccessed,
        "due_date": enrollment.due_date,
        "calculated_due_date": due,
        "is_overdue": due is not None and due < today and enrollment.status not in FINISHED,
        "course_access_expires_at": enrollment.course_access_expires_at,
        "certificate_name": course.certificate if enrollment.cert_expires_at else None,
        "cert_expires_at": enrollment.cert_expires_at,
        "was_recertified": enrollment.was_recertified,
        "unenrolled": enrollment.unenrolled,
        "from_store": False,
        "from_catalog": False,
        "group_id": enrollment.group_id,
        "has_attempts_remaining": enrollment.status != "failed",
        "updated_at": enrollment.updated_at,
    }


def _due(enrollment: Enrollment) -> str | None:
    """The earliest of the enrollment's own due date and the course's days after enrollment."""
    due = enrollment.due_date
    if enrollment.course.due_days is not None:
        first = date.fromisoformat(enrollment.date_enrolled[:10])
        by_course = (first + timedelta(days=enrollment.course.due_days)).isoformat()
        due = min(due, by_course) if due else by_course
    return due


def today(world: "LearnUponWorld") -> str:
    return datetime.fromtimestamp(world.clock(), UTC).date().isoformat()


def refuse_bare_list(world: "LearnUponWorld", portal: Portal, call: Call) -> Reply:
    """Observed: `GET /enrollments` without `/search` is a 401, so there is no portal-wide list."""
    raise Problem(401, "You are not authorized to access this resource")


def search(world: "LearnUponWorld", portal: Portal, call: Call) -> Reply:
    """All keys given must fit. What the two dates filter on is unknown: here the day of enrollment."""
    if not any(key in call.query for key in SEARCH_KEYS):
        raise Problem(400, "one of user_id, email, username, course_id, course_name is required")
    rows = _narrowed(portal, call)
    first, last = call.query.get("date_from"), call.query.get("date_to")
    if first or last:
        low, high = first or "", last or "9999"
        rows = [row for row in rows if low <= row.date_enrolled[:10] <= high]
    now = today(world)
    return paged(rows, call, "enrollments", lambda row: describe(row, now), ODD_PAGE_ROWS)


def _narrowed(portal: Portal, call: Call) -> list[Enrollment]:
    """Starts from the smaller index and checks the other keys row by row."""
    user_ids = _asked_users(portal, call)
    course_ids = _asked_courses(portal, call)
    if user_ids is not None:
        rows = [row for number in user_ids for row in portal.by_user.get(number, {}).values()]
        return [row for row in rows if course_ids is None or row.course.id in course_ids]
    return [row for number in sorted(course_ids or ()) for row in portal.by_course.get(number, {}).values()]


def _asked_users(portal: Portal, call: Call) -> set[int] | None:
    asked: set[int] | None = None
    if "user_id" in call.query:
        asked = {whole(call.query["user_id"]) or 0}
    for key, found in (("email", portal.by_email), ("username", portal.by_username)):
        if key in call.query:
            user = found.get(same(call.query[key]))
            asked = ({user.id} if user else set()) & (
                asked if asked is not None else {user.id if user else 0}
            )
    return asked


def _asked_courses(portal: Portal, call: Call) -> set[int] | None:
    asked: set[int] | None = None
    if "course_id" in call.query:
        asked = {whole(call.query["course_id"]) or 0}
    if "course_name" in call.query:
        name = same(call.query["course_name"])
        named = {course.id for course in portal.courses.values() if same(course.name) == name}
        asked = named if asked is None else asked & named
    return asked


def show(world: "LearnUponWorld", portal: Portal, call: Call) -> Reply:
    rows = [_found(portal, call.id())]
    return paged(rows, call, "enrollments", lambda row: describe(row, today(world)))


def modules(world: "LearnUponWorld", portal: Portal, call: Call) -> Reply:
    enrollment = _found(portal, call.id())
    done = enrollment.status in FINISHED
    rows = [
        {
            "id": enrollment.course.id * 100 + number,
            "title": title,
            "sequence": number,
            "date_started": enrollment.date_started,
            "date_completed": enrollment.date_completed,
            "date_lastaccessed": enrollment.date_lastaccessed,
            "status": "completed" if done else enrollment.status,
        }
        for number, title in enumerate(enrollment.course.modules, start=1)
    ]
    return paged(rows, call, "modules", lambda row: row)


def create(world: "LearnUponWorld", portal: Portal, call: Call) -> Reply:
    fields = call.wrapped("Enrollment")
    user = find_user(portal, fields)
    course = find_course(portal, fields)
    due, expires = day(fields.get("due_date"), "due_date"), day(fields.get("expires_at"), "expires_at")
    again = fields.get("re_enroll_if_completed") in (True, "true", 1)
    check_room(portal, course)
    live = current(portal, user, course.id)
    if live is not None and not (again and live.status in FINISHED):
        raise Problem(422, "user is already enrolled in this course")
    enrollment = add(world, portal, user, course)
    enrollment.due_date, enrollment.course_access_expires_at = due, expires
    enrollment.was_recertified = live is not None
    return Reply(
        {"id": enrollment.id, "created_at": enrollment.date_enrolled, "user_id": user.id}, status=201
    )


def check_room(portal: Portal, course: Course) -> None:
    """A course that cannot be used answers with a text that does not say so (observed)."""
    if not course.published:
        raise Problem(400, INTERNAL)
    if course.capacity is None:
        return
    if sum(not row.unenrolled for row in portal.by_course.get(course.id, {}).values()) >= course.capacity:
        raise Problem(400, COURSE_FULL)


def current(portal: Portal, user: User, course_id: int) -> Enrollment | None:
    """The newest enrollment of a learner in a course that is not removed."""
    rows = portal.by_user.get(user.id, {}).values()
    return next((row for row in reversed(rows) if row.course.id == course_id and not row.unenrolled), None)


def add(
    world: "LearnUponWorld", portal: Portal, user: User, course: Course, group_id: int | None = None
) -> Enrollment:
    now = stamp(world.clock())
    enrollment = Enrollment(world.next_id("enrollment"), user, course, now, now, group_id=group_id)
    portal.add_enrollment(enrollment)
    world.announcer.enrolled(portal, enrollment)
    return enrollment


def find_user(portal: Portal, fields: Row) -> User:
    user = portal.users.get(whole(fields.get("user_id")) or 0)
    user = user or portal.by_email.get(same(text(fields.get("email"))))
    user = user or portal.by_username.get(same(text(fields.get("username"))))
    if user is None:
        raise Problem(404, "user not found")
    return user


def find_course(portal: Portal, fields: Row) -> Course:
    course = portal.courses.get(whole(fields.get("course_id")) or 0)
    name = same(text(fields.get("course_name")))
    if course is None and name:
        course = next((c for c in portal.courses.values() if same(c.name) == name), None)
    if course is None:
        raise Problem(404, "course not found")
    return course


def update(world: "LearnUponWorld", portal: Portal, call: Call) -> Reply:
    """Only the two dates, unwrapped. Anything else, a wrapped body too, is 200 and changes nothing."""
    enrollment = _found(portal, call.id())
    # The documentation's sample says `expiry_date` where its table says `expires_at`.
    expires_key = "expires_at" if "expires_at" in call.body else "expiry_date"
    changed = False
    if "due_date" in call.body:
        enrollment.due_date = day(call.body["due_date"], "due_date")
        changed = True
    if expires_key in call.body:
        enrollment.course_access_expires_at = day(call.body[expires_key], expires_key)
        changed = True
    if changed:
        enrollment.updated_at = stamp(world.clock())
        world.announcer.enrollment_updated(portal, enrollment)
    return Reply({"success": "ok"})


def delete(world: "LearnUponWorld", portal: Portal, call: Call) -> Reply:
    """A finished one goes only with `remove_from_history` as the string "true"; a boolean does not count."""
    enrollment = _found(portal, call.id())
    history = call.body.get("remove_from_history") == "true"
    if not history and (enrollment.status in FINISHED or enrollment.unenrolled):
        raise Problem(400, NO_SUCH_ENROLLMENT_TO_DELETE)
    unenroll(world, portal, enrollment)
    if history:
        portal.drop_enrollment(enrollment)
    return Reply({})


def unenroll(world: "LearnUponWorld", portal: Portal, enrollment: Enrollment) -> None:
    """The row stays in every list, marked `unenrolled`."""
    if not enrollment.unenrolled:
        enrollment.unenrolled = True
        enrollment.updated_at = stamp(world.clock())
        audit.note(world, portal, audit.UNENROLLED, enrollment.user, enrollment.course.name)
        world.announcer.unenrolled(portal, enrollment)


def _found(portal: Portal, number: int) -> Enrollment:
    enrollment = portal.enrollments.get(number)
    if enrollment is None:
        raise Problem(404, "enrollment not found")
    return enrollment
