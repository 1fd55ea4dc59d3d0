"""Invitations that came to nothing are sent again when a workflow asks, open ones are not."""

import pytest

from learners.models import Learner
from sandbox.learnupon import invites
from tests.flows.stage import Row, Stage

AMARA = "amara.abara@northwind.example"


def invite(stage: Stage, record: str) -> Row:
    (told,) = stage.add(record, action="user-invite")
    return told


def ends(stage: Stage, how: str) -> None:
    """Amara's newest invitation comes to nothing."""
    worlds = stage.worlds.sandbox.worlds.learnupon
    portal = worlds.portals["acme"]
    newest = [row for row in portal.invites.values() if row.email == AMARA][-1]
    if how == "expired":
        stage.worlds.do(invites.expire, worlds, portal, newest.id)
    else:
        stage.worlds.do(setattr, newest, "status", how)


@pytest.mark.parametrize("how", ["rejected", "canceled", "expired"])
def test_a_further_invite_sends_another_and_that_one_counts(stage: Stage, how: str) -> None:
    record = stage.contact(AMARA)
    assert stage.outcome(invite(stage, record)) == "invited"
    assert stage.outcome(invite(stage, record)) == "already_invited"
    ends(stage, how)
    stage.later(hours=73)
    assert len(stage.mails(AMARA)) == 1  # never by itself
    told = invite(stage, record)
    assert (told["state"], stage.outcome(told)) == ("completed", "invited")
    assert len(stage.mails(AMARA)) == 2
    assert stage.outcome(invite(stage, record)) == "already_invited"
    assert len(stage.mails(AMARA)) == 2
    stage.control("POST", "accept-invite", {"portal": "acme", "email": AMARA})
    stage.hear()
    stage.later(minutes=11)
    learner, user = Learner.objects.get(), stage.user(AMARA)
    assert user is not None
    assert (learner.state, learner.learnupon_user_id) == ("active", user["id"])


@pytest.mark.parametrize("kind", ["reset", "status"])
def test_a_second_invitation_without_an_answer_is_not_doubled(stage: Stage, kind: str) -> None:
    """The first, dead one must not pass for it, and the one that went out must be found."""
    record = stage.contact(AMARA)
    invite(stage, record)
    ends(stage, "expired")
    stage.later(hours=73)
    stage.fault("learnupon", "/portal_invite", kind, status=502, when="after")
    told = invite(stage, record)
    stage.later(minutes=1)
    assert stage.outcome(stage.execution(told["callback_id"])) == "invited"
    assert len(stage.mails(AMARA)) == 2


def test_a_second_invitation_that_never_left_is_unconfirmed(stage: Stage) -> None:
    record = stage.contact(AMARA)
    invite(stage, record)
    ends(stage, "expired")
    worlds = stage.worlds.sandbox.worlds.learnupon
    first = next(iter(worlds.portals["acme"].invites.values()))
    stage.worlds.do(setattr, first, "created_at", "2026-01-01T00:00:00Z")  # long before the second one
    stage.fault("learnupon", "/portal_invite", "reset", when="before")
    told = invite(stage, record)
    stage.later(minutes=1)
    assert stage.outcome(stage.execution(told["callback_id"])) == "unconfirmed"
    assert len(stage.mails(AMARA)) == 1
    assert stage.outcome(invite(stage, record)) == "unconfirmed"
    assert len(stage.mails(AMARA)) == 1
    assert Learner.objects.get().invitation == "unconfirmed"


def test_the_wrong_person_s_dead_invitation_changes_nothing(stage: Stage) -> None:
    """The list is the whole portal's: only the person's own rows count."""
    record, other = stage.contact(AMARA), stage.new_contact(email="other@x.example")
    invite(stage, other)
    invite(stage, record)
    worlds = stage.worlds.sandbox.worlds.learnupon
    theirs = [row for row in worlds.portals["acme"].invites.values() if row.email == "other@x.example"]
    stage.worlds.do(setattr, theirs[0], "status", "rejected")
    assert stage.outcome(invite(stage, record)) == "already_invited"
    assert stage.outcome(invite(stage, other)) == "invited"
    assert (len(stage.mails(AMARA)), len(stage.mails("other@x.example"))) == (1, 2)
