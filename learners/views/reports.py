"""The three reports customers are promised, as queries: people by number of courses per status, completions by
date, people with a required course completed."""

from collections.abc import Iterator
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import Now, TruncMonth

from learners.models import Enrollment, Learner
from portals.models import Course, Portal

COMPLETED = Enrollment.Status.COMPLETED
MANY = 5  # "5 or more courses" is one row of the distribution
MONTHS = 12


def enrollments_of(portal: Portal) -> QuerySet[Enrollment]:
    return Enrollment.objects.filter(portal=portal, unenrolled=False)


def people_by_courses(portal: Portal) -> QuerySet[Learner]:
    """Each person with the number of courses completed, in progress and not started."""
    counts = {
        status.value: Count(
            "enrollments", filter=Q(enrollments__status=status, enrollments__unenrolled=False)
        )
        for status in Enrollment.Status
    }
    return Learner.objects.filter(portal=portal).exclude(state=Learner.State.UNLINKED).annotate(**counts)


def distribution(portal: Portal) -> list[tuple[str, int]]:
    """How many people have completed so many courses."""
    per_person = (
        enrollments_of(portal)
        .values("learner")
        .annotate(done=Count("pk", filter=Q(status=COMPLETED)))
        .values_list("done")
    )
    people: dict[int, int] = {}
    for (done,) in per_person.iterator(chunk_size=5000):
        people[min(done, MANY)] = people.get(min(done, MANY), 0) + 1
    if not people:
        return []
    labels = [f"{n} course{'' if n == 1 else 's'}" for n in range(MANY)] + [f"{MANY} or more"]
    return [(label, people.get(number, 0)) for number, label in enumerate(labels)]


def by_status(portal: Portal) -> list[tuple[str, str, int]]:
    counted = dict(enrollments_of(portal).values_list("status").annotate(Count("pk")))
    return [(status.value, str(status.label), counted.get(status.value, 0)) for status in Enrollment.Status]


def completions_by_month(portal: Portal, zone: ZoneInfo | None) -> list[tuple[date, int]]:
    counted = (
        enrollments_of(portal)
        .filter(status=COMPLETED, completed_at__isnull=False)
        .annotate(month=TruncMonth("completed_at", tzinfo=zone))
        .values_list("month")
        .annotate(Count("pk"))
        .order_by("-month")[:MONTHS]
    )
    return [(month.date(), count) for month, count in counted]


def completions(portal: Portal) -> QuerySet[Enrollment]:
    done = enrollments_of(portal).filter(status=COMPLETED, completed_at__isnull=False)
    return done.select_related("learner").order_by("-completed_at", "-pk")


def required_courses(portal: Portal) -> QuerySet[Course]:
    return Course.objects.filter(portal=portal, required=True).order_by("name")


def required_completed(portal: Portal) -> QuerySet[Enrollment]:
    """One row for each person and required course they completed."""
    required = Course.objects.filter(portal=portal, required=True).values("course_id")
    done = enrollments_of(portal).filter(status=COMPLETED, course_id__in=required)
    return done.select_related("learner").order_by("-completed_at", "-pk")


def required_progress(portal: Portal) -> list[tuple[str, int, int]]:
    """Each required course with how many people completed it, of how many that are enrolled."""
    courses = dict(required_courses(portal).values_list("course_id", "name"))
    people = Count("learner", distinct=True)
    counted = {
        row["course_id"]: (row["done"], row["enrolled"])
        for row in enrollments_of(portal)
        .filter(course_id__in=courses)
        .values("course_id")
        .annotate(done=Count("learner", distinct=True, filter=Q(status=COMPLETED)), enrolled=people)
    }
    return [(name, *counted.get(course, (0, 0))) for course, name in courses.items()]


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
    Enrollment.objects.filter(portal=portal, course_id__in=changed).update(
        version=F("version") + 1, changed_at=Now(), due_at=Now()
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
