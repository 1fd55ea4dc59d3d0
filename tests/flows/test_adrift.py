"""What a worker left half done when it died, and no run takes up again, because the run has ended in another way."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from learners import actions, links, welcome
from learners.claims import learner_for
from learners.models import Learner
from tests.flows.stage import Stage
from tests.flows.test_interrupted import database_gone_at
from webhooks.models import Delivery

WHO = "new@x.example"


def left(stage: Stage, record_id: str, portal: str = "acme", **changes: object) -> Learner:
    """A learner as its worker left it."""
    learner = learner_for(stage.portals[portal], "contact", record_id)
    assert learner is not None
    Learner.objects.filter(pk=learner.pk).update(email=WHO, **changes)
    return learner


def made(stage: Stage, portal: str = "acme") -> int:
    """An account at LearnUpon, as its number."""
    address = f"{stage.worlds.sandbox.learnupon_url}/{portal}/api/v1/users"
    body = {"User": {"email": WHO, "password": "longer-than-six"}}
    answer = stage.http.post(address, json=body, auth=(f"{portal}-key", f"{portal}-secret"), timeout=5)
    assert answer.ok, answer.text
    return int(answer.json()["id"])


# --- invitations -----------------------------------------------------------------------------------------
def test_an_invitation_nobody_will_ask_after_waits_for_a_person(stage: Stage) -> None:
    """Would catch: "being sent" for ever, with no button."""
    learner = left(stage, "7", invitation="sending", invited_at=timezone.now())
    held = left(stage, "7", "globex", invitation="sending", busy_until=timezone.now() + timedelta(hours=1))
    stage.work()
    learner.refresh_from_db()
    held.refresh_from_db()
    assert (learner.state, learner.invitation) == ("new", "unconfirmed")
    assert held.invitation == "sending"


def test_a_run_that_waits_asks_itself(stage: Stage) -> None:
    contact = stage.new_contact(email=WHO)
    learner = left(stage, contact, invitation="sending", invited_at=timezone.now())
    (run,) = stage.run("user-invite", contact)
    Delivery.objects.update(due_at=timezone.now() + timedelta(hours=1))
    stage.work()
    learner.refresh_from_db()
    assert learner.invitation == "sending"
    stage.later(hours=1)
    assert stage.outcome(stage.execution(run)) == "unconfirmed"


@pytest.mark.parametrize("cut", ["paused", "unlinked"])
def test_of_an_invitation_under_way_at_the_cut_nobody_knows(stage: Stage, cut: str) -> None:
    learner = left(stage, "7", invitation="sending", invited_at=timezone.now())
    other = left(stage, "8", invitation="sent", state="pending")
    for one in (learner, other):
        if cut == "paused":
            links.pause(Learner.objects.filter(pk=one.pk), links.DELETED)
        else:
            links.unlink(one, "Unlinked by an admin")
    found = Learner.objects.filter(pk__in=[learner.pk, other.pk]).order_by("pk")
    assert list(found.values_list("state", "invitation")) == [(cut, "unconfirmed"), (cut, "sent")]


def test_inviting_again_is_all_or_nothing(stage: Stage) -> None:
    """Would catch: a learner that nobody will invite any more, and whose trace is swept away."""
    learner = left(stage, "7", invitation="unconfirmed", invited_at=timezone.now())
    with database_gone_at("webhooks_delivery"):
        actions.invite_again(learner.portal, learner, "ada@acme.example")
    learner.refresh_from_db()
    assert learner.invitation == "unconfirmed"


# --- accounts --------------------------------------------------------------------------------------------
def test_an_account_that_was_made_is_tied_and_its_owner_told(stage: Stage) -> None:
    """Would catch: an account of nobody, without a mail or progress, beside a learner that is "being added"."""
    learner = left(stage, "7", creating_since=timezone.now())
    number = made(stage)
    stage.settle()
    learner.refresh_from_db()
    assert (learner.state, learner.learnupon_user_id, learner.creating_since) == ("active", number, None)
    assert len(stage.mails(WHO)) == 1


def test_where_nothing_was_made_nothing_is_left(stage: Stage) -> None:
    left(stage, "7", creating_since=timezone.now())
    left(stage, "7", "globex", creating_since=timezone.now() + timedelta(hours=1))
    made(stage, "globex")  # somebody else's: it was there long before
    stage.settle()
    stage.work()
    assert not Learner.objects.exists()


def test_an_account_that_cannot_be_looked_for_is_looked_for_later(stage: Stage) -> None:
    learner = left(stage, "7", creating_since=timezone.now())
    number = made(stage)
    stage.fault("learnupon", "/users/search", "status", status=503)
    stage.settle()
    learner.refresh_from_db()
    assert learner.creating_since is not None
    stage.later(minutes=11)
    learner.refresh_from_db()
    assert learner.learnupon_user_id == number


# --- first mails -----------------------------------------------------------------------------------------
def test_a_mail_being_sent_when_its_link_paused_is_a_person_s_decision(stage: Stage) -> None:
    """Would catch: "being sent" for ever, and a button that does nothing."""
    ago = timezone.now() - timedelta(seconds=1)
    learner = left(stage, "7", state="active", learnupon_user_id=1, checked_at=timezone.now(),
                   welcome="sending", welcome_due_at=ago)  # fmt: skip
    links.pause(Learner.objects.filter(pk=learner.pk), links.DELETED)
    stage.work()
    learner.refresh_from_db()
    assert (learner.welcome, learner.welcome_due_at) == ("unconfirmed", None)
    links.resume(Learner.objects.filter(pk=learner.pk))
    welcome.send_again(learner)
    stage.work()
    assert len(stage.mails(WHO)) == 1


def test_mails_are_sent_for_a_slice_of_time(stage: Stage, settings: Settings) -> None:
    """Would catch: a worker killed for its time in the midst of a mail, whose fate nobody knows then."""
    for number in (1, 2):
        left(stage, str(number), state="active", learnupon_user_id=number, checked_at=timezone.now(),
             welcome="due", welcome_due_at=timezone.now())  # fmt: skip
    settings.SLICE_SECONDS = -1
    assert welcome.send_due() == 0
    assert Learner.objects.filter(welcome="due").count() == 2
    settings.SLICE_SECONDS = 10
    assert welcome.send_due() == 2
