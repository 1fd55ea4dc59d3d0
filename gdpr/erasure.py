"""A privacy deletion, from the moment it arrives to the moment both sides confirm.

Here everything goes in one transaction. In HubSpot the person's app-object records are blanked, then archived, in
two passes: the second, after every call that may have been under way has ended, catches what it brought back.
"""

import json
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from gdpr.forgetting import Forgotten, forget
from gdpr.models import Erasure, ErasureStep, finish
from portals import audit, retries, tombstones
from portals.lanes import Lane
from portals.models import HubSpotAccount
from webhooks import nudger
from webhooks.models import Delivery
from webhooks.results import Done, Result, one_by_one

ERASED = Done("erased", "Erased; the receipt is on the privacy page.", forget=True)


@one_by_one
def privacy_deletion(delivery: Delivery) -> Result:
    """HubSpot's `contact.privacyDeletion`; it may come before, after or without `contact.deletion`."""
    request(delivery.account, delivery.record_type, delivery.record_id, Erasure.Source.HUBSPOT)
    return ERASED


@one_by_one
def record_gone(delivery: Delivery) -> Result:
    """A record that HubSpot shows nowhere any more, though no event said so (learners/presence.py)."""
    request(delivery.account, delivery.record_type, delivery.record_id, Erasure.Source.MISSED)
    return ERASED


@transaction.atomic
def request(
    account: HubSpotAccount, record_type: str, record_id: str, source: str, actor: str = "", email: str = ""
) -> Erasure:
    """Erase a person here at once and set the vendors' part going. A second request finds the first one's receipt,
    and sweeps up whatever has come since."""
    forgotten = forget(account, record_type, record_id, email)
    digest = tombstones.record_digest(account, record_type, record_id)
    erasure, created = Erasure.objects.get_or_create(
        account=account, record_type=record_type, digest=digest, defaults={"source": source}
    )
    _asked_again(erasure, source)
    if created or forgotten.keys or forgotten.counts["learner"]:
        _plan(erasure, forgotten, record_id)
    if actor:
        audit.record(account, actor, "person erased")
    for other in forgotten.former:  # their merge came before this and has not been worked yet
        request(account, record_type, other, source)
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


def _plan(erasure: Erasure, forgotten: Forgotten, record_id: str) -> None:
    """Count what went here and write down what is to be done at the vendors, some of it twice: a call that was under
    way may have brought back what the first pass took."""
    for name, count in (forgotten.counts | {"hubspot_records": len(forgotten.keys)}).items():
        erasure.counts[name] = erasure.counts.get(name, 0) + count
    if not forgotten.keys and not forgotten.counts["learner"]:
        finish(erasure)
        return
    erasure.state, erasure.done_at = Erasure.State.RUNNING, None
    erasure.save()
    known = {"ids": forgotten.ids, "keys": forgotten.keys, "record": record_id}
    soon, later = timezone.now(), timezone.now() + timedelta(seconds=_under_way())
    work: list[tuple[str, Any, datetime]] = [(ErasureStep.Kind.AGAIN, known, later)]
    if forgotten.keys:
        work.append((ErasureStep.Kind.BLANK, known, soon))
    for where in forgotten.accounts:
        work += [
            (ErasureStep.Kind.CLEAR, where, due) for due in (soon, later) if where["user"] or due == later
        ]
    ErasureStep.objects.bulk_create(
        ErasureStep(erasure=erasure, kind=kind, secret=json.dumps(secret), due_at=due)
        for kind, secret, due in work
    )
    account_id = erasure.account_id
    transaction.on_commit(lambda: nudger.wake(account_id, Lane.PRIVACY, "gdpr.steps"))


def _under_way() -> float:
    """How long a call or a claim that began before the erasure can last."""
    return retries.scaled(settings.CALL_DEADLINE + settings.CLAIM_SECONDS)
