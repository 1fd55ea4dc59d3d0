"""What happens to a link when its HubSpot record is deleted, restored, merged or changed."""

from collections.abc import Iterable
from typing import Any

from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from learners import claims
from learners.models import Enrollment, Learner
from learners.provisioning import NAMES, mappings_of
from portals.clients.errors import NotFound
from portals.clients.hubspot import OBJECTS, HubSpot
from portals.clients.learnupon import LearnUpon
from portals.conversion import custom_data
from portals.lanes import Lane
from webhooks.models import Delivery
from webhooks.results import Done, Result, one_by_one

NOBODY = Done("not_linked", "About a record that is not linked; nothing was kept.", forget=True)


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
    survivor = str(body.get("newObjectId") or body.get("primaryObjectId") or delivery.record_id)
    others = {str(i) for i in [*(body.get("mergedObjectIds") or []), body.get("primaryObjectId")] if i} - {
        survivor
    }
    moved = sum(_move(learner, survivor) for other in others for learner in learners_of(delivery, other))
    return Done("moved", "The link moved to the surviving record.") if moved else NOBODY


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
    Enrollment.objects.filter(learner=learner).update(version=F("version") + 1, due_at=Now())
    return True


@one_by_one
def property_changed(delivery: Delivery) -> Result:
    """HubSpot is the source: a changed e-mail or name reaches LearnUpon, when it differs there."""
    changed = sum(
        _carry_over(learner) for learner in learners_of(delivery).filter(state=Learner.State.ACTIVE)
    )
    return Done("updated", "LearnUpon has the new values.") if changed else NOBODY


def _carry_over(learner: Learner) -> bool:
    with claims.held(learner) as mine:
        portal = mine.portal
        mappings = mappings_of(mine)
        names = NAMES[portal.record_type]
        wanted = {*names, *(mapping.property for mapping in mappings)}
        found = HubSpot(mine.account, Lane.LIVE).read(OBJECTS[portal.record_type], [mine.record_id], wanted)
        if mine.record_id not in found:
            return False
        properties = found[mine.record_id].get("properties") or {}
        learnupon = LearnUpon(portal, Lane.LIVE)
        try:
            there = learnupon.user(int(mine.learnupon_user_id or 0))
        except NotFound:
            claims.save(mine, state_reason="LearnUpon no longer has this user.")
            return False
        data = custom_data(mappings, properties, there.get("customDataFieldValues"), mine.account.time_zone)
        changes = _differences(properties, there, names)
        if data.values:
            changes["CustomData"] = {"use_definition_ids": 1, **data.values}
        if changes:
            learnupon.update_user(int(there["id"]), changes)
        values = {name: str(properties.get(key) or "") for name, key in zip(FIELDS, names, strict=True)}
        claims.save(mine, **{name: value for name, value in values.items() if value})
        if any(getattr(learner, name) != value for name, value in values.items() if value):
            Enrollment.objects.filter(learner=mine).update(version=F("version") + 1, due_at=Now())
        return True


FIELDS = ("email", "first_name", "last_name")


def _differences(properties: dict[str, Any], there: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    changes = {}
    for field, name in zip(FIELDS, names, strict=True):
        value = str(properties.get(name) or "").strip()
        if value and value.casefold() != str(there.get(field) or "").casefold():
            changes[field] = value
    return changes


def unlink(learner: Learner, reason: str) -> None:
    """Cut the link: nothing flows any more, the LearnUpon account and HubSpot's records stay as they are."""
    Enrollment.objects.filter(learner=learner).delete()
    Learner.objects.filter(pk=learner.pk).update(
        state=Learner.State.UNLINKED, state_reason=reason[:300], busy_claim=F("busy_claim") + 1, look_at=None,
        read_due_at=None, welcome_due_at=None,
    )  # fmt: skip
