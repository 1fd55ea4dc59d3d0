"""Telling HubSpot how blocked actions ended, in batches, until it has heard.

The second of an action's two steps: what was done at LearnUpon is never done again for want of an answer here.
"""

import logging
import time
from datetime import timedelta

from django.conf import settings
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from portals import counters, retries
from portals.clients.errors import NotFound, Refused, TryAgain, VendorError
from portals.clients.hubspot import BATCH, HubSpot
from portals.lanes import Lane
from portals.models import HubSpotAccount
from webhooks.hubspot import output_fields
from webhooks.models import Delivery

logger = logging.getLogger(__name__)
CLAIM = """
UPDATE webhooks_delivery SET tell_due_at = now() + %s * interval '1 second'
WHERE id IN (
    SELECT id FROM webhooks_delivery WHERE account_id = %s AND tell = 'owed' AND tell_due_at <= now()
    ORDER BY tell_due_at LIMIT %s FOR UPDATE SKIP LOCKED
)
RETURNING *
"""


def tell(account: HubSpotAccount) -> None:
    """Send a batch of what is owed. A repeated callback is harmless: HubSpot acts on the first."""
    if not account.connected:
        return
    owed = list(Delivery.objects.raw(CLAIM, [settings.CLAIM_SECONDS, account.pk, BATCH]))
    if not owed:
        return
    hubspot = HubSpot(account, Lane.ACTIONS)
    until = time.monotonic() + settings.SLICE_SECONDS
    parts = [owed]
    while parts and time.monotonic() <= until:
        parts[:1] = _tell_part(hubspot, parts[0])
    left = [delivery for part in parts for delivery in part]
    if len(left) == len(owed):  # however slow HubSpot is, every slice gets on
        _tell_one(hubspot, left.pop(0))
    _again(left, 0.0, counts=False)


def _tell_part(hubspot: HubSpot, part: list[Delivery]) -> list[list[Delivery]]:
    """What is left to be told, in smaller parts: one callback that HubSpot does not know refuses its whole batch."""
    if len(part) == 1:
        _tell_one(hubspot, part[0])
        return []
    try:
        hubspot.complete([(delivery.callback_id, output_fields(delivery)) for delivery in part])
    except Refused:
        return _smaller(part)
    except VendorError as error:
        _later(part, error)
    else:
        _told(part)
    return []


def _smaller(part: list[Delivery]) -> list[list[Delivery]]:
    """Those told before may have been heard, though no answer came; HubSpot knows such a one no more. They go alone,
    so that the others need no search; it is by halves where all are told for the first time."""
    first = [delivery for delivery in part if not delivery.tell_attempts]
    if len(first) == len(part):
        half = len(part) // 2
        return [part[:half], part[half:]]
    again = [[delivery] for delivery in part if delivery.tell_attempts]
    return [first, *again] if first else again


def _tell_one(hubspot: HubSpot, delivery: Delivery) -> None:
    try:
        hubspot.complete_one(delivery.callback_id, output_fields(delivery))
    except NotFound:
        _unknown(delivery)
    except Refused as error:
        _settle([delivery], Delivery.Tell.UNKNOWN)
        logger.warning("callback refused", extra={"delivery": delivery.pk, "reason": error.code})
    except VendorError as error:
        _later([delivery], error)
    else:
        _told([delivery])


def _told(deliveries: list[Delivery]) -> None:
    _settle(deliveries, Delivery.Tell.TOLD)


def _settle(deliveries: list[Delivery], state: str) -> None:
    settled = Delivery.objects.filter(pk__in=[d.pk for d in deliveries], tell=Delivery.Tell.OWED).update(
        tell=state, tell_due_at=None
    )
    counters.count("hubsync_callbacks", str(state), by=settled)


def _unknown(delivery: Delivery) -> None:
    """A callback can overtake our own answer to the request; only after a while is it really unknown."""
    since = timezone.now() - (delivery.done_at or delivery.received_at)
    if since > timedelta(seconds=retries.scaled(retries.UNKNOWN_CALLBACK_SECONDS)):
        _settle([delivery], Delivery.Tell.UNKNOWN)
    else:
        _again([delivery], retries.CALLBACK.delay(delivery.tell_attempts + 1))


def _later(deliveries: list[Delivery], error: VendorError) -> None:
    """Owed still. A dead connection needs no time of its own: these rest until the account is connected again."""
    if isinstance(error, TryAgain):
        attempts = max(d.tell_attempts for d in deliveries) + 1
        _again(deliveries, retries.CALLBACK.wait(attempts, error), counts=error.counts)


def _again(deliveries: list[Delivery], seconds: float, *, counts: bool = True) -> None:
    Delivery.objects.filter(pk__in=[d.pk for d in deliveries], tell=Delivery.Tell.OWED).update(
        tell_due_at=Now() + timedelta(seconds=max(seconds, 0.2)),
        tell_attempts=F("tell_attempts") + int(counts),
    )
