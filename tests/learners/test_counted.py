"""Sums that are kept: shared by all web processes, the same as those just counted, and never in anybody's way."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from learners.models import Enrollment, Tally
from learners.views import counted, overview, reports
from learners.views.freshness import midnight
from portals.models import Course, HubSpotAccount, Portal
from portals.templatetags.pages import zone
from tests.learners.test_pages_overview import MOST_QUERIES
from tests.learners.test_pages_people import enrollment, learner

DUBLIN = ZoneInfo("Europe/Dublin")


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is counted takes long."""
    monkeypatch.setattr(counted, "QUICK", -1.0)


def today(portal: Portal) -> datetime:
    return midnight(zone(portal.account)) + timedelta(hours=1)


@pytest.fixture
def progress(acme_portal: Portal) -> None:
    for number, name in ((1, "Fire Safety"), (2, "Extras")):
        Course.objects.create(portal=acme_portal, course_id=number, name=name, required=number == 1)
    at = today(acme_portal)
    for name, status in (("Ada", "completed"), ("Grace", "in_progress"), ("Hedy", "completed")):
        enrollment(
            learner(acme_portal, name), course_id=1, status=status, pushed_at=at, due_at=None,
            changed_at=at - timedelta(microseconds=1234567), completed_at=at if status == "completed" else None,
        )  # fmt: skip


def sums(portal: Portal, place: ZoneInfo | None = None) -> reports.Sums:
    return reports.sums(portal, list(Course.objects.filter(portal=portal).order_by("name")), place)


CALLERS: dict[str, Callable[[Portal], Any]] = {
    "sums": sums,
    "overview": lambda portal: overview.sums(portal.account),
}


def shape(value: Any) -> Any:
    """The same with the type of every part, which `==` overlooks in places."""
    if isinstance(value, reports.Sums):
        return shape(vars(value))
    if isinstance(value, dict):
        return type(value), [(shape(key), shape(part)) for key, part in value.items()]
    if isinstance(value, list | tuple):
        return type(value), [shape(part) for part in value]
    return type(value), value


@pytest.mark.usefixtures("progress", "slow")
@pytest.mark.parametrize("caller", CALLERS)
def test_what_was_kept_is_what_was_counted(acme_portal: Portal, caller: str) -> None:
    ask = CALLERS[caller]
    fresh = ask(acme_portal)
    Enrollment.objects.update(status="not_started", pushed_at=None)
    assert shape(ask(acme_portal)) == shape(fresh)
    Tally.objects.all().delete()
    assert shape(ask(acme_portal)) != shape(fresh)


@pytest.mark.usefixtures("progress", "slow")
def test_what_is_counted_is_of_the_types_that_pages_show(acme_portal: Portal) -> None:
    for _ in range(2):
        found = sums(acme_portal)
        assert found.required == [("Fire Safety", 2, 3)]
        assert found.months == [(today(acme_portal).astimezone(UTC).date().replace(day=1), 2)]
        assert ("completed", "Completed", 2) in found.statuses
        assert ("1 course", 2) in found.spread
        enrollments, p95 = overview.sums(acme_portal.account)
        assert enrollments == {acme_portal.pk: Counter(completed=2, in_progress=1)}
        assert p95 == {acme_portal.pk: 1.234567}


@pytest.mark.usefixtures("progress")
def test_who_has_few_rows_sees_the_newest(acme_portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counted, "QUICK", 60.0)  # however slow the machine is
    assert sums(acme_portal).required == [("Fire Safety", 2, 3)]
    Enrollment.objects.update(status="completed")
    assert sums(acme_portal).required == [("Fire Safety", 3, 3)]
    assert not Tally.objects.exists()


@pytest.mark.usefixtures("progress", "slow")
def test_after_a_minute_it_is_counted_anew_in_the_same_row(acme_portal: Portal) -> None:
    sums(acme_portal)
    Enrollment.objects.update(status="completed")
    Tally.objects.update(counted_at=timezone.now() - timedelta(seconds=58))
    assert sums(acme_portal).required == [("Fire Safety", 2, 3)]
    Tally.objects.update(counted_at=timezone.now() - timedelta(seconds=61))
    assert sums(acme_portal).required == [("Fire Safety", 3, 3)]
    assert sums(acme_portal).required == [("Fire Safety", 3, 3)]
    kept = Tally.objects.get()
    assert timezone.now() - kept.counted_at < timedelta(seconds=30)


@pytest.mark.usefixtures("progress", "slow")
def test_another_zone_or_required_course_is_another_question(as_acme: Client, acme_portal: Portal) -> None:
    """Would catch: an admin who marks a course as required and is shown what was counted before."""
    sums(acme_portal)
    as_acme.post(f"/portals/{acme_portal.pk}/insights/required", {"required": "2"})
    assert sums(acme_portal).required == [("Extras", 0, 0)]
    at = datetime(2026, 6, 30, 23, 30, tzinfo=UTC)
    Enrollment.objects.filter(status="completed").update(completed_at=at)
    Tally.objects.all().delete()
    assert [month.month for month, _ in sums(acme_portal).months] == [6]
    assert [month.month for month, _ in sums(acme_portal, DUBLIN).months] == [7]


@pytest.mark.usefixtures("progress", "slow")
def test_yesterdays_numbers_are_not_todays(acme_portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    assert overview.sums(acme_portal.account)[1] == {acme_portal.pk: 1.234567}
    tomorrow = midnight(None) + timedelta(days=2)
    monkeypatch.setattr(overview, "midnight", lambda zone: tomorrow)
    assert overview.sums(acme_portal.account)[1] == {}


@pytest.mark.usefixtures("slow")
def test_nobody_is_given_what_was_counted_for_another_account(
    acme: HubSpotAccount, globex: HubSpotAccount
) -> None:
    assert counted.counted(acme, "same", [], lambda: ["acme"]) == ["acme"]
    assert counted.counted(globex, "same", [], lambda: ["globex"]) == ["globex"]


@pytest.mark.usefixtures("progress", "slow")
@pytest.mark.parametrize("page", ["", "{}/insights"])
def test_who_comes_first_asks_few_queries_too(as_acme: Client, acme_portal: Portal, page: str) -> None:
    with CaptureQueriesContext(connection) as asked:
        assert as_acme.get("/portals/" + page.format(acme_portal.pk)).status_code == 200
    assert Tally.objects.exists()
    assert len(asked) <= MOST_QUERIES


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("slow")
def test_a_database_that_takes_no_writes_costs_only_the_wait(as_acme: Client, acme_portal: Portal) -> None:
    enrollment(learner(acme_portal), status="completed")
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
        try:
            for _ in range(2):
                page = as_acme.get("/portals/")
                assert page.context["portals"][0].enrollments["completed"] == 1
        finally:
            cursor.execute("SET default_transaction_read_only = off")
    assert not Tally.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("slow")
def test_an_account_that_goes_while_it_is_counted_leaves_nothing(acme: HubSpotAccount) -> None:
    def count() -> list[str]:
        HubSpotAccount.objects.filter(pk=acme.pk).delete()
        return ["counted"]

    assert counted.counted(acme, "sums", [], count) == ["counted"]
    assert not Tally.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("slow")
def test_of_two_who_count_at_once_the_later_one_s_numbers_stay(acme: HubSpotAccount) -> None:
    def first() -> list[int]:
        assert counted.counted(acme, "sums", [], lambda: [2]) == [2]  # somebody else, meanwhile
        return [1]

    assert counted.counted(acme, "sums", [], first) == [1]
    assert counted.counted(acme, "sums", [], lambda: [3]) == [1]
