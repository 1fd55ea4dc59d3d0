"""The overview: each portal's health, and that no page asks more of the database when there is more to show."""

from datetime import datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from learners.models import Learner, ReviewItem, Walk
from learners.views.freshness import span
from portals.models import Course, HubSpotAccount, Portal
from tests.learners.test_pages_activity import delivery, failed
from tests.learners.test_pages_people import enrollment, learner

PAGES = [
    "settings", "settings/import", "settings/mail", "learners", "activity", "activity?state=failed", "review",
    "backfill", "insights", "privacy",
]  # fmt: skip
MOST_QUERIES = 12  # session and account included


def test_without_a_portal_it_shows_what_is_left_to_do(as_acme: Client) -> None:
    Portal.objects.all().delete()
    page = as_acme.get("/portals/").content.decode()
    assert "What is left to do" in page
    assert "/portals/connect/" in page


def test_health_of_a_portal(as_acme: Client, acme_portal: Portal) -> None:
    ada = learner(acme_portal)
    learner(acme_portal, "Grace", state="pending")
    enrollment(ada, status="completed", pushed_version=1, due_at=None)
    enrollment(ada, parked_reason="HubSpot refused.", due_at=None)
    failed(acme_portal)
    delivery(acme_portal)
    health = as_acme.get("/portals/").context["portals"][0]
    assert (health.learners["active"], health.learners["pending"]) == (1, 1)
    assert health.enrollments["completed"] == 1
    assert (health.waiting, health.failing) == (1, 2)


def test_another_accounts_portals_are_not_there(as_globex: Client, acme_portal: Portal) -> None:
    assert acme_portal.title not in as_globex.get("/portals/").content.decode()


def test_a_lost_portal_is_said_on_every_page(as_acme: Client, acme_portal: Portal) -> None:
    Portal.objects.filter(pk=acme_portal.pk).update(state="disconnected")
    assert "LearnUpon refuses the API keys" in as_acme.get("/portals/connect/").content.decode()


@time_machine.travel("2026-03-02 18:00Z", tick=False)  # not at a moment when a day begins
def test_freshness_is_the_95th_of_todays_changes(
    as_acme: Client, acme_portal: Portal, globex_portal: Portal
) -> None:
    now = timezone.now()
    ada, gil = learner(acme_portal), learner(globex_portal)

    def pushed(person: Learner, seconds: float, at: datetime = now) -> None:
        enrollment(person, pushed_at=at, changed_at=at - timedelta(seconds=seconds), due_at=None)

    assert as_acme.get("/portals/").context["portals"][0].freshness == ""
    for seconds in range(1, 102):
        pushed(ada, seconds / 100)
    pushed(ada, 9000, at=now - timedelta(days=2))  # another day's
    pushed(ada, 3 * 86400)  # written again today, changed long ago
    pushed(gil, 5000)
    health = as_acme.get("/portals/").context["portals"][0]
    assert health.p95 == pytest.approx(0.96)
    assert health.freshness == "a second"


@pytest.mark.parametrize(
    ("state", "done"),
    [("running", True), ("paused", True), ("done", True), ("cancelled", False), ("failed", False)],
)
def test_history_that_was_not_brought_in_is_still_to_do(
    as_acme: Client, acme_portal: Portal, state: str, done: bool
) -> None:
    Walk.objects.create(account=acme_portal.account, portal=acme_portal, kind=Walk.Kind.HISTORY, state=state)
    (health,) = as_acme.get("/portals/").context["portals"]
    assert health.steps[-1].done is done


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "a second"),
        (1, "1 second"),
        (12.4, "12 seconds"),
        (95, "2 minutes"),
        (7000, "2 hours"),
        (4e5, "5 days"),
    ],
)
def test_times_are_said_as_people_say_them(seconds: float, said: str) -> None:
    assert span(seconds) == said


def queries(client: Client, address: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert client.get(address).status_code == 200
    return len(asked)


@pytest.mark.parametrize("page", ["", *PAGES])
def test_more_rows_ask_no_more_queries(
    as_acme: Client, acme: HubSpotAccount, acme_portal: Portal, page: str
) -> None:
    address = f"/portals/{acme_portal.pk}/{page}" if page else "/portals/"
    fill(acme_portal, 1)
    before = queries(as_acme, address)
    fill(acme_portal, 20)
    assert queries(as_acme, address) == before
    assert before <= MOST_QUERIES


@pytest.mark.parametrize("address", ["/install/", "/portals/connect/", "/portals/recipients"])
def test_an_accounts_pages_ask_few_queries(as_acme: Client, acme_portal: Portal, address: str) -> None:
    fill(acme_portal, 5)
    assert queries(as_acme, address) <= MOST_QUERIES


def test_one_learners_page_asks_no_more_either(as_acme: Client, acme_portal: Portal) -> None:
    person = learner(acme_portal)
    address = f"/portals/{acme_portal.pk}/learners/{person.pk}"
    before = queries(as_acme, address)
    for _ in range(10):
        enrollment(person)
        delivery(acme_portal, record_id=person.record_id)
    assert queries(as_acme, address) == before
    assert before <= MOST_QUERIES


def fill(portal: Portal, count: int) -> None:
    for _ in range(count):
        number = Course.objects.count() + 1
        Course.objects.create(portal=portal, course_id=number, name=f"Course {number}", required=True)
        person = learner(portal)
        enrollment(person, course_id=number, status="completed", completed_at=person.added_at)
        enrollment(person, course_id=number, parked_reason="HubSpot refused.", due_at=None)
        failed(portal, record_id=person.record_id)
        delivery(portal, record_id=person.record_id, attempts=2)
        ReviewItem.objects.create(
            account=portal.account, portal=portal, kind="conflict", record_type="contact", first_record=person.record_id,
            first_user=number, second_record=person.record_id, second_user=number + 1,
        )  # fmt: skip
