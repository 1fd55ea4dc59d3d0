"""Pushes what is due for one account as a worker does, without HubSpot's limits or one record a call:
`python -m stack.bench.pushing HUB_ID all|single SECONDS`. Prints what it took as JSON.
"""

import json
import os
import sys
import time
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

import django

if TYPE_CHECKING:
    from portals.clients.batches import Row

ENDLESS = 1_000_000_000


def everything(hub_id: int) -> dict[str, float]:
    """All that is due, as quickly as HubSpot answers."""
    from learners import push
    from portals.clients import limiter
    from portals.lanes import Lane
    from portals.models import HubSpotAccount

    limiter.LIMITS = dict.fromkeys(limiter.LIMITS, (ENDLESS, ENDLESS))
    account = HubSpotAccount.objects.get(hub_id=hub_id)
    began, used = time.perf_counter(), time.process_time()
    while push.push(account, Lane.LIVE) is not None:
        pass
    return {"seconds": time.perf_counter() - began, "cpu": time.process_time() - used}


def single(hub_id: int, seconds: float) -> dict[str, float]:
    """One record a call, as many calls at once as a push makes and as HubSpot's limits allow."""
    from learners.push import FLIGHTS
    from portals.clients import limiter
    from portals.clients.errors import TryAgain, VendorError
    from portals.clients.flights import Flights
    from portals.clients.hubspot import HubSpot
    from portals.lanes import Lane
    from portals.models import HubSpotAccount

    hubspot = HubSpot(HubSpotAccount.objects.get(hub_id=hub_id), Lane.LIVE)
    time.sleep(limiter.LONG_US / 1e6)  # until no call of the push before counts any more
    began, numbers, resume = time.perf_counter(), count(), 0.0
    written: list[Any] = []

    def failed(error: VendorError) -> None:
        nonlocal resume
        if not isinstance(error, TryAgain):
            raise error
        resume = time.perf_counter() + error.after

    with Flights(FLIGHTS) as flights:
        while time.perf_counter() - began < seconds:
            if time.perf_counter() < resume and not flights.under_way:
                time.sleep(max(0.0, resume - time.perf_counter()))
            if flights.free and time.perf_counter() >= resume:
                flights.start(partial(hubspot.upsert, hubspot.account.app_object_type, [_row(next(numbers))]),
                              written.append, failed)  # fmt: skip
            else:
                flights.land()
        took, records = time.perf_counter() - began, len(written)
    return {"seconds": took, "records": records}


def _row(number: int) -> "Row":
    from portals.clients.batches import Row
    from portals.schema import PREFIX

    key = f"9:{number}"
    body = {"id": key, "idProperty": f"{PREFIX}enrollment_key", "objectWriteTraceId": key, "properties": {}}
    return Row(key, json.dumps(body))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hubsync.settings")
    django.setup()
    account, how, *most = sys.argv[1:]
    told = everything(int(account)) if how == "all" else single(int(account), float(most[0]))
    sys.stdout.write(json.dumps(told))
