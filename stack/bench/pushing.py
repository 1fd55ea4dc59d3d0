"""Pushes what is due for one account as a worker does, without HubSpot's limits or one record a call:
`python -m stack.bench.pushing HUB_ID all|single SECONDS`. Prints what it took as JSON.
"""

import json
import os
import sys
import time

import django

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
    """One record a call, one call after the other as HubSpot's limits allow."""
    from portals.clients.batches import Row
    from portals.clients.errors import TryAgain
    from portals.clients.hubspot import HubSpot
    from portals.lanes import Lane
    from portals.models import HubSpotAccount
    from portals.schema import PREFIX

    hubspot = HubSpot(HubSpotAccount.objects.get(hub_id=hub_id), Lane.LIVE)
    began, written = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        key = f"9:{written}"
        row = {
            "id": key,
            "idProperty": f"{PREFIX}enrollment_key",
            "objectWriteTraceId": key,
            "properties": {},
        }
        try:
            hubspot.upsert(hubspot.account.app_object_type, [Row(key, json.dumps(row))])
            written += 1
        except TryAgain as error:
            time.sleep(error.after)
    return {"seconds": time.perf_counter() - began, "records": written}


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hubsync.settings")
    django.setup()
    account, how, *most = sys.argv[1:]
    told = everything(int(account)) if how == "all" else single(int(account), float(most[0]))
    sys.stdout.write(json.dumps(told))
