"""Working what was recorded: claim a slice, let its flow work it, write down how each ended, tell HubSpot."""

import logging
import time
from collections.abc import Iterator
from itertools import groupby

from celery import shared_task
from django.conf import settings

from hubsync.flows import flow
from portals.lanes import Lane
from portals.models import HubSpotAccount
from webhooks import callbacks, claims, endings, heartbeats, nudger
from webhooks.models import Delivery, Heartbeat
from webhooks.results import Result

logger = logging.getLogger(__name__)
SWEPT_SECONDS = 10  # a sweep that found no worker in time is followed by others
QUICK_SECONDS = 0.005  # no call to a vendor is quicker
TOGETHER = 100
Ended = tuple[Delivery, Result]
SLICE: dict[str, int] = {Lane.PRIVACY: 50, Lane.ACTIONS: 50, Lane.LIVE: 200, Lane.BULK: 200}


@shared_task(name="webhooks.sweep")
def sweep() -> None:
    """Wake everything that is due: new rows whose wake-up was lost, retries, claims whose worker died."""
    heartbeats.write(Heartbeat.Name.WORKER)
    claims.resume_reconnected()
    for account_id, lane in claims.due_lanes():
        drain.apply_async(args=(account_id, lane), queue=lane, expires=SWEPT_SECONDS)


@shared_task(name="webhooks.drain")
def drain(account_id: int, lane: str) -> None:
    """Work one account's lane for at most a slice of time, then make room for its neighbours."""
    until = time.monotonic() + settings.SLICE_SECONDS
    deliveries = claims.claim(account_id, lane, SLICE[lane])
    while deliveries:
        work(deliveries, until)
        if lane == Lane.ACTIONS:
            callbacks.tell(HubSpotAccount.objects.get(pk=account_id))
        if time.monotonic() > until:
            nudger.wake(account_id, lane)
            return
        deliveries = claims.claim(account_id, lane, SLICE[lane])
    if lane == Lane.ACTIONS:
        callbacks.tell(HubSpotAccount.objects.get(pk=account_id))


def work(deliveries: list[Delivery], until: float) -> None:
    """Run each kind's flow over its deliveries; what there is no time for goes back."""
    for kind, group in groupby(sorted(deliveries, key=lambda d: (d.kind, d.pk)), key=lambda d: d.kind):
        waiting = {delivery.pk: delivery for delivery in group}
        try:
            for ended in _together(flow(kind)(list(waiting.values())), until):
                endings.write(ended)
                for delivery, _ in ended:
                    del waiting[delivery.pk]
        except Exception:
            # Our own mistake: say where, find out whose it is, and let it cost the others nothing.
            logger.exception("flow failed", extra={"kind": kind, "count": len(waiting)})
            _singly(list(waiting.values()), until)
        else:
            claims.release(list(waiting.values()))


def _together(results: Iterator[Ended], until: float) -> Iterator[list[Ended]]:
    """A flow's results until time is up, in parts to be written at once. One that took a call to a vendor is written
    before the next is begun, because a crash in between would have it done again."""
    ended: list[Ended] = []
    began = time.monotonic()
    for result in results:
        ended.append(result)
        now = time.monotonic()
        if now - began > QUICK_SECONDS or len(ended) == TOGETHER or now > until:
            yield ended
            ended = []
        if now > until:
            return
        began = time.monotonic()
    if ended:
        yield ended


def _singly(deliveries: list[Delivery], until: float) -> None:
    """Work deliveries whose slice broke one at a time; the one that breaks by itself climbs the ladder."""
    if len(deliveries) == 1:
        claims.failed(deliveries[0])
        return
    for position, delivery in enumerate(deliveries):
        if time.monotonic() > until:
            claims.release(deliveries[position:])
            return
        work([delivery], until)
