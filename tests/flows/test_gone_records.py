"""Contacts deleted and restored, told in any order and while workflow runs about them wait."""

from datetime import timedelta

import pytest
from django.utils import timezone

from learners import links
from learners.claims import learner_for
from learners.models import Learner
from tests.flows.stage import ACME, Stage

AMARA = "amara.abara@northwind.example"


def test_a_run_worked_after_its_contact_was_deleted_makes_nobody(stage: Stage) -> None:
    """The deletion was worked first and found no link to pause: a learner made now would stay active for ever."""
    contact = stage.contact(AMARA)
    (run,) = stage.run("user-add", contact)
    stage.hear()
    stage.control("POST", "delete", {"account": ACME, "contact_id": contact})
    stage.settle()
    for _ in range(4):
        stage.later(minutes=1)
    assert stage.outcome(stage.execution(run)) == "refused"
    assert not Learner.objects.exists()
    assert stage.user(AMARA) is None
    assert not [row for row in stage.deliveries() if row.state == "waiting"]


def test_a_run_whose_contact_was_restored_meanwhile_goes_on(stage: Stage) -> None:
    contact = stage.contact(AMARA)
    (run,) = stage.run("user-add", contact)
    stage.hear()
    stage.control("POST", "delete", {"account": ACME, "contact_id": contact})
    stage.settle()
    stage.control("POST", "restore", {"account": ACME, "contact_id": contact})
    stage.hear()
    for _ in range(4):
        stage.later(minutes=1)
    assert stage.outcome(stage.execution(run)) == "created"
    assert Learner.objects.get().state == "active"


@pytest.mark.parametrize("what", ["restore", "merge"])
def test_a_learner_that_never_came_to_anything_does_not_stay(stage: Stage, what: str) -> None:
    """Its worker died, and its record went before anybody took the run up again."""
    contact = stage.contact(AMARA)
    learner_for(stage.portals["acme"], "contact", contact)
    if what == "merge":
        survivor = stage.new_contact(email="survivor@x.example")
        stage.control("POST", "merge", {"account": ACME, "contact_id": survivor, "merged_id": contact})
    else:
        stage.control("POST", "delete", {"account": ACME, "contact_id": contact})
        stage.settle()
        assert Learner.objects.get().state == "paused"
        stage.control("POST", "restore", {"account": ACME, "contact_id": contact})
    stage.settle()
    assert not Learner.objects.exists()


def test_a_claim_that_outlives_its_run_leaves_no_learner_behind(stage: Stage) -> None:
    """The deletion takes the learner out of a worker's hands, and the restore finds it claimed still."""
    contact = stage.contact(AMARA)
    (run,) = stage.run("user-add", contact)
    stage.hear()
    learner_for(stage.portals["acme"], "contact", contact)
    Learner.objects.update(busy_until=timezone.now() + timedelta(hours=1))
    stage.control("POST", "delete", {"account": ACME, "contact_id": contact})
    stage.settle()
    for _ in range(4):
        stage.later(minutes=1)
    assert stage.outcome(stage.execution(run)) == "refused"
    stage.control("POST", "restore", {"account": ACME, "contact_id": contact})
    stage.settle()
    assert Learner.objects.get().state == "new"
    stage.later(hours=1)
    assert not Learner.objects.exists()


@pytest.mark.parametrize(
    "at_work",
    [
        {"creating_since": timezone.now()},
        {"invitation": "sending"},
        {"busy_until": timezone.now() + timedelta(hours=1)},
    ],
)
def test_a_learner_at_work_stays(stage: Stage, at_work: dict[str, object]) -> None:
    """Beside one of another account that nobody is at work on."""
    learner = learner_for(stage.portals["acme"], "contact", stage.contact(AMARA))
    learner_for(stage.portals["globex"], "contact", "7")
    assert learner is not None
    Learner.objects.filter(pk=learner.pk).update(**at_work)
    assert links.forget_unused() == 1
    assert Learner.objects.get() == learner


def test_a_learner_whose_run_waits_stays(stage: Stage) -> None:
    contact = stage.contact(AMARA)
    stage.run("user-add", contact)
    stage.hear()
    learner_for(stage.portals["acme"], "contact", contact)
    assert links.forget_unused() == 0


def _told(kind: str, contact: str, at: int) -> dict[str, object]:
    return {
        "subscriptionType": kind, "portalId": ACME, "objectId": int(contact), "eventId": at, "subscriptionId": 1,
        "occurredAt": 1_750_000_000_000 + at,
    }  # fmt: skip


@pytest.mark.parametrize(("first", "state"), [("contact.deletion", "active"), ("contact.restore", "paused")])
def test_the_later_event_counts_in_whatever_order_they_come(stage: Stage, first: str, state: str) -> None:
    """HubSpot promises no order: a deletion told after its restore paused the link until somebody noticed."""
    contact = stage.contact(AMARA)
    stage.add(contact)
    second = ({"contact.deletion", "contact.restore"} - {first}).pop()
    for event in (_told(second, contact, 2), _told(first, contact, 1)):
        stage.post("/webhooks/hubspot/events", [event])
        stage.work()
    assert Learner.objects.get().state == state
    assert not [row for row in stage.deliveries() if row.state != "done"]


def test_a_restore_told_first_counts_for_a_link_that_is_only_made(stage: Stage) -> None:
    """The run is under way: nobody is linked when the restore comes, and somebody is when the deletion does."""
    contact = stage.contact(AMARA)
    stage.spend_allowance("acme.learnupon.com")
    (run,) = stage.run("user-add", contact)
    stage.work()
    for event in (_told("contact.restore", contact, 2), _told("contact.deletion", contact, 1)):
        stage.post("/webhooks/hubspot/events", [event])
        stage.work()
    stage.fresh_limits()
    stage.later(minutes=3)
    assert stage.outcome(stage.execution(run)) == "created"
    assert Learner.objects.get().state == "active"
    assert not [row for row in stage.deliveries() if row.state == "waiting"]
