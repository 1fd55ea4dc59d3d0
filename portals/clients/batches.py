"""HubSpot's batches: 200, 207 and a refusal of the whole, so that a bad row never costs its neighbours.

https://developers.hubspot.com/docs/api-reference/error-handling
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from portals.clients.errors import Refused, TryAgain, Unclear
from portals.clients.http import Answer


class Row(NamedTuple):
    """One row of a batch: its objectWriteTraceId, and the whole of its JSON."""

    trace: str
    body: str


class Rejected(Refused):
    """HubSpot refused a request's content (400). `traces` names the rows at fault where HubSpot does."""

    def __init__(self, message: str, *, code: str, correlation_id: str, traces: set[str]) -> None:
        super().__init__(message, code=code, correlation_id=correlation_id)
        self.traces = traces


@dataclass(frozen=True)
class RowError:
    message: str
    correlation_id: str = ""


@dataclass
class Batch:
    """What became of each row, by its objectWriteTraceId: its record id, or why it was refused. Where the search for
    bad rows had to stop (a budget ran out), `unfinished` says when to come back with the rows that are in neither."""

    ids: dict[str, str] = field(default_factory=dict)
    errors: dict[str, RowError] = field(default_factory=dict)
    unfinished: TryAgain | None = None


def write(call: Callable[[bytes], Answer], rows: Sequence[Row]) -> Batch:
    """Send a batch. Where HubSpot refuses it whole, leave out the rows it names, or halve it until they are found.
    No two rows may be about one record: that would refuse the batch."""
    if not rows:
        return Batch()
    try:
        return outcome(call(f'{{"inputs":[{",".join(row.body for row in rows)}]}}'.encode()))
    except Rejected as refusal:
        parts = _without_the_bad(rows, refusal.traces)
        if len(parts) == 1:
            error = RowError(refusal.message, refusal.correlation_id)
            return Batch(errors=dict.fromkeys((row.trace for row in rows), error))
    return _parts(call, parts)


def _parts(call: Callable[[bytes], Answer], parts: list[Sequence[Row]]) -> Batch:
    """Send parts of a refused batch. What was found out is kept when a later part has to wait: a search through a
    hundred bad rows costs more calls than a budget grants at once, and would never end if it began anew."""
    whole = Batch()
    for part in parts:
        try:
            done = write(call, part)
        except TryAgain as error:
            if not whole.ids and not whole.errors:
                raise
            done = Batch(unfinished=error)
        whole.ids |= done.ids
        whole.errors |= done.errors
        whole.unfinished = done.unfinished
        if done.unfinished:
            break
    return whole


def _without_the_bad(rows: Sequence[Row], traces: set[str]) -> list[Sequence[Row]]:
    """The batch in two: the rows at fault and the rest, or two halves where none was named; one part when it
    cannot be divided any further."""
    if len(rows) == 1:
        return [rows]
    named = [row for row in rows if row.trace in traces]
    if len(named) == len(rows):
        return [rows]
    if named:
        return [named, [row for row in rows if row.trace not in traces]]
    half = len(rows) // 2
    return [rows[:half], rows[half:]]


def outcome(answer: Answer) -> Batch:
    """200 and 207 alike: what was written and what was not."""
    parsed = answer.json()
    if not isinstance(parsed, dict):
        raise Unclear("HubSpot's answer had an unexpected shape.")
    batch = Batch()
    for row in objects(parsed.get("results")):
        if row.get("id"):
            batch.ids[str(row.get("objectWriteTraceId", row["id"]))] = str(row["id"])
    for error in objects(parsed.get("errors")):
        row_error = RowError(
            str(error.get("message", "refused"))[:300], str(error.get("correlationId", ""))[:64]
        )
        batch.errors |= dict.fromkeys(traces({"errors": [error]}), row_error)
    return batch


def traces(error: dict[str, Any]) -> set[str]:
    """The objectWriteTraceIds an error body names."""
    found: set[str] = set()
    for part in objects(error.get("errors")):
        context = part.get("context")
        for trace in (context.get("objectWriteTraceId") if isinstance(context, dict) else None) or []:
            found.add(str(trace))
    return found


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list, whatever else stands in it or in its place."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []
