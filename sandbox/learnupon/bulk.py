"""Tens of thousands of learners and enrollments at once, for benchmarks; the same every time."""

import random
from typing import TYPE_CHECKING

from sandbox.errors import ControlError
from sandbox.learnupon.records import Course, Enrollment, Portal, Row, User, stamp

if TYPE_CHECKING:
    from sandbox.learnupon.world import LearnUponWorld

MOST = 1_000_000
# Out of ten: where learners stand.
_STATUSES = ("not_started",) * 4 + ("in_progress",) * 3 + ("completed",) * 2 + ("passed",)
_PROGRESS = {"not_started": 0, "in_progress": 40, "completed": 100, "passed": 100}


def fill(world: "LearnUponWorld", portal: Portal, users: int, courses: int, enrollments: int) -> Row:
    if min(users, courses, enrollments) < 0 or max(users, courses, enrollments) > MOST:
        raise ControlError(400, f"users, courses and enrollments lie between 0 and {MOST}")
    now = stamp(world.clock())
    made_users = [_user(world, portal, now) for _ in range(users)]
    made_courses = [_course(world, portal) for _ in range(courses)]
    if enrollments and not (made_users and made_courses):
        raise ControlError(400, "enrollments need users and courses")
    dice = random.Random(7)  # noqa: S311 - repeatable data, not a secret
    pairs = len(made_users) * len(made_courses)
    if enrollments > pairs:
        raise ControlError(400, "more enrollments than learners times courses")
    for number in range(enrollments):
        user = made_users[number % users]
        course = made_courses[(number // users + number % users) % courses]
        portal.add_enrollment(_enrollment(world, user, course, dice.choice(_STATUSES), now))
    return {"portal": portal.subdomain, "users": users, "courses": courses, "enrollments": enrollments}


def _user(world: "LearnUponWorld", portal: Portal, now: str) -> User:
    number = world.next_id("user")
    user = User(
        number,
        f"learner{number}@bulk.example",
        "",
        "Learner",
        f"No {number}",
        "bulk-password",
        "en",
        now,
        now,
    )
    portal.add_user(user)
    return user


def _course(world: "LearnUponWorld", portal: Portal) -> Course:
    number = world.next_id("course")
    course = Course(number, f"Bulk course {number}", source_id=number)
    portal.courses[number] = course
    return course


def _enrollment(world: "LearnUponWorld", user: User, course: Course, status: str, now: str) -> Enrollment:
    begun = now if status != "not_started" else None
    finished = now if status in ("completed", "passed") else None
    row = Enrollment(world.next_id("enrollment"), user, course, now, now, status)
    row.percentage = 85 if status == "passed" else None
    row.percentage_complete = _PROGRESS[status]
    row.date_started, row.date_lastaccessed, row.date_completed = begun, begun, finished
    return row
