"""Another program with the same app's token of the same account, which spends half the account's budget until it is
stopped: `python -m stack.proofs.neighbour HUB_ID`.
"""

import os
import sys
import time

import django
import requests

PER_SECOND = 5
TIMEOUT = (5, 20)
PATH = "/crm/objects/2026-09/contacts"


def spend(hub_id: int) -> None:
    from django.conf import settings

    from portals.models import HubSpotAccount

    token = HubSpotAccount.objects.get(hub_id=hub_id).access_token
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Authorization"] = f"Bearer {token}"
        following = time.monotonic()
        while True:
            session.get(f"{settings.HUBSPOT_API_URL}{PATH}?limit=1", timeout=TIMEOUT)
            following += 1 / PER_SECOND
            time.sleep(max(0.0, following - time.monotonic()))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hubsync.settings")
    django.setup()
    spend(int(sys.argv[1]))
