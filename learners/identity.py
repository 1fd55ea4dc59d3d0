"""What happens to a link when its HubSpot record is deleted, restored, merged or changed."""

from typing import Any

from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from learners import carrying, people
from learners.models import Enrollment, Learner
from portals.lanes import Lane
from webhooks.models import Delivery
from webhooks.results import Done, Result, one_by_one

NOBODY = Done("not_linked", "About a record that is not linked; nothing was kept.", forget=True)

UNCHANGED = Done("unchanged", "LearnUpon had these values already.")


def learners_of(delivery: Delivery, record_id: str = "") -> QuerySet[Learner]:
    return Learner.objects.filter(
        account_id=delivery.account_id,
        record_type=delivery.record_type,
        record_id=record_id or delivery.record_id,
    ).exclude(state=Learner.State.UNLINKED)


@one_by_one
def contact_deleted(delivery: Delivery) -> Result:
    """A deletion can be undone for 90 days: the link pauses, nothing flows and nothing is erased."""
    paused = learners_of(delivery).update(
        state=Learner.State.PAUSED,
        state_reason="The HubSpot record was deleted.",
        busy_claim=F("busy_claim") + 1,
    )
    return Done("paused", "The link is paused.") if paused else NOBODY


@one_by_one
def contact_restored(delivery: Delivery) -> Result:
    paused = learners_of(delivery).filter(state=Learner.State.PAUSED)
    active = paused.filter(learnupon_user_id__isnull=False).update(
        state=Learner.State.ACTIVE, state_reason="", read_due_at=timezone.now()
    )
    pending = paused.filter(invitation=Learner.Sent.SENT).update(
        state=Learner.State.PENDING, state_reason="", look_at=timezone.now()
    )
    paused.update(state=Learner.State.NEW, state_reason="")
    return Done("resumed", "The link is active again.") if active or pending else NOBODY


@one_by_one
def contacts_merged(delivery: Delivery) -> Result:
    """The surviving record takes over the link. Where both were linked in one portal, a person must decide."""
    body = delivery.body or {}
    primary, merged = _ids([body.get("primaryObjectId")]), _ids(body.get("mergedObjectIds"))
    survivor = (*_ids([body.get("newObjectId")]), *primary, delivery.record_id)[0]
    others = {*merged, *primary} - {survivor}
    moved = sum(_move(learner, survivor) for other in others for learner in learners_of(delivery, other))
    return Done("moved", "The link moved to the surviving record.") if moved else NOBODY


def _ids(values: Any) -> list[str]:
    """The record ids in a list of an event; HubSpot sends numbers."""
    listed = values if isinstance(values, list) else []
    return [str(value) for value in listed if isinstance(value, int) and not isinstance(value, bool)]


def _move(learner: Learner, survivor: str) -> bool:
    taken = (
        Learner.objects.filter(
            portal_id=learner.portal_id, record_type=learner.record_type, record_id=survivor
        )
        .exclude(state=Learner.State.UNLINKED)
        .exists()
    )
    if taken:
        Learner.objects.filter(pk=learner.pk).update(
            state=Learner.State.PAUSED, state_reason="Its record was merged into one that is linked already."
        )
        return False
    Learner.objects.filter(pk=learner.pk).update(record_id=survivor)
    Enrollment.objects.filter(learner=learner).update(
        version=F("version") + 1, changed_at=Now(), due_at=Now()
    )
    return True


@one_by_one
def property_changed(delivery: Delivery) -> Result:
    """HubSpot is the source: a changed e-mail or name reaches LearnUpon, when it differs there."""
    learners = list(
        learners_of(delivery).filter(state=Learner.State.ACTIVE).select_related("portal__account")
    )
    if not learners:
        return NOBODY
    changed = [_carry(learner) for learner in learners]  # every one of them, whatever the first says
    return Done("updated", "LearnUpon has the new values.") if any(changed) else UNCHANGED


def _carry(learner: Learner) -> bool:
    someone = people.read(learner.portal, [learner.record_id], Lane.LIVE).get(learner.record_id)
    return carrying.carry_over(learner, someone, Lane.LIVE) if someone else False


def unlink(learner: Learner, reason: str) -> None:
    """Cut the link: nothing flows any more, the LearnUpon account and HubSpot's records stay as they are. Which records
    those are is kept, because a later erasure must find them."""
    Enrollment.objects.filter(learner=learner).update(due_at=None, parked_reason="")
    Learner.objects.filter(pk=learner.pk).update(
        state=Learner.State.UNLINKED, state_reason=reason[:300], busy_claim=F("busy_claim") + 1, look_at=None,
        read_due_at=None, welcome_due_at=None,
    )  # fmt: skip
