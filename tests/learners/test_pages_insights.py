"""The three promised reports, their spreadsheets, and marking required courses."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from learners import links
from learners.models import Enrollment, Learner
from learners.views import reports
from learners.views.charts import Bar, bars
from portals.models import Course, Portal
from tests.learners.test_pages_people import enrollment, learner

MAY = datetime(2026, 5, 31, 23, 30, tzinfo=UTC)


@pytest.fixture
def courses(acme_portal: Portal) -> list[Course]:
    return [
        Course.objects.create(portal=acme_portal, course_id=n, name=name, required=n == 1)
        for n, name in ((1, "Safety"), (2, "Extras"))
    ]


@pytest.fixture
def progress(acme_portal: Portal, courses: list[Course]) -> None:
    ada, grace = learner(acme_portal, "Ada"), learner(acme_portal, "Grace")
    enrollment(
        ada, "Safety", course_id=1, status="completed", completed_at=MAY, pushed_version=1, due_at=None
    )
    enrollment(
        ada, "Extras", course_id=2, status="completed", completed_at=MAY, pushed_version=1, due_at=None
    )
    enrollment(grace, "Safety", course_id=1, status="in_progress", pushed_version=1, due_at=None)
    enrollment(grace, "Extras", course_id=2, status="not_started", unenrolled=True)


def csv(client: Client, portal: Portal, report: str) -> str:
    answer = client.get(f"/portals/{portal.pk}/insights.csv", {"report": report})
    return b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]


def test_an_empty_page_leads_to_the_backfill(as_acme: Client, acme_portal: Portal) -> None:
    page = as_acme.get(f"/portals/{acme_portal.pk}/insights").content.decode()
    assert "No course progress yet" in page
    assert f"/portals/{acme_portal.pk}/backfill" in page


@pytest.mark.usefixtures("progress")
def test_people_by_number_of_courses_per_status(as_acme: Client, acme_portal: Portal) -> None:
    people = as_acme.get(f"/portals/{acme_portal.pk}/insights").context["people"]
    counted = {person.first_name: dict(courses) for person, courses in people}
    assert counted == {"Ada": {"completed": 2}, "Grace": {"in_progress": 1}}
    assert dict(reports.sums(acme_portal, [], None).spread)["2 courses"] == 1
    rows = csv(as_acme, acme_portal, "people").splitlines()
    assert rows[1].startswith("Ada,Lovelace,ada@example.com,contact,")
    assert [row.split(",")[5:] for row in rows[1:]] == [["2", "0", "0"], ["0", "1", "0"]]


@pytest.mark.usefixtures("progress")
def test_completions_by_date_in_the_accounts_time_zone(as_acme: Client, acme_portal: Portal) -> None:
    acme_portal.account.time_zone = "Europe/Dublin"
    acme_portal.account.save()
    page = as_acme.get(f"/portals/{acme_portal.pk}/insights")
    assert [(day.month, count) for day, count in page.context["sums"].months] == [(6, 2)]
    assert "Jun 2026" in page.content.decode()
    assert csv(as_acme, acme_portal, "completions").count("2026-05-31T23:30:00+00:00") == 2


def test_months_begin_at_local_midnight_and_end_a_year_before_the_latest(acme_portal: Portal) -> None:
    """Summer time moves the edges of some months; a month without completions is left out, not shifted."""
    moments = (
        "2026-11-01T03:59:59Z",  # still October in New York, in summer time
        "2026-11-01T04:00:00Z",  # November
        "2026-12-01T04:59:59Z",  # still November, in winter time
        "2025-12-01T05:00:00Z",  # the first moment of the twelve months
        "2025-12-01T04:59:59Z",  # the last one before them
    )
    ada = learner(acme_portal, "Ada")
    for moment in moments:
        enrollment(ada, "Safety", status="completed", completed_at=moment)
        enrollment(ada, "Safety", status="completed", completed_at=moment, unenrolled=True)
    months = reports.sums(acme_portal, [], ZoneInfo("America/New_York")).months
    assert months == [(date(2026, 11, 1), 2), (date(2026, 10, 1), 1), (date(2025, 12, 1), 1)]


@pytest.mark.usefixtures("progress")
def test_people_with_a_required_course_completed(as_acme: Client, acme_portal: Portal) -> None:
    sums = as_acme.get(f"/portals/{acme_portal.pk}/insights").context["sums"]
    assert sums.required == [("Safety", 1, 2)]
    assert [total for _, _, total in sums.statuses] == [0, 1, 2]
    rows = csv(as_acme, acme_portal, "required")
    assert "Safety" in rows
    assert "Extras" not in rows
    assert "Grace" not in rows


@pytest.mark.usefixtures("progress")
def test_marking_required_courses_writes_their_enrollments_again(
    as_acme: Client, acme_portal: Portal
) -> None:
    as_acme.post(f"/portals/{acme_portal.pk}/insights/required", {"required": ["1", "2", "x", "99"]})
    assert set(acme_portal.courses.filter(required=True).values_list("course_id", flat=True)) == {1, 2}
    touched = Enrollment.objects.filter(portal=acme_portal, version=2)
    assert {row.course_id for row in touched} == {2}
    assert all(row.due_at for row in touched)


@pytest.mark.usefixtures("courses")
def test_marking_a_required_course_sends_nothing_about_links_that_rest(
    as_acme: Client, acme_portal: Portal
) -> None:
    """Unlinked is promised to be for good; a paused one's contact was deleted, and catches up once restored."""
    for state in ("paused", "unlinked", "active"):
        person = learner(acme_portal, state=state)
        enrollment(person, "Extras", course_id=2, pushed_version=1, due_at=None)
    as_acme.post(f"/portals/{acme_portal.pk}/insights/required", {"required": ["1", "2"]})
    due = Enrollment.objects.filter(due_at__isnull=False).values_list("learner__state", flat=True)
    assert list(due) == ["active"]
    links.resume(Learner.objects.all())
    assert Enrollment.objects.filter(due_at__isnull=False).count() == 2


@pytest.mark.usefixtures("progress")
def test_a_completion_without_a_date_is_not_the_latest(as_acme: Client, acme_portal: Portal) -> None:
    enrollment(learner(acme_portal, "Zoe"), "Safety", course_id=1, status="completed", completed_at=None)
    page = as_acme.get(f"/portals/{acme_portal.pk}/insights")
    assert [row.learner.first_name for row in page.context["required_people"]] == ["Ada", "Zoe"]


def test_another_accounts_reports_are_not_shown(
    as_globex: Client, acme_portal: Portal, courses: list[Course]
) -> None:
    assert as_globex.get(f"/portals/{acme_portal.pk}/insights.csv").status_code == 404
    assert (
        as_globex.post(f"/portals/{acme_portal.pk}/insights/required", {"required": "2"}).status_code == 404
    )
    assert not Course.objects.get(course_id=2).required


def test_an_unknown_report_does_not_exist(as_acme: Client, acme_portal: Portal) -> None:
    assert as_acme.get(f"/portals/{acme_portal.pk}/insights.csv?report=all").status_code == 404


def test_a_chart_escapes_what_others_wrote_and_needs_no_style() -> None:
    chart = bars(
        "Title", [Bar("<script>", [("completed", 3), ("not_started", 1)]), Bar("None", [("completed", 0)])]
    )
    assert "&lt;script&gt;" in chart
    assert "3 of 4" in chart
    assert "style" not in chart
