"""A privacy deletion, from the moment it arrives to the moment both sides confirm.

Here everything goes in one transaction. In HubSpot the person's app-object records are blanked, then archived, in
two passes: the second, after every call that may have been under way has ended, catches what it brought back.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from gdpr.erasers import ERASERS, Person
from gdpr.models import Erasure, ErasureStep, finish
from learners.models import Enrollment, Learner
from portals import audit, tombstones
from portals.lanes import Lane
from portals.models import HubSpotAccount
from webhooks import nudger, retries
from webhooks.models import Delivery
from webhooks.results import Done, Result, one_by_one


@one_by_one
def privacy_deletion(delivery: Delivery) -> Result:
    """HubSpot's `contact.privacyDeletion`; it may come before, after or without `contact.deletion`."""
    request(delivery.account, delivery.record_type, delivery.record_id, Erasure.Source.HUBSPOT)
    return Done("erased", "Erased; the receipt is on the privacy page.", forget=True)


@transaction.atomic
def request(
    account: HubSpotAccount, record_type: str, record_id: str, source: str, actor: str = "", email: str = ""
) -> Erasure:
    """Erase a person here at once and set the vendors' part going. A second request finds the first one's receipt,
    and sweeps up whatever has come since."""
    digest = tombstones.record_digest(account, record_type, record_id)
    erasure, created = Erasure.objects.get_or_create(
        account=account, record_type=record_type, digest=digest, defaults={"source": source}
    )
    learners = (
        Learner.objects.select_related("portal")
        .select_for_update(of=("self",))
        .filter(account=account, record_type=record_type, record_id=record_id)
    )
    _asked_again(erasure, source)
    emails = {learner.email for learner in learners} | {email}
    tombstones.bury(account, record_type, record_id, emails)
    ids, keys = _records(account, record_type, record_id)
    fields = _record_ids(learners)
    person = Person(account, record_type, record_id, _users(learners))
    counts = {model._meta.model_name or "": eraser(person) for model, eraser in ERASERS.items()}
    if created or ids or keys or counts["learner"]:
        _plan(erasure, counts, ids, keys, fields)
    if actor:
        audit.record(account, actor, "person erased")
    return erasure


def _asked_again(erasure: Erasure, source: str) -> None:
    """A lifted erasure counts anew; and what HubSpot asks for, an admin can no longer lift."""
    Erasure.objects.filter(pk=erasure.pk).update(lifted_at=None)
    if source != Erasure.Source.ADMIN:
        Erasure.objects.filter(pk=erasure.pk, source=Erasure.Source.ADMIN).update(source=source)
    erasure.refresh_from_db()


@transaction.atomic
def lift(erasure: Erasure, actor: str) -> bool:
    """Let the record of an erasure made on our page be added again; what was erased stays erased. The e-mail stays
    blocked for automatic matching: nobody here knows it any more."""
    locked = Erasure.objects.select_for_update().get(pk=erasure.pk)
    if not locked.liftable:
        return False
    tombstones.dig_up(locked.account, locked.record_type, bytes(locked.digest))
    Erasure.objects.filter(pk=locked.pk).update(lifted_at=Now())
    audit.record(locked.account, actor, "erasure lifted", erasure=locked.pk)
    return True


def _users(learners: Iterable[Learner]) -> dict[int, list[int]]:
    users: dict[int, list[int]] = defaultdict(list)
    for learner in learners:
        if learner.learnupon_user_id:
            users[learner.portal_id].append(learner.learnupon_user_id)
    return dict(users)


def _record_ids(learners: Iterable[Learner]) -> list[dict[str, int]]:
    """Where LearnUpon holds the record's id, because the portal has a field for it."""
    return [
        {"portal": learner.portal_id, "user": learner.learnupon_user_id, "field": learner.portal.record_field}
        for learner in learners
        if learner.learnupon_user_id and learner.portal.record_field
    ]


def _records(account: HubSpotAccount, record_type: str, record_id: str) -> tuple[list[str], list[str]]:
    """The HubSpot ids and the keys of a person's enrollment records, in every portal of the account."""
    rows = Enrollment.objects.select_related("portal").filter(
        account=account, learner__record_type=record_type, learner__record_id=record_id
    )
    return [row.hubspot_id for row in rows if row.hubspot_id], [row.key for row in rows]


def _plan(
    erasure: Erasure, counts: dict[str, int], ids: list[str], keys: list[str], fields: list[dict[str, int]]
) -> None:
    """Count what went here and write down what is to be done at the vendors."""
    for name, count in (counts | {"hubspot_records": len(keys)}).items():
        erasure.counts[name] = erasure.counts.get(name, 0) + count
    if not keys and not fields:
        finish(erasure)
        return
    later = timezone.now() + timedelta(
        seconds=retries.scaled(settings.CALL_DEADLINE + settings.CLAIM_SECONDS)
    )
    secret = json.dumps({"ids": ids, "keys": keys})
    steps = [ErasureStep(kind=ErasureStep.Kind.CLEAR, secret=json.dumps(where)) for where in fields]
    if keys:
        steps.append(ErasureStep(kind=ErasureStep.Kind.BLANK, secret=secret))
        steps.append(ErasureStep(kind=ErasureStep.Kind.AGAIN, secret=secret, due_at=later))
    erasure.state, erasure.done_at = Erasure.State.RUNNING, None
    erasure.save()
    for step in steps:
        step.erasure = erasure
        step.save()
    account_id = erasure.account_id
    transaction.on_commit(lambda: nudger.wake(account_id, Lane.LIVE, "gdpr.steps"))
