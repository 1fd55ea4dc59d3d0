"""Writing down what arrived, before it is acknowledged."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from django.db import connection
from django.utils import timezone

from portals import counters
from portals.clients.errors import Reason
from portals.models import HubSpotAccount
from webhooks import nudger
from webhooks.models import Delivery

COLUMNS = (
    "account_id", "portal_id", "kind", "lane", "key", "occurred_at", "body", "record_type", "record_id",
    "learnupon_user_id", "enrollment_id", "callback_id", "state", "tell", "outcome", "why", "reason", "outputs", "claim",
    "attempts", "correlation_id", "tell_attempts", "done_at",
)  # fmt: skip
_INSERT = f"""
INSERT INTO webhooks_delivery ({", ".join(COLUMNS)}) VALUES %s
ON CONFLICT (key) DO NOTHING RETURNING key
"""  # noqa: S608  (column names of our own)


def record(deliveries: Sequence[Delivery]) -> set[str]:
    """Commit the deliveries in one statement and wake the workers; the keys that were new. A key seen before is left
    as it is, so a repeat changes nothing."""
    if not deliveries:
        return set()
    # One statement may not name a key twice, and two overlapping batches must take their locks in one order.
    unique = sorted({delivery.key: delivery for delivery in deliveries}.values(), key=lambda d: d.key)
    row = "(" + ", ".join(["%s"] * len(COLUMNS)) + ")"
    values = [value for delivery in unique for value in _values(delivery)]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT.replace("%s", ", ".join([row] * len(unique)), 1), values)
        new = {key for (key,) in cursor.fetchall()}
    arrived = Counter((d.kind, "new" if d.key in new else "repeat") for d in unique)
    for labels, number in arrived.items():
        counters.count("hubsync_received", *labels, by=number)
    for account_id, lane in {(d.account_id, d.lane) for d in unique if d.key in new}:
        nudger.wake(account_id, lane)
    return new


def _values(delivery: Delivery) -> list[Any]:
    values = [getattr(delivery, column) for column in COLUMNS]
    for position, column in enumerate(COLUMNS):
        if column in ("body", "outputs"):
            values[position] = None if values[position] is None else orjson.dumps(values[position]).decode()
    return values


def key(*parts: object) -> str:
    """A delivery's identity: the parts that make it the same delivery, hashed, because they may name a person and the
    key outlives what is known about them."""
    return hashlib.sha256(":".join(str(part) for part in parts).encode()).hexdigest()


def accounts(hub_ids: Iterable[int]) -> dict[int, HubSpotAccount]:
    """The installed accounts among these numbers; strangers are left out."""
    wanted = {hub_id for hub_id in hub_ids if 0 < hub_id < 2**63}
    return {
        a.hub_id: a
        for a in HubSpotAccount.objects.filter(hub_id__in=wanted).defer("access_token", "refresh_token")
    }


def earlier(delivery_key: str) -> Delivery:
    """The delivery first recorded under this key."""
    return Delivery.objects.get(key=delivery_key)


def told_by_answer(delivery: Delivery) -> None:
    """HubSpot repeated the request and got the finished result as its answer: that counts as told."""
    Delivery.objects.filter(pk=delivery.pk, tell=Delivery.Tell.OWED).update(
        tell=Delivery.Tell.TOLD, tell_due_at=None
    )


def answered_now(
    delivery: Delivery, outcome: str, reason: str, *, ok: bool, why: Reason | None = None
) -> None:
    """Mark a delivery that is finished by its own answer, before it is recorded."""
    delivery.state = Delivery.State.DONE if ok else Delivery.State.FAILED
    delivery.tell = Delivery.Tell.TOLD
    delivery.outcome, delivery.reason, delivery.why = outcome, reason, why or ""
    delivery.outputs = {"outcome": outcome, "message": reason}
    delivery.done_at = timezone.now()
