"""Webhook events: gathered over all accounts, sent in arrays, retried for a day.

https://developers.hubspot.com/docs/api-reference/latest/webhooks/guide
"""

import asyncio
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from sandbox.hubspot import signing

if TYPE_CHECKING:
    from sandbox.hubspot.account import Account
    from sandbox.hubspot.world import HubSpotWorld

ADDRESS = "/webhooks/hubspot/events"
FILE = Path(__file__).resolve().parents[2] / "hubspot-app/src/app/webhooks/webhooks-hsmeta.json"
MOST_IN_ONE = 100
GATHER_SECONDS = 0.05
ANSWER_SECONDS = 5.0
# Ten more attempts within 24 hours; HubSpot spreads them at random.
RETRIES = (60.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0, 10_800.0, 14_400.0, 18_000.0, 28_800.0)
SCOPE = "crm.objects.contacts.read"
# What the app listens to while its webhooks file is not there.
ASSUMED = ("contact.privacyDeletion", "contact.deletion", "contact.restore", "contact.merge")
ASSUMED_PROPERTIES = ("email", "firstname", "lastname")
CONTACT_TYPE_ID = "0-1"

Event = dict[str, Any]


@dataclass(frozen=True)
class Subscription:
    """`kind` is what happens to a contact; generic `object.*` subscriptions have their own name for it."""

    id: int
    type: str
    property_name: str

    @property
    def kind(self) -> str:
        return self.type.replace("object.", "contact.", 1)

    @property
    def extra(self) -> Event:
        return {"objectTypeId": CONTACT_TYPE_ID} if self.type.startswith("object.") else {}


def subscriptions(file: Path = FILE) -> list[Subscription]:
    if file.exists():
        wanted = list(_listed(json.loads(file.read_text())["config"]["subscriptions"]))
    else:
        wanted = [(name, "") for name in ASSUMED]
        wanted += [("contact.propertyChange", name) for name in ASSUMED_PROPERTIES]
    return [Subscription(4001 + number, *row) for number, row in enumerate(dict.fromkeys(wanted))]


def _listed(groups: dict[str, list[dict[str, Any]]]) -> Iterator[tuple[str, str]]:
    for row in (row for rows in groups.values() for row in rows):
        if row.get("active") and row.get("objectType", "contact").lower() in ("contact", "contacts"):
            yield row["subscriptionType"], row.get("propertyName", "")


class Events:
    def __init__(self, world: "HubSpotWorld") -> None:
        self._world = world
        self._subscriptions = subscriptions()
        self._random = random.Random(1)  # noqa: S311 - repeatable order, not a secret
        self._waiting: list[Event] = []
        self._next_id = 3_816_279_340
        self._timer: asyncio.TimerHandle | None = None

    def clear(self) -> None:
        self._waiting.clear()
        self._random.seed(1)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def either_order(self, types: list[str]) -> list[str]:
        return self._random.sample(types, len(types))

    def emit(
        self, account: "Account", kind: str, object_id: str, *, apart: bool = False, **more: Any
    ) -> None:
        """Queue an event for each subscription to it; `apart` may put it into a delivery of its own."""
        if not self._world.installs.allows(account.hub_id, SCOPE):
            return
        key = (kind, str(more.get("propertyName", "")))
        events = [
            self._event(account, one, object_id, {**one.extra, **more})
            for one in self._subscriptions
            if (one.kind, one.property_name) == key
        ]
        self._waiting += events
        if events and apart and self._random.random() < 0.5:
            self.flush()
        elif events and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER_SECONDS, self.flush)

    def _event(self, account: "Account", one: Subscription, object_id: str, more: Event) -> Event:
        self._next_id += 1
        return {
            "eventId": self._next_id,
            "subscriptionId": one.id,
            "portalId": account.hub_id,
            "appId": self._world.configuration.app_id,
            "occurredAt": int(self._world.clock() * 1000),
            "subscriptionType": one.type,
            "attemptNumber": 0,
            "objectId": int(object_id),
            "sourceId": f"userId:{account.installer['id']}",
            **more,
        }

    def flush(self) -> None:
        """Send what waits: at most 100 in one array, whatever account they are of."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._waiting = self._waiting, []
        if self._world.outbox.rates.shuffle:
            self._random.shuffle(waiting)
        for start in range(0, len(waiting), MOST_IN_ONE):
            self._send(waiting[start : start + MOST_IN_ONE])

    def _send(self, events: list[Event]) -> None:
        settings = self._world.configuration
        url = settings.public_url + ADDRESS

        def body(attempt: int) -> bytes:
            return orjson.dumps([{**event, "attemptNumber": attempt} for event in events])

        def headers(attempt: int) -> dict[str, str]:
            content, now = body(attempt), int(self._world.clock() * 1000)
            return {
                "Content-Type": "application/json",
                "User-Agent": "HubSpot Connect 2.0",
                **signing.v1(settings.client_secret, content),
                **signing.v3(settings.client_secret, "POST", url, content, now),
            }

        self._world.outbox.post(
            service="hubspot", url=url, body=body, headers=headers, schedule=RETRIES, timeout=ANSWER_SECONDS
        )
