"""One worker at a time speaks to LearnUpon about a learner."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now

from learners.models import Learner
from portals import tombstones
from portals.clients.errors import TryAgain
from portals.models import Portal
from webhooks.models import Delivery


def free() -> Q:
    """Learners that nobody is at work on."""
    return Q(busy_until__isnull=True) | Q(busy_until__lt=Now())


def unused() -> Q:
    """Learners that have led to nothing yet, and that nobody is at work on: they would stay as they are for ever."""
    return free() & Q(learnupon_user_id=None, creating_since=None, invitation=Learner.Sent.NO)


def adrift() -> Q:
    """Learners that nobody is at work on and that no run of an action will take up again."""
    runs = Delivery.objects.filter(
        account_id=OuterRef("account_id"), record_type=OuterRef("record_type"), record_id=OuterRef("record_id"),
        kind__startswith="hubspot.action.", state=Delivery.State.WAITING,
    )  # fmt: skip
    return free() & Q(~Exists(runs))


def learner_for(portal: Portal, record_type: str, record_id: str) -> Learner | None:
    """The live learner of a record, made when there is none; two at once make one. None for somebody erased."""
    identity = {"portal": portal, "record_type": record_type, "record_id": record_id}
    live = Learner.objects.filter(**identity).exclude(state=Learner.State.UNLINKED)
    found = live.first()
    if found:
        return found
    with transaction.atomic():
        tombstones.hold(portal.account, record_type, record_id)
        if tombstones.record_is_erased(portal.account, record_type, record_id):
            return None
        Learner.objects.bulk_create([Learner(account=portal.account, **identity)], ignore_conflicts=True)
    return live.first()


@contextmanager
def held(learner: Learner) -> Iterator[Learner]:
    """The learner, fresh from the database and ours alone until the block ends or the claim runs out."""
    claimed = (
        Learner.objects.filter(free(), pk=learner.pk)
        .exclude(state=Learner.State.UNLINKED)
        .update(busy_until=Now() + timedelta(seconds=settings.CLAIM_SECONDS), busy_claim=F("busy_claim") + 1)
    )
    if not claimed:
        raise TryAgain("Another request about this learner is being worked.", after=1.0, counts=False)
    fresh = Learner.objects.select_related("portal__account", "account").filter(pk=learner.pk).first()
    if fresh is None:  # erased in this moment
        raise TryAgain("The learner was changed by somebody else meanwhile.", after=1.0, counts=False)
    try:
        yield fresh
    finally:
        Learner.objects.filter(pk=fresh.pk, busy_claim=fresh.busy_claim).update(busy_until=None)


def save(learner: Learner, **changes: object) -> None:
    """Write changes to a held learner. An erasure or a successor that took the claim wins, and the work stops."""
    for name, value in changes.items():
        setattr(learner, name, value)
    changed = Learner.objects.filter(pk=learner.pk, busy_claim=learner.busy_claim).update(**changes)
    if not changed:
        raise TryAgain("The learner was changed by somebody else meanwhile.", after=1.0, counts=False)
