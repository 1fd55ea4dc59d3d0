"""The three reports customers are promised, as queries: people by number of courses per status, completions by
date, people with a required course completed."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection
from django.db.models import Case, Count, Exists, F, OuterRef, Q, QuerySet, When
from django.db.models.functions import Now

from learners.models import Enrollment, Learner
from learners.views.counted import counted
from portals.models import Course, Portal

COMPLETED = Enrollment.Status.COMPLETED
MANY = 5  # "5 or more courses" is one row of the distribution
# Rows of JSON, each as a list. A sum over sums, which the ORM cannot say:
DISTRIBUTION = """
SELECT json_build_array(least(done, %(many)s), count(*), sum(every - in_progress - done), sum(in_progress), sum(done))
FROM (
    SELECT count(*) AS every,
        count(*) FILTER (WHERE status = 'completed') AS done,
        count(*) FILTER (WHERE status = 'in_progress') AS in_progress
    FROM learners_enrollment WHERE portal_id = %(portal)s AND NOT unenrolled GROUP BY learner_id
) AS people GROUP BY least(done, %(many)s)
"""
# Month by month along the index: cutting every moment down to its month takes three times as long.
MONTHLY = """
WITH done AS NOT MATERIALIZED (
    SELECT completed_at FROM learners_enrollment
    WHERE portal_id = %(portal)s AND status = 'completed' AND NOT unenrolled AND completed_at IS NOT NULL
), latest AS (SELECT date_trunc('month', max(completed_at) AT TIME ZONE %(zone)s) AS month FROM done)
SELECT json_build_array(begins::date, courses)
FROM latest, generate_series(month - interval '11 months', month, interval '1 month') AS begins,
LATERAL (SELECT count(*) AS courses FROM done WHERE completed_at >= begins AT TIME ZONE %(zone)s
    AND completed_at < (begins + interval '1 month') AT TIME ZONE %(zone)s) AS counted
WHERE courses > 0 ORDER BY begins DESC
"""
REQUIRED = """
SELECT json_build_array(
    course_id, count(DISTINCT learner_id) FILTER (WHERE status = 'completed'), count(DISTINCT learner_id)
)
FROM learners_enrollment
WHERE portal_id = %(portal)s AND NOT unenrolled AND course_id = ANY (%(required)s::bigint[]) GROUP BY course_id
"""
# In one statement, so that charts that stand beside each other tell of one moment.
SUMS = f"""
SELECT array_to_json(ARRAY({DISTRIBUTION})), array_to_json(ARRAY({MONTHLY})), array_to_json(ARRAY({REQUIRED}))
"""


def enrollments_of(portal: Portal) -> QuerySet[Enrollment]:
    return Enrollment.objects.filter(portal=portal, unenrolled=False)


def people_by_courses(portal: Portal) -> QuerySet[Learner]:
    """Everybody with the number of courses completed, in progress and not started."""
    counts = {
        status.value: Count(
            "enrollments", filter=Q(enrollments__status=status, enrollments__unenrolled=False)
        )
        for status in Enrollment.Status
    }
    return people_of(portal).annotate(**counts)


def people_of(portal: Portal) -> QuerySet[Learner]:
    return Learner.objects.filter(portal=portal).exclude(state=Learner.State.UNLINKED)


def courses_of(portal: Portal, people: list[Learner]) -> list[tuple[Learner, Counter[str]]]:
    """These people with their number of courses by status; counted for them alone, whatever the portal's size."""
    found: defaultdict[int, Counter[str]] = defaultdict(Counter)
    rows = enrollments_of(portal).filter(learner__in=people).values_list("learner_id", "status")
    for learner, status in rows:
        found[learner][status] += 1
    return [(person, found[person.pk]) for person in people]


def completions(portal: Portal) -> QuerySet[Enrollment]:
    done = enrollments_of(portal).filter(status=COMPLETED, completed_at__isnull=False)
    return done.select_related("learner").order_by("-completed_at", "-pk")


@dataclass(frozen=True)
class Sums:
    """What the charts of a portal show; sums only, no people."""

    statuses: list[tuple[str, str, int]]
    spread: list[tuple[str, int]]
    months: list[
        tuple[date, int]
    ]  # of the year that ends with the latest completion; before it nothing is read
    required: list[tuple[str, int, int]]  # course, how many people completed it, of how many enrolled


def sums(portal: Portal, courses: list[Course], zone: ZoneInfo | None) -> Sums:
    names = {course.course_id: course.name for course in courses if course.required}
    of: dict[str, Any] = {
        "portal": portal.pk,
        "zone": zone.key if zone else settings.TIME_ZONE,
        "required": sorted(names),
        "many": MANY,
    }

    def count() -> Any:
        with connection.cursor() as cursor:
            cursor.execute(SUMS, of)
            return cursor.fetchone()

    people, months, required = counted(portal.account, f"sums-{portal.pk}", of, count)
    numbers = {course: (done, enrolled) for course, done, enrolled in required}
    return Sums(
        statuses(people),
        spread(people),
        [(date.fromisoformat(month), done) for month, done in months],
        [(name, *numbers.get(course, (0, 0))) for course, name in names.items()],
    )


def statuses(people: list[list[int]]) -> list[tuple[str, str, int]]:
    """How many courses stand in each status."""
    totals = [sum(row[2 + column] for row in people) for column in range(len(Enrollment.Status))]
    return [(s.value, str(s.label), total) for s, total in zip(Enrollment.Status, totals, strict=True)]


def spread(people: list[list[int]]) -> list[tuple[str, int]]:
    """How many people have completed so many courses; nothing where there is nobody."""
    numbers = {row[0]: row[1] for row in people}
    labels = [f"{n} course{'' if n == 1 else 's'}" for n in range(MANY)] + [f"{MANY} or more"]
    return [(label, numbers.get(number, 0)) for number, label in enumerate(labels)] if people else []


def required_completed(portal: Portal) -> QuerySet[Enrollment]:
    """One row for each person and required course they completed."""
    required = Course.objects.filter(portal=portal, required=True).values("course_id")
    done = enrollments_of(portal).filter(status=COMPLETED, course_id__in=required)
    return done.select_related("learner").order_by(F("completed_at").desc(nulls_last=True), "-pk")


def mark_required(portal: Portal, chosen: set[int]) -> list[int]:
    """Mark these courses and no others; enrollments of courses that changed go to HubSpot again, because their
    `required` property did. Returns the ids of courses that changed."""
    changed = [
        course.course_id
        for course in Course.objects.filter(portal=portal)
        if course.required != (course.course_id in chosen)
    ]
    courses = Course.objects.filter(portal=portal, course_id__in=changed)
    courses.filter(course_id__in=chosen).update(required=True)
    courses.exclude(course_id__in=chosen).update(required=False)
    # Nothing flows about a paused link, which catches up when it resumes, nor about one that was cut.
    still = Learner.objects.filter(
        pk=OuterRef("learner_id"), state__in=[Learner.State.PAUSED, Learner.State.UNLINKED]
    )
    Enrollment.objects.filter(portal=portal, course_id__in=changed).update(
        version=F("version") + 1,
        changed_at=Now(),
        due_at=Case(When(Exists(still), then=F("due_at")), default=Now()),
        bulk=Case(When(due_at=None, then=True), default=F("bulk")),
    )
    return changed


def people_rows(portal: Portal) -> Iterator[tuple[Any, ...]]:
    columns = (
        "first_name",
        "last_name",
        "email",
        "record_type",
        "record_id",
        "completed",
        "in_progress",
        "not_started",
    )
    return people_by_courses(portal).order_by("pk").values_list(*columns).iterator(chunk_size=2000)


def completion_rows(rows: QuerySet[Enrollment]) -> Iterator[tuple[Any, ...]]:
    for row in rows.iterator(chunk_size=2000):
        learner = row.learner
        yield (
            row.completed_at, learner.first_name, learner.last_name, learner.email, learner.record_type,
            learner.record_id, row.course_name, row.get_result_display() if row.result else "", row.score_percent,
        )  # fmt: skip
