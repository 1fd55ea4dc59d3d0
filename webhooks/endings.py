"""Writing down how deliveries ended or why they go on later: many in one statement, each only under its claim."""

import logging
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import timedelta

import orjson
from django.db import connection
from django.utils import timezone

from portals import counters, retries
from portals.clients.errors import Reason
from webhooks.models import Delivery
from webhooks.results import Done, Later, Result

logger = logging.getLogger(__name__)
LEAST_WAIT = 0.2
MISTAKE = "Hubsync made a mistake with this one"
# In the order of their numbers, as everybody who holds several of them takes them.
WRITE = """
WITH w AS (
    SELECT * FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::float8[], %s::int[], %s::text[], %s::text[],
                         %s::text[], %s::text[], %s::text[], %s::bool[])
        AS w(id, claim, state, wait, counted, outcome, why, reason, correlation_id, outputs, forget)
), held AS (
    SELECT d.id FROM webhooks_delivery d JOIN w USING (id)
    WHERE d.claim = w.claim AND d.state = 'waiting' ORDER BY d.id FOR UPDATE OF d
)
UPDATE webhooks_delivery d SET
    state = w.state, outcome = w.outcome, why = w.why, reason = w.reason, unended = 0, attempts = d.attempts + w.counted,
    due_at = CASE WHEN w.state = 'waiting' THEN now() + w.wait * interval '1 second' ELSE d.due_at END,
    first_tried_at = CASE WHEN w.state = 'waiting' THEN coalesce(d.first_tried_at, now()) ELSE d.first_tried_at END,
    correlation_id = CASE WHEN w.state = 'waiting' THEN w.correlation_id ELSE d.correlation_id END,
    outputs = CASE WHEN w.state = 'waiting' THEN d.outputs ELSE w.outputs::jsonb END,
    done_at = CASE WHEN w.state <> 'waiting' THEN now() END,
    tell_due_at = CASE WHEN w.state <> 'waiting' AND d.tell = 'owed' THEN now() ELSE d.tell_due_at END,
    body = CASE WHEN w.forget THEN NULL ELSE d.body END,
    record_id = CASE WHEN w.forget THEN '' ELSE d.record_id END,
    learnupon_user_id = CASE WHEN w.forget THEN NULL ELSE d.learnupon_user_id END,
    enrollment_id = CASE WHEN w.forget THEN NULL ELSE d.enrollment_id END
FROM w, held WHERE d.id = w.id AND held.id = w.id
RETURNING d.id
"""


@dataclass(frozen=True)
class _Row:
    """A result as WRITE takes it."""

    id: int
    claim: int
    state: str
    wait: float
    counted: int
    outcome: str
    why: str
    reason: str
    correlation_id: str
    outputs: str
    forget: bool


def write(results: Sequence[tuple[Delivery, Result]]) -> set[int]:
    """Write results down; the numbers of those whose claim was still held. The others are somebody else's by now."""
    if not results:
        return set()
    settled = [(delivery, _settled(delivery, result)) for delivery, result in results]
    columns = zip(*(astuple(_row(delivery, result)) for delivery, result in settled), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(WRITE, [list(column) for column in columns])
        written = {int(row[0]) for row in cursor.fetchall()}
    for delivery, result in settled:
        if delivery.pk in written:
            _count(delivery, result)
        else:
            logger.warning("claim lost", extra={"delivery": delivery.pk, "kind": delivery.kind})
    return written


def _count(delivery: Delivery, result: Result) -> None:
    counters.count("hubsync_outcomes", delivery.kind, getattr(result, "outcome", "later"))
    if isinstance(result, Done):
        took = (timezone.now() - delivery.received_at).total_seconds()
        counters.observe("hubsync_delivery_seconds", took, delivery.lane)


def _settled(delivery: Delivery, result: Result) -> Result:
    """The result, or the end of the ladder, or of HubSpot's patience, whichever comes first."""
    if isinstance(result, Done):
        return result
    action = delivery.kind.startswith("hubspot.action.")
    most = retries.ACTION_ATTEMPTS if action else retries.PROGRESS_ATTEMPTS
    if result.counts and delivery.attempts + 1 >= most:
        why = result.why or Reason.EXCEEDED
        return Done("expired", f"Tried {most} times. Last time: {result.message}", ok=False, why=why)
    if result.why == delivery.why == Reason.INTERNAL and delivery.attempts + 1 >= retries.POISON_ATTEMPTS:
        said = f"{MISTAKE} {retries.POISON_ATTEMPTS} times, so it is set aside."
        return Done("expired", said, ok=False, why=result.why)
    expires = delivery.received_at + timedelta(days=retries.BLOCK_DAYS) - retries.ANSWER_BEFORE_EXPIRY
    waited_for = action and delivery.tell == Delivery.Tell.OWED
    if waited_for and timezone.now() + timedelta(seconds=result.after) >= expires:
        said = f"HubSpot stops waiting after a week. Last time: {result.message}"
        return Done("expired", said, ok=False, why=result.why or Reason.EXCEEDED)
    return result


def _row(delivery: Delivery, result: Result) -> _Row:
    return _later(delivery, result) if isinstance(result, Later) else _done(delivery, result)


def _later(delivery: Delivery, later: Later) -> _Row:
    counted = 1 if later.counts else 0
    wait = max(retries.wait(delivery.attempts + counted, later), LEAST_WAIT)
    return _Row(
        delivery.pk, delivery.claim, Delivery.State.WAITING, wait, counted, "", later.why or "", later.message[:500],
        later.correlation_id, "{}", forget=False,
    )  # fmt: skip


def _done(delivery: Delivery, done: Done) -> _Row:
    state = Delivery.State.DONE if done.ok else Delivery.State.FAILED
    outputs = (
        {"outcome": "erased"}
        if done.forget
        else {"outcome": done.outcome, "message": done.reason, **done.outputs}
    )
    why = "" if done.ok else (done.why or Reason.REFUSED)
    return _Row(
        delivery.pk, delivery.claim, state, 0.0, 1, done.outcome, why, done.reason[:500], "",
        orjson.dumps(outputs).decode(), done.forget,
    )  # fmt: skip
