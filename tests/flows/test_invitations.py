"""Invitations: sent once by LearnUpon, never repeated by themselves, noticed when they are accepted."""

import pytest
from django.utils import timezone

import learners.tasks
import webhooks.tasks
from learners import actions, invitations, welcome
from learners.models import Learner
from portals.models import Portal
from tests.flows.stage import ACME, Row, Stage
from tests.flows.test_story import progress
from tests.flows.worlds import deaf_mail_server

AMARA, OMAR = "amara.abara@northwind.example", "partner.only@acme.example"


def accept(stage: Stage, email: str = AMARA) -> None:
    stage.control("POST", "accept-invite", {"portal": "acme", "email": email})


def again(stage: Stage, learner: Learner) -> None:
    """What the button on the learner's page does."""
    invitations.send_again(learner)
    actions.request(stage.portals["acme"], "user-invite", learner.record_id, "admin@acme.example")
    stage.work()


@pytest.mark.parametrize(("kind", "more"), [("reset", {}), ("truncate", {}), ("status", {"status": 500})])
def test_an_invitation_without_an_answer_is_found_in_the_list(stage: Stage, kind: str, more: Row) -> None:
    stage.fault("learnupon", "/portal_invite", kind, when="after", **more)
    (told,) = stage.add(stage.contact(AMARA), action="user-invite")
    assert (told["state"], stage.outcome(told)) == ("completed", "invited")
    assert len(stage.mails(AMARA)) == 1
    assert Learner.objects.get().state == "pending"


def test_one_that_is_not_in_the_list_is_unconfirmed_until_a_person_decides(stage: Stage) -> None:
    stage.fault("learnupon", "/portal_invite", "reset", when="before")
    (told,) = stage.add(stage.contact(AMARA), action="user-invite")
    assert (told["state"], stage.outcome(told)) == ("failed", "unconfirmed")
    stage.later(days=3)
    (repeated,) = stage.add(stage.contact(AMARA), action="user-invite")
    assert stage.outcome(repeated) == "unconfirmed"
    assert stage.mails(AMARA) == []
    learner = Learner.objects.get()
    assert learner.invitation == "unconfirmed"
    again(stage, learner)
    assert len(stage.mails(AMARA)) == 1
    assert Learner.objects.get().state == "pending"


def test_where_the_list_cannot_be_read_either_it_is_settled_later_without_a_second_mail(stage: Stage) -> None:
    stage.fault("learnupon", "/portal_invite", "reset", when="after")
    stage.fault("learnupon", "/group_invites", "status", status=503)
    (callback,) = stage.run("user-invite", stage.contact(AMARA))
    stage.work()
    stage.later(minutes=5)
    told = stage.execution(callback)
    assert (told["state"], stage.outcome(told)) == ("completed", "invited")
    assert len(stage.mails(AMARA)) == 1


def test_a_worker_that_died_while_inviting_sends_no_second_mail(stage: Stage) -> None:
    stage.fault("learnupon", "/portal_invite", "reset", when="before")
    contact = stage.contact(AMARA)
    stage.add(contact, action="user-invite")
    Learner.objects.update(invitation="sending")  # as the crash left it
    (told,) = stage.add(contact, action="user-invite")
    assert stage.outcome(told) == "unconfirmed"
    assert stage.mails(AMARA) == []


@pytest.mark.parametrize("left", ["sending", "unconfirmed"])
def test_adding_repeats_no_invitation_whose_answer_was_lost(stage: Stage, left: str) -> None:
    """Where an account elsewhere in the realm is invited instead. Would catch: a second mail by itself."""
    Portal.objects.filter(subdomain="acme").update(clash_policy=Portal.ClashPolicy.INVITE)
    stage.fault("learnupon", "/portal_invite", "reset", when="before")
    contact = stage.contact(OMAR)
    (told,) = stage.add(contact)
    assert stage.outcome(told) == "unconfirmed"
    Learner.objects.update(invitation=left)  # "sending": as a worker's death leaves it
    (told,) = stage.add(contact)
    assert stage.outcome(told) == "unconfirmed"
    assert stage.mails(OMAR) == []


def test_adding_invites_nobody_who_is_invited(stage: Stage) -> None:
    Portal.objects.filter(subdomain="acme").update(clash_policy=Portal.ClashPolicy.INVITE)
    contact = stage.contact(OMAR)
    asked = [stage.outcome(stage.add(contact)[0]) for _ in range(2)]
    assert asked == ["invited", "already_invited"]
    assert len(stage.calls_to("learnupon", "/portal_invite")) == 1


def test_an_old_invitation_to_the_address_proves_nothing(stage: Stage) -> None:
    """A log, not a roster: last year's row for the same e-mail is not the one that was lost just now."""
    contact = stage.contact(AMARA)
    stage.add(contact, action="user-invite")
    Learner.objects.all().delete()
    portal = stage.worlds.sandbox.worlds.learnupon.portals["acme"]
    (invite,) = portal.invites.values()
    stage.worlds.do(setattr, invite, "status", "canceled")
    stage.worlds.do(setattr, invite, "created_at", "2024-01-01T00:00:00Z")
    stage.fault("learnupon", "/portal_invite", "reset", when="before")
    (told,) = stage.add(contact, action="user-invite")
    assert stage.outcome(told) == "unconfirmed"


@pytest.mark.parametrize("crowd", [0, 6])
def test_acceptance_is_noticed_and_only_the_accepted_are_linked(stage: Stage, crowd: int) -> None:
    """Few are searched singly, many by the portal's list of invitations."""
    others = [stage.new_contact(email=f"p{n}@x.example", firstname="P") for n in range(crowd)]
    stage.add(stage.contact(AMARA), *others, action="user-invite")
    accept(stage)
    stage.later(hours=7)
    linked = Learner.objects.get(state="active")
    user = stage.user(AMARA)
    assert user is not None
    assert (linked.email, linked.learnupon_user_id) == (AMARA, user["id"])
    assert Learner.objects.filter(state="pending").count() == crowd
    progress(stage, AMARA, "completed")
    assert len(stage.records()) == 1
    assert stage.mails(AMARA)[1:] == []  # no first-login mail: LearnUpon's page asked for a password


def test_an_invitation_accepted_while_the_account_is_being_made_ends_the_making(stage: Stage) -> None:
    """Once linked there is no account in the making: an erasure would look for one for ever."""
    contact = stage.contact(AMARA)
    stage.add(contact, action="user-invite")
    stage.fault("learnupon", "/users", "status", status=500, times=3)
    stage.run("user-add", contact)
    webhooks.tasks.sweep()
    assert Learner.objects.get().creating_since
    stage.mend()
    accept(stage)
    Learner.objects.update(look_at=timezone.now())
    learners.tasks.sweep()
    learner = Learner.objects.get()
    assert (learner.state, learner.creating_since) == ("active", None)


def test_an_account_linked_to_another_record_meanwhile_stays_with_it(stage: Stage) -> None:
    first, second = stage.contact(AMARA), stage.new_contact(email=AMARA.title(), firstname="Other")
    stage.add(first, action="user-invite")
    accept(stage)
    stage.add(second)  # finds the account that the invitation made
    assert Learner.objects.get(state="active").record_id == second
    stage.later(hours=1)
    pending = Learner.objects.get(record_id=first)
    assert (pending.state, pending.learnupon_user_id, pending.look_at) == ("pending", None, None)
    assert "another record" in pending.state_reason


def test_an_erased_invitee_who_accepts_is_not_linked(stage: Stage) -> None:
    contact = stage.contact(AMARA)
    stage.add(contact, action="user-invite")
    stage.control("POST", "gdpr-delete", {"account": ACME, "contact_id": contact})
    stage.settle()
    accept(stage)
    stage.later(hours=7)
    assert not Learner.objects.exists()
    assert stage.records() == []


def test_invited_into_a_group(stage: Stage) -> None:
    group = stage.world("groups")[0]
    inputs = {"portal": "acme", "group": str(group["id"])}
    stage.add(stage.contact(AMARA), action="user-invite", inputs=inputs)
    assert stage.world("invites", portal="acme")[0]["group_id"] == group["id"]


# --- the first-login mail ---------------------------------------------------------------------------------
def test_with_the_mail_server_down_the_mail_goes_later_once(stage: Stage, settings: object) -> None:
    port = settings.EMAIL_PORT  # type: ignore[attr-defined]
    settings.EMAIL_PORT = 9  # type: ignore[attr-defined]  # nobody listens there
    (told,) = stage.add(stage.contact(AMARA))
    assert stage.outcome(told) == "created"
    stage.later(minutes=2)
    assert Learner.objects.get().welcome == "due"
    settings.EMAIL_PORT = port  # type: ignore[attr-defined]
    stage.later(hours=1)
    stage.later(hours=1)
    assert Learner.objects.get().welcome == "sent"
    assert len(stage.mails(AMARA)) == 1


def test_a_mail_lost_after_its_text_was_sent_is_unconfirmed(stage: Stage) -> None:
    with deaf_mail_server() as port:
        from django.test import override_settings

        with override_settings(EMAIL_PORT=port, EMAIL_TIMEOUT=1):
            stage.add(stage.contact(AMARA))
            stage.later(hours=1)
    learner = Learner.objects.get()
    assert (learner.welcome, learner.welcome_due_at) == ("unconfirmed", None)
    stage.later(days=2)
    assert stage.mails(AMARA) == []
    welcome.send_again(learner)
    stage.work()
    assert len(stage.mails(AMARA)) == 1


def test_a_sender_that_died_leaves_an_unconfirmed_mail(stage: Stage) -> None:
    stage.add(stage.contact(AMARA))
    learner = Learner.objects.get()
    Learner.objects.update(welcome="sending", welcome_due_at=learner.added_at)
    stage.work()
    assert Learner.objects.get().welcome == "unconfirmed"
    assert len(stage.mails(AMARA)) == 1


@pytest.mark.parametrize(
    "name",
    [
        "Eve\nBcc: victim@x.example",
        "Eve\r\n\r\n<b>bold</b>",
        "<script>alert(1)</script>",
        "{{ 7|add:7 }}",
        "A" * 300,
    ],
)
def test_a_name_is_only_ever_a_name(stage: Stage, name: str) -> None:
    stage.add(stage.new_contact(email="eve@x.example", firstname=name, lastname=name))
    (mail,) = stage.mails("eve@x.example")
    assert stage.mails("victim@x.example") == []
    assert "\n" not in mail["subject"]
    assert "<script>" not in mail["html"]
    assert "<b>bold" not in mail["html"]


@pytest.mark.parametrize(
    "email", ["a..b@x.example", ".dot@x.example", "ünï@x.example", "x@[1.2.3.4].example", "(c)a@x.example"]
)
def test_an_address_no_mail_server_takes_holds_up_nobody(stage: Stage, email: str) -> None:
    odd = stage.new_contact(email=email, firstname="Odd")
    stage.add(odd, stage.contact(AMARA))
    stage.later(hours=1)
    assert len(stage.mails(AMARA)) == 1
    assert not Learner.objects.filter(welcome__in=("due", "sending")).exists()


def test_no_password_is_ever_mailed(stage: Stage) -> None:
    stage.add(stage.contact(AMARA))
    portal = stage.worlds.sandbox.worlds.learnupon.portals["acme"]
    (mail,) = stage.mails(AMARA)
    password = portal.by_email[AMARA].password
    assert password not in mail["text"] + mail["html"]
