"""Vendors that break down for one account or portal: it is left alone, its neighbours go on, and it comes back."""

import pytest
from django.db import connection

from learners import enrollments, push
from learners.models import Enrollment
from portals.clients import breaker
from portals.clients.breaker import FAILURES
from portals.clients.errors import TryAgain
from portals.lanes import Lane
from tests.flows.stage import ACME, GLOBEX, Stage
from tests.flows.test_push import linked, seen
from tests.flows.test_push_turns import another_worker
from tests.flows.worlds import hurry_breakers
from webhooks import claims
from webhooks.models import Delivery

HANK = "hank.scorpio@globex.example"
PEOPLE = [f"person.{number}@northwind.example" for number in range(12)]


def broken(stage: Stage, service: str, account: int | str) -> None:
    stage.fault(service, "/", "status", status=500, times=None, account=account)


def test_hubspot_failing_one_account_stops_its_calls_and_no_other(stage: Stage) -> None:
    """Would catch: a shared breaker, calls that go on, waits that count, or actions that never come back."""
    broken(stage, "hubspot", ACME)
    ours = stage.run("user-add", *[stage.new_contact(email=email) for email in PEOPLE])
    theirs = stage.run("user-add", stage.contact(HANK, GLOBEX), account=GLOBEX)
    for _ in range(6):
        stage.later(seconds=55)
    assert (breaker.Vendor.HUBSPOT, str(ACME)) in breaker.troubles()
    failed = [call for call in stage.calls_to("hubspot", "/") if call["account"] == ACME]
    assert len(failed) <= FAILURES + 2
    assert stage.outcome(stage.execution(theirs[0])) == "already_exists"
    assert max(Delivery.objects.values_list("attempts", flat=True)) <= FAILURES + 1
    stage.mend()
    stage.later(minutes=6)
    stage.later(minutes=1)
    assert {stage.outcome(stage.execution(one)) for one in ours} == {"created"}
    assert breaker.troubles() == {}


def test_learnupon_failing_one_portal_stops_its_calls_and_no_other(stage: Stage) -> None:
    broken(stage, "learnupon", "acme")
    contacts = [stage.new_contact(email=email) for email in PEOPLE]
    ours = stage.run("user-add", *contacts[:6])
    beside = stage.run("user-add", *contacts[6:], inputs={"portal": "acme-partners"})
    stage.work()
    assert list(breaker.troubles()) == [("learnupon", "acme.learnupon.com")]
    assert len(stage.calls_to("learnupon", "/acme/api")) == FAILURES
    assert {stage.outcome(stage.execution(one)) for one in beside} == {"created"}
    # What comes now is put off without asking anybody, HubSpot neither.
    reads = len(stage.calls_to("hubspot", "/batch/read"))
    late = stage.run("user-add", stage.contact("amara.abara@northwind.example"))
    stage.work()
    assert len(stage.calls_to("hubspot", "/batch/read")) == reads
    waiting = Delivery.objects.get(callback_id=late[0])
    assert (waiting.attempts, waiting.claim) == (0, 0)
    assert waiting.reason == breaker.resting(breaker.Vendor.LEARNUPON)
    stage.mend()
    stage.later(minutes=6)
    stage.later(minutes=1)
    assert {stage.outcome(stage.execution(one)) for one in [*ours, *late]} == {"created"}


def test_progress_waits_for_hubspot_without_being_claimed_and_goes_when_it_answers(stage: Stage) -> None:
    ours, theirs = linked(stage), linked(stage, HANK, "globex")
    enrollments.take(ours.portal, [seen(number) for number in range(1, 1301)])
    enrollments.take(theirs.portal, [seen(1)])
    broken(stage, "hubspot", ACME)
    for _ in range(3):
        stage.work()
    untouched = Enrollment.objects.filter(account=ours.account, claim=0).count()
    assert untouched >= 1300 - 2 * push.CLAIMED  # what six calls need
    assert push.push(ours.account, "live") is None
    assert Enrollment.objects.filter(account=ours.account, claim=0).count() == untouched
    assert len(stage.records(GLOBEX)) == 1
    stage.mend()
    stage.later(minutes=6)
    stage.later(minutes=6)
    assert len(stage.records(ACME)) == 1300
    assert not Enrollment.objects.exclude(due_at=None).exists()


def test_what_waited_for_hours_is_due_at_once_when_the_vendor_answers(stage: Stage) -> None:
    """Would catch: an outage of a day that costs four hours more, and a claim handed to a second worker."""
    learner = linked(stage)
    enrollments.take(learner.portal, [seen(1), seen(2)])
    stage.run("user-add", stage.new_contact(email=PEOPLE[0]))
    hours = "UPDATE {} SET due_at = now() + interval '4 hours', attempts = 11"
    with connection.cursor() as cursor:
        cursor.execute(hours.format("webhooks_delivery"))
        cursor.execute(hours.format("learners_enrollment") + " WHERE enrollment_id = 1")
        cursor.execute("UPDATE learners_enrollment SET due_at = now() + interval '100 s', attempts = 1, claim = 9"
                       " WHERE enrollment_id = 2")  # fmt: skip
    breaker_opens_and_closes(stage)
    stage.work()
    assert Delivery.objects.get().outcome == "created"
    assert Enrollment.objects.get(enrollment_id=1).due_at is None
    assert Enrollment.objects.get(enrollment_id=2).claim == 9


def test_putting_off_waits_for_nobody_who_is_writing(stage: Stage) -> None:
    """Would catch: a deadlock with a worker who writes down what its claims led to, after they ran out."""
    stage.run("user-add", *[stage.new_contact(email=email) for email in PEOPLE[:2]])
    stage.hear()
    for _ in range(FAILURES):
        with pytest.raises(TryAgain), breaker.guard(breaker.Vendor.HUBSPOT, ACME):
            raise TryAgain("500", vendor_failed=True)
    written = Delivery.objects.earliest("pk")
    with another_worker() as worker, connection.cursor() as ours:
        worker.execute("BEGIN")
        worker.execute("SELECT FROM webhooks_delivery WHERE id = %s FOR UPDATE", [written.pk])
        ours.execute("SET lock_timeout = '2s'")
        assert claims.claim(written.account_id, Lane.ACTIONS, 10) == []
        ours.execute("RESET lock_timeout")
    assert [row.reason for row in Delivery.objects.order_by("pk")] == [
        "",
        breaker.resting(breaker.Vendor.HUBSPOT),
    ]


def breaker_opens_and_closes(stage: Stage) -> None:
    for _ in range(FAILURES):
        with pytest.raises(TryAgain), breaker.guard(breaker.Vendor.HUBSPOT, ACME):
            raise TryAgain("500", vendor_failed=True)
    hurry_breakers(60)
    with breaker.guard(breaker.Vendor.HUBSPOT, ACME):
        pass


def test_an_action_ends_before_hubspot_stops_waiting_although_the_portal_is_down(stage: Stage) -> None:
    broken(stage, "learnupon", "acme")
    ours = stage.run("user-add", *[stage.new_contact(email=email) for email in PEOPLE])
    stage.work()
    Delivery.objects.update(attempts=0)
    for _ in range(7):
        stage.later(hours=24)
    assert {stage.outcome(stage.execution(one)) for one in ours} == {"expired"}
