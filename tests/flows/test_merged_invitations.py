"""A merge that overtakes an open invitation: who accepts it all the same is not lost."""

import pytest

from learners import invitations
from learners.models import Learner
from learners.reviewitem import ReviewItem
from tests.flows.stage import Stage
from tests.flows.test_merges import AMARA, BJORN, merge, states
from tests.flows.test_push import linked


def invited(stage: Stage, email: str) -> Learner:
    contact = stage.contact(email)
    stage.add(contact, action="user-invite")
    return Learner.objects.get(record_id=contact)


def accept(stage: Stage, email: str) -> int:
    stage.control("POST", "accept-invite", {"portal": "acme", "email": email})
    stage.hear()
    stage.later(hours=1)
    user = stage.user(email)
    assert user
    return int(user["id"])


@pytest.mark.parametrize("survivor", ["pending", "active"])
def test_an_open_invitation_gives_way_to_a_link(stage: Stage, survivor: str) -> None:
    """Would catch: the account of who accepts it all the same, of which nobody ever hears."""
    pending, active = invited(stage, BJORN), linked(stage)
    kept, gone = (pending, active) if survivor == "pending" else (active, pending)
    merge(stage, kept.record_id, gone.record_id)
    assert states() == {pending.pk: "unlinked", active.pk: "active"}
    active.refresh_from_db()
    assert active.record_id == kept.record_id
    stage.later(hours=1)
    assert not ReviewItem.objects.exists()
    second = accept(stage, BJORN)
    item = ReviewItem.objects.get()
    assert (item.portal, item.kind) == (active.portal, "conflict")
    assert (item.first_record, item.first_user) == (kept.record_id, active.learnupon_user_id)
    assert (item.second_record, item.second_user) == (kept.record_id, second)
    assert not invitations.to_look_at().exists()


def test_of_two_open_invitations_either_may_be_accepted(stage: Stage) -> None:
    kept, gone = invited(stage, BJORN), invited(stage, AMARA)
    merge(stage, kept.record_id, gone.record_id)
    assert states() == {kept.pk: "pending", gone.pk: "unlinked"}
    number = accept(stage, AMARA)
    kept.refresh_from_db()
    assert (kept.state, kept.learnupon_user_id) == ("active", number)
    assert not ReviewItem.objects.exists()


def test_an_invitation_that_gave_way_is_not_looked_after_for_ever(stage: Stage) -> None:
    pending, active = invited(stage, BJORN), linked(stage)
    merge(stage, active.record_id, pending.record_id)
    stage.later(days=5)
    pending.refresh_from_db()
    assert (pending.state, pending.look_at) == ("unlinked", None)
