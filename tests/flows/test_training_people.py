"""Whom the further actions are about: nobody who is not linked, and nobody else's people."""

from datetime import timedelta

from django.utils import timezone

from learners.models import Learner
from tests.flows.stage import ACME, GLOBEX, Row, Stage
from tests.flows.test_training import REPORTING, YUKI, act, course, enrollments, linked

MARIA, AMARA = "maria.lopez@acme.example", "amara.abara@northwind.example"
INPUTS = {"course": "10", "group": "10", "access": "disable"}
FURTHER = [
    "update-learner", "enroll-in-course", "unenroll", "add-to-group", "remove-from-group", "set-access",
    "look-up-progress",
]  # fmt: skip


def test_nobody_is_made_by_a_further_action(stage: Stage) -> None:
    """Not linked, linked in the other portal only, and erased: each is said, and LearnUpon hears nothing."""
    stranger, partner = stage.contact(AMARA), stage.contact(MARIA)
    gone = stage.new_contact(email="gone@x.example")
    stage.add(partner, gone)
    stage.post("/webhooks/hubspot/events", [privacy_event(gone)])
    stage.work()
    before = len(stage.calls_to("learnupon", "/api/"))
    for action in FURTHER:
        assert stage.outcome(act(stage, action, stranger, **INPUTS)) == "not_linked"
        assert stage.outcome(act(stage, action, partner, "acme-partners", **INPUTS)) == "not_linked"
        told = act(stage, action, gone, **INPUTS)
        assert (told["state"], stage.outcome(told)) == ("failed", "erased")
    assert len(stage.calls_to("learnupon", "/api/")) == before
    assert Learner.objects.count() == 1


def privacy_event(record: str) -> Row:
    return {
        "portalId": ACME, "subscriptionType": "contact.privacyDeletion", "objectId": int(record), "eventId": 1,
        "subscriptionId": 1, "occurredAt": 1_760_000_000_000,
    }  # fmt: skip


def test_the_wrong_kind_of_record_and_an_open_invitation(stage: Stage) -> None:
    stage.connect_users()
    contact = stage.contact(AMARA)
    stage.add(contact, action="user-invite")
    for action in FURTHER:
        told = act(stage, action, contact, "acme-partners", **INPUTS)
        assert (told["state"], stage.outcome(told)) == ("failed", "wrong_record_type")
        early = {"enroll-in-course": "queued", "unenroll": "unenrolled"}
        assert stage.outcome(act(stage, action, contact, **INPUTS)) == early.get(action, "not_accepted")
    assert stage.user(AMARA) is None


def test_another_account_s_learner_is_not_touched(stage: Stage) -> None:
    """The same record number in the other account is somebody else."""
    record = linked(stage)
    other = stage.new_contact(GLOBEX, email="other@x.example")
    Learner.objects.filter(record_id=record).update(record_id=other)
    told = act(stage, "set-access", other, portal="globex", access="disable")
    assert stage.outcome(told) == "not_linked"
    user = stage.user(MARIA)
    assert user is not None
    assert user["enabled"] is True


def test_a_learner_whose_account_is_gone_is_said_once_and_stays_visible(stage: Stage) -> None:
    record = linked(stage)
    user = stage.user(MARIA)
    assert user is not None
    address = f"{stage.worlds.sandbox.learnupon_url}/acme/api/v1/users/{user['id']}"
    assert stage.http.delete(address, auth=("acme-key", "acme-secret"), timeout=5).ok
    for action in FURTHER:
        told = act(stage, action, record, **INPUTS)
        assert told["state"] in ("completed", "failed")
    assert "no longer has" in Learner.objects.get().state_reason


def test_a_learner_who_is_busy_does_not_hold_up_the_others(stage: Stage) -> None:
    """Whose progress is due is read in order: the first must not block the rest."""
    wanted, now = course(stage, REPORTING), timezone.now()
    broken, fine = linked(stage), linked(stage, YUKI)
    for record, minutes in ((broken, 2), (fine, 1)):
        since = now - timedelta(minutes=minutes)
        Learner.objects.filter(record_id=record).update(queued_courses=[int(wanted)], read_due_at=since)
    Learner.objects.filter(record_id=broken).update(busy_until=now + timedelta(hours=1))
    stage.work()
    assert enrollments(stage, MARIA, wanted) == []
    assert len(enrollments(stage, YUKI, wanted)) == 1
    stage.later(hours=2)
    assert len(enrollments(stage, MARIA, wanted)) == 1
