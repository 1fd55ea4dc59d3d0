"""Writing down what arrived, before it is acknowledged."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from django.utils import timezone

from hubsync.postgresql import run_prepared
from portals import counters
from portals.clients.errors import Reason
from portals.models import HubSpotAccount
from webhooks import nudger
from webhooks.models import Delivery


@dataclass(slots=True)
class Arrival:
    """What will be a Delivery once it is recorded. No model instance: a hundred of those take longer to make than
    their rows take to write."""

    account_id: int
    kind: str
    lane: str
    key: str
    portal_id: int | None = None
    occurred_at: datetime | None = None
    body: Any = None
    record_type: str = ""
    record_id: str = ""
    learnupon_user_id: int | None = None
    enrollment_id: int | None = None
    callback_id: str = ""
    tell: str = Delivery.Tell.NOTHING.value
    # Only of what is finished by its own answer.
    state: str = Delivery.State.WAITING.value
    outcome: str = ""
    why: str = ""
    reason: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    done_at: datetime | None = None


# One value holds all rows, so that one prepared statement serves every number of them, and PostgreSQL reads them
# rather than Python writing them out. The rest of the columns of a new delivery are the same for all.
_COLUMNS = {
    "account_id": "bigint", "portal_id": "bigint", "kind": "text", "lane": "text", "key": "text",
    "occurred_at": "timestamptz", "body": "jsonb", "record_type": "text", "record_id": "text",
    "learnupon_user_id": "bigint", "enrollment_id": "bigint", "callback_id": "text", "tell": "text", "state": "text",
    "outcome": "text", "why": "text", "reason": "text", "outputs": "jsonb", "done_at": "timestamptz",
}  # fmt: skip
_NAMES = ", ".join(_COLUMNS)
_INSERT = f"""
INSERT INTO webhooks_delivery ({_NAMES}, correlation_id, claim, attempts, tell_attempts)
SELECT {_NAMES}, '', 0, 0, 0 FROM json_to_recordset($1::json) AS t ({", ".join(map(" ".join, _COLUMNS.items()))})
ON CONFLICT (key) DO NOTHING RETURNING key
"""  # noqa: S608  (column names of our own)


def record(arrivals: Sequence[Arrival]) -> set[str]:
    """Commit the arrivals in one statement and wake the workers; the keys that were new. A key seen before is left as
    it is, so a repeat changes nothing."""
    if not arrivals:
        return set()
    # One statement may not name a key twice, and two overlapping batches must take their locks in one order.
    unique = sorted({arrival.key: arrival for arrival in arrivals}.values(), key=lambda one: one.key)
    new = {key for (key,) in run_prepared("record", _INSERT, orjson.dumps(unique).decode())}
    arrived = Counter((one.kind, "new" if one.key in new else "repeat") for one in unique)
    for labels, number in arrived.items():
        counters.count("hubsync_received", *labels, by=number)
    for account_id, lane in {(one.account_id, one.lane) for one in unique if one.key in new}:
        nudger.wake(account_id, lane)
    return new


def key(*parts: object) -> str:
    """A delivery's identity: the parts that make it the same delivery, hashed, because they may name a person and the
    key outlives what is known about them."""
    return hashlib.sha256(":".join(map(str, parts)).encode()).hexdigest()


def accounts(hub_ids: Iterable[int]) -> dict[int, HubSpotAccount]:
    """The installed accounts among these numbers; strangers are left out."""
    wanted = {hub_id for hub_id in hub_ids if 0 < hub_id < 2**63}
    return {
        a.hub_id: a
        for a in HubSpotAccount.objects.filter(hub_id__in=wanted).defer("access_token", "refresh_token")
    }


def account_ids(hub_ids: set[int]) -> dict[int, int]:
    """Our ids of the installed accounts among these numbers; strangers are left out."""
    statement = "SELECT hub_id, id FROM portals_hubspotaccount WHERE hub_id = ANY($1::bigint[])"
    return dict(run_prepared("account_ids", statement, list(hub_ids)))


def earlier(delivery_key: str) -> Delivery:
    """The delivery first recorded under this key."""
    return Delivery.objects.get(key=delivery_key)


def told_by_answer(delivery: Delivery) -> None:
    """HubSpot repeated the request and got the finished result as its answer: that counts as told."""
    Delivery.objects.filter(pk=delivery.pk, tell=Delivery.Tell.OWED).update(
        tell=Delivery.Tell.TOLD, tell_due_at=None
    )


def answered_now(arrival: Arrival, outcome: str, reason: str, *, ok: bool, why: Reason | None = None) -> None:
    """Mark what is finished by its own answer, before it is recorded."""
    arrival.state = Delivery.State.DONE.value if ok else Delivery.State.FAILED.value
    arrival.tell = Delivery.Tell.TOLD.value
    arrival.outcome, arrival.reason, arrival.why = outcome, reason, why or ""
    arrival.outputs = {"outcome": outcome, "message": reason}
    arrival.done_at = timezone.now()
