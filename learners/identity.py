"""What happens to a link when its HubSpot record is deleted, restored or merged; what when it is changed stands in
learners/changes.py."""

from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from learners import claims, links, presence, reviewing
from learners.models import Learner
from learners.reviewitem import ReviewItem
from portals import retries, tombstones
from portals.numbers import is_id
from webhooks.models import Delivery
from webhooks.results import Done, Later, Result, one_by_one

NOBODY = Done("not_linked", "About a record that is not linked; nothing was kept.", forget=True)

RUN_SECONDS = 120.0  # how often an event looks whether its record's workflow actions have ended
STAYS = "The link is the surviving record's."
MERGED = "Its record was merged into one that is linked already."


def learners_of(delivery: Delivery, record_id: str = "") -> QuerySet[Learner]:
    return Learner.objects.filter(
        account_id=delivery.account_id,
        record_type=delivery.record_type,
        record_id=record_id or delivery.record_id,
    ).exclude(state=Learner.State.UNLINKED)


@one_by_one
def contact_deleted(delivery: Delivery) -> Result:
    """A deletion can be undone for 90 days: the link pauses, nothing flows and nothing is erased."""
    if _overtaken_by("contact.restore", delivery):
        return Done("unchanged", "The record was restored afterwards.")
    paused = links.pause(learners_of(delivery), links.DELETED)
    return Done("paused", "The link is paused.") if paused else about_nobody(delivery)


def _overtaken_by(kind: str, delivery: Delivery) -> bool:
    """Whether HubSpot told already of what happened to the record afterwards. Its events come in any order and go by
    `occurredAt` (https://developers.hubspot.com/docs/api-reference/latest/webhooks/guide)."""
    about = Delivery.objects.filter(
        account_id=delivery.account_id, record_type=delivery.record_type, record_id=delivery.record_id
    )
    then = delivery.occurred_at
    return then is not None and about.filter(kind=f"hubspot.{kind}", occurred_at__gt=then).exists()


def about_nobody(delivery: Delivery) -> Result:
    """No link. A run that read the record just before may be making one: that is waited for. Not for somebody erased:
    no run makes a learner of them."""
    erased = tombstones.record_is_erased(delivery.account, delivery.record_type, delivery.record_id)
    return _after_the_runs() if not erased and _runs_of(delivery, [delivery.record_id]).exists() else NOBODY


def _after_the_runs() -> Later:
    after = retries.scaled(RUN_SECONDS)
    return Later("A workflow action about this record is under way.", after, counts=False)


def _runs_of(delivery: Delivery, record_ids: list[str]) -> QuerySet[Delivery]:
    runs = Delivery.objects.filter(kind__startswith="hubspot.action.", state=Delivery.State.WAITING)
    return runs.filter(
        account_id=delivery.account_id, record_type=delivery.record_type, record_id__in=record_ids
    )


@one_by_one
def contact_restored(delivery: Delivery) -> Result:
    if _overtaken_by("contact.deletion", delivery):
        return Done("unchanged", "The record was deleted again afterwards.")
    learners = learners_of(delivery)
    if links.resume(learners.filter(state_reason__in=links.AWAY)):
        return Done("resumed", "The link is active again.")
    # The deletion may come later than this: what is kept of a linked record tells it.
    return Done("unchanged", "The link was not paused.") if learners.exists() else about_nobody(delivery)


@one_by_one
@transaction.atomic
def contacts_merged(delivery: Delivery) -> Result:
    """The surviving record takes over the link, and what came in about the others is about it from now on. Where both
    were linked in one portal to two LearnUpon users, a person must decide."""
    body = delivery.body or {}
    primary, merged = _ids([body.get("primaryObjectId")]), _ids(body.get("mergedObjectIds"))
    survivor = (*_ids([body.get("newObjectId")]), *primary, delivery.record_id)[0]
    others = [other for other in dict.fromkeys([*primary, *merged]) if other != survivor]
    tombstones.hold(delivery.account, delivery.record_type, survivor)
    if tombstones.record_is_erased(delivery.account, delivery.record_type, survivor):
        return _merged_into_nobody(delivery, others)
    if _in_hand(delivery, others):
        return _after_the_runs()
    _rename(delivery, others, survivor)
    theirs = [learner for other in others for learner in learners_of(delivery, other)]
    for learner in theirs:
        _move(learner, survivor)
    if theirs:
        return Done("moved", "The link moved to the surviving record.")
    # Kept also where the link has moved already, before a worker's death: an erasure asks it for the former ids.
    return Done("unchanged", STAYS) if learners_of(delivery, survivor).exists() else NOBODY


def _ids(values: Any) -> list[str]:
    """The record ids in a list of an event; HubSpot sends numbers."""
    listed = values if isinstance(values, list) else []
    return [str(value) for value in listed if is_id(value)]


def _merged_into_nobody(delivery: Delivery, others: list[str]) -> Result:
    """The surviving record was erased before its merge was told: the others were the same person's."""
    for learner in (learner for other in others for learner in learners_of(delivery, other)):
        presence.tell_gone(learner)
    return Done("erased", "The surviving record was erased.", forget=True)


def _in_hand(delivery: Delivery, others: list[str]) -> bool:
    """Whether a worker is making a learner of a record that is no more. Until the merge is written down none takes up
    another."""
    runs = _runs_of(delivery, others)
    list(runs.order_by("pk").select_for_update().values_list("pk"))
    return runs.filter(unended__gt=0, due_at__gt=Now()).exists()


def _rename(delivery: Delivery, others: list[str], survivor: str) -> None:
    """Events that still wait are about the record that was; all else is found, and one day erased, under the new id."""
    waiting = Q(state=Delivery.State.WAITING) & ~Q(kind__startswith="hubspot.action.")
    Delivery.objects.filter(
        ~waiting, account_id=delivery.account_id, record_type=delivery.record_type, record_id__in=others
    ).exclude(pk=delivery.pk).update(record_id=survivor)


def _move(learner: Learner, survivor: str) -> None:
    holder = reviewing.live(learner.portal).filter(record_id=survivor).exclude(pk=learner.pk).first()
    if Learner.objects.filter(claims.unused(), pk=learner.pk, state=Learner.State.NEW).delete()[0]:
        return
    if holder is None:
        links.move(learner, survivor)
    elif learner.learnupon_user_id is None:
        _give_way(learner, survivor)
    elif holder.learnupon_user_id is None:
        _give_way(holder, survivor)
        links.move(learner, survivor)
    else:
        links.pause(Learner.objects.filter(pk=learner.pk), MERGED)
        first = reviewing.Side(survivor, holder.learnupon_user_id)
        second = reviewing.Side(survivor, learner.learnupon_user_id)
        reviewing.ask(learner.portal, ReviewItem.Kind.MERGED, first, second)


def _give_way(learner: Learner, survivor: str) -> None:
    """A link that has led to no account yet ends. Its invitation is looked after all the same: who accepts it has a
    second account."""
    links.unlink(learner, MERGED)
    invited = Learner.objects.filter(pk=learner.pk).exclude(invitation=Learner.Sent.NO)
    invited.update(record_id=survivor, look_at=Now())
