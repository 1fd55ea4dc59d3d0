"""The bare loop that a push is compared with: hubspot-api-client's own batch upsert, its own wire and typed answers, no
database, no limits: `python -m stack.bench.sdk_loop HUB_ID RECORDS FIRST`. Prints the seconds it took as JSON.

Its paths are moved to the dated ones, because the sandbox serves no others.
"""

import json
import os
import sys
import time
from typing import Any

import django
from hubspot.discovery.crm.objects.discovery import Discovery

BATCH = 100


def batches(records: int, first: int) -> list[dict[str, Any]]:
    """As many properties as a push writes, of the same length, made before the clock runs."""
    from portals.schema import PREFIX

    rows = [_row(PREFIX, first + number) for number in range(records)]
    return [{"inputs": rows[start : start + BATCH]} for start in range(0, records, BATCH)]


def _row(prefix: str, number: int) -> dict[str, Any]:
    at = "2026-01-05T09:00:00.000Z"
    values = {
        "enrollment_key": f"8:{number}", "course_name": f"Course {number % 40}", "course_id": str(number % 40),
        "portal_name": "acme", "status": "in_progress", "result": "", "required": "false",
        "progress_percent": str(number % 100), "score_percent": "", "enrolled_at": at, "started_at": at,
        "completed_at": "", "last_accessed_at": at, "due_on": "", "certificate_expires_on": "", "overdue": "false",
        "certificate_name": "", "learner_email": f"learner{number}@bench.example", "record_id": str(number),
    }  # fmt: skip
    return {
        "id": f"8:{number}", "idProperty": f"{prefix}enrollment_key", "objectWriteTraceId": str(number),
        "properties": {prefix + name: value for name, value in values.items()},
    }  # fmt: skip


def loop(hub_id: int, made: list[dict[str, Any]]) -> float:
    from django.conf import settings

    from portals.models import HubSpotAccount

    account = HubSpotAccount.objects.get(hub_id=hub_id)
    api = Discovery({"host": settings.HUBSPOT_API_URL, "access_token": account.access_token}).batch_api
    pool = api.api_client.rest_client.pool_manager
    request = pool.request

    def dated(method: str, address: str, **more: Any) -> Any:
        return request(method, address.replace("/crm/v3/objects/", "/crm/objects/2026-09/"), **more)

    pool.request = dated
    began = time.perf_counter()
    for batch in made:
        answer = api.upsert(account.app_object_type, batch)
        if len(answer.results) != len(batch["inputs"]):
            raise SystemExit("HubSpot did not write every record.")
    return time.perf_counter() - began


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hubsync.settings")
    django.setup()
    hub_id, records, first = (int(word) for word in sys.argv[1:])
    sys.stdout.write(json.dumps({"seconds": loop(hub_id, batches(records, first))}))
