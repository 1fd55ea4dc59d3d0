"""Writing enrollments to HubSpot as app-object records: 100 a call, then tied to the person's record.

What changes while a call is under way goes next time: `pushed_version` becomes the version that was sent.
"""

import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from learners import app_objects, courses, presence, push_rows
from learners.app_objects import Required, required_courses, upsert_input
from learners.models import Enrollment
from portals import retries, schema
from portals.clients import breaker
from portals.clients.batches import Batch, RowError
from portals.clients.breaker import Vendor
from portals.clients.errors import Refused, VendorError
from portals.clients.flights import Flights
from portals.clients.hubspot import ASSOCIATION_BATCH, OBJECTS, HubSpot
from portals.models import HubSpotAccount

# Calls of one account under way at once: enough to spend its 10 calls a second while each takes half a second.
FLIGHTS = 6


@dataclass
class Slice:
    """One turn of an account: the calls under way, the associations owed, and how it ends."""

    hubspot: HubSpot
    flights: Flights
    required: Required
    until: float = field(default_factory=lambda: time.monotonic() + settings.SLICE_SECONDS)
    owed: dict[str, list[Enrollment]] = field(default_factory=lambda: defaultdict(list))
    taking: bool = True
    again: float | None = None  # seconds after which there is more to do

    @property
    def object_type(self) -> str:
        return str(self.hubspot.account.app_object_type)

    def stop(self, again: float | None) -> None:
        """Take nothing more; what is under way is brought to its end."""
        self.taking, self.again = False, again


def push(account: HubSpotAccount, lane: str) -> float | None:
    """Write what is due for one account, for at most a slice of time. When there is more: the seconds to wait."""
    if not account.connected or breaker.rests(Vendor.HUBSPOT, account.hub_id):
        return None
    if presence.catching_up(account):
        return None
    if not account.app_object_type and not _object_found(account):
        return None
    with push_rows.alone(account) as alone:
        if not alone:
            return None
        with Flights(FLIGHTS) as flights:
            turn = Slice(HubSpot(account, lane), flights, required_courses(account))
            _fly(turn)
    if turn.again is None and push_rows.due(account):
        return 0.0  # it came after the last look, and its task was turned away meanwhile
    return turn.again


def _object_found(account: HubSpotAccount) -> bool:
    """Look again for the app object; while it is missing, everything waits a while and the page says why."""
    schema.look_up(account)
    if not account.app_object_type:
        Enrollment.objects.filter(account=account, due_at__lte=Now()).update(
            due_at=Now() + timedelta(seconds=retries.scaled(600)), parked_reason=account.app_object_problem
        )
    return bool(account.app_object_type)


def _fly(turn: Slice) -> None:
    """Keep as many calls under way as may be, until nothing is due or the slice is over."""
    while True:
        if turn.taking and turn.flights.free:
            _take(turn)
        elif turn.flights.under_way:
            turn.flights.land()
        elif any(turn.owed.values()):
            _associate(turn, at_least=1)
        else:
            return


def _take(turn: Slice) -> None:
    """Begin the calls for the next rows: withdraw what is over, write what differs."""
    if time.monotonic() > turn.until:
        turn.stop(0.0)
        return
    rows = push_rows.claim(turn.hubspot.account)
    if not rows:
        turn.stop(None)
        return
    over = {row.pk for row in rows if _is_over(row)}
    _begin_withdrawing(turn, [row for row in rows if row.pk in over])
    keep = [row for row in rows if row.pk not in over]
    _owe(turn, [row for row in keep if row.version == row.pushed_version])
    _begin_writing(turn, [row for row in keep if row.version != row.pushed_version])


def _is_over(row: Enrollment) -> bool:
    return row.withdrawn or (row.unenrolled and row.status != Enrollment.Status.COMPLETED)


def _begin_withdrawing(turn: Slice, rows: list[Enrollment]) -> None:
    """An unfinished enrollment that was withdrawn leaves HubSpot too; a finished one is kept as history."""
    if rows:
        turn.flights.start(
            partial(_archive, turn.hubspot, rows), partial(_archived, rows), partial(_failed, turn, rows)
        )


def _archive(hubspot: HubSpot, rows: list[Enrollment]) -> None:
    ids = [row.hubspot_id for row in rows if row.hubspot_id]
    # One that was claimed before may have been written by a call whose answer was lost.
    app_objects.remove(hubspot, ids, [row.key for row in rows if not row.hubspot_id and row.claim > 1])


def _archived(rows: list[Enrollment], answer: None) -> None:
    push_rows.withdrawn(rows)


def _begin_writing(turn: Slice, rows: list[Enrollment]) -> None:
    for portal_id, error in courses.name(rows).items():
        push_rows.later([row for row in rows if row.portal_id == portal_id and not row.course_name], error)
        rows = [row for row in rows if row.portal_id != portal_id or row.course_name]
    if not rows:
        return
    inputs = [upsert_input(row, turn.required) for row in rows]
    turn.flights.start(
        partial(turn.hubspot.upsert, turn.object_type, inputs),
        partial(_written, turn, rows),
        partial(_failed, turn, rows),
    )


def _written(turn: Slice, rows: list[Enrollment], batch: Batch) -> None:
    ok = [row for row in rows if str(row.pk) in batch.ids]
    for row in ok:
        if row.hubspot_id not in ("", batch.ids[str(row.pk)]):
            row.associated_with = ""
        row.hubspot_id = batch.ids[str(row.pk)]
    push_rows.written(ok, [_associable(turn, row) for row in ok])
    _owe(turn, ok)
    missing = [row for row in rows if str(row.pk) not in batch.ids]
    if batch.unfinished:
        _failed(turn, [row for row in missing if str(row.pk) not in batch.errors], batch.unfinished)
        missing = [row for row in missing if str(row.pk) in batch.errors]
    for row in missing:
        push_rows.park(
            row, batch.errors.get(str(row.pk), RowError("HubSpot did not say what became of this row."))
        )


def _associable(turn: Slice, row: Enrollment) -> str:
    """The record id the row should be associated with; its present one where HubSpot does not allow any."""
    if row.portal.record_type == "user" and not turn.hubspot.account.user_associations:
        return row.associated_with
    return row.learner.record_id


def _failed(turn: Slice, rows: list[Enrollment], error: VendorError) -> None:
    """Whatever ails HubSpot or the account would ail the next call too: come back later, and leave the worker to
    others until then."""
    turn.stop(push_rows.later(rows, error))


def _owe(turn: Slice, rows: list[Enrollment]) -> None:
    """Note who lacks an association; a full pool goes at once."""
    for row in rows:
        if row.hubspot_id and row.associated_with != row.learner.record_id:
            turn.owed[row.portal.record_type].append(row)
    _associate(turn, at_least=ASSOCIATION_BATCH)


def _associate(turn: Slice, at_least: int) -> None:
    """Tie what was written to the people's records, pooled into as few calls as HubSpot takes."""
    for record_type, rows in turn.owed.items():
        while len(rows) >= at_least:
            part, rows[:] = rows[:ASSOCIATION_BATCH], rows[ASSOCIATION_BATCH:]
            _begin_tying(turn, record_type, part)


def _begin_tying(turn: Slice, record_type: str, rows: list[Enrollment]) -> None:
    if record_type == "user" and not turn.hubspot.account.user_associations:
        push_rows.tied(rows)
        return
    pairs = [(row.hubspot_id, row.learner.record_id) for row in rows]
    turn.flights.start(
        partial(turn.hubspot.associate, turn.object_type, OBJECTS[record_type], pairs),
        partial(_tied, rows),
        partial(_not_tied, turn, record_type, rows),
    )


def _tied(rows: list[Enrollment], answer: None) -> None:
    push_rows.tied(rows)


def _not_tied(turn: Slice, record_type: str, rows: list[Enrollment], error: VendorError) -> None:
    """HubSpot documents that users cannot be associated: tried once, remembered, and the rows count as done."""
    if not isinstance(error, Refused):
        _failed(turn, rows, error)
    elif record_type == "user":
        account = turn.hubspot.account
        account.user_associations = False
        account.save(update_fields=["user_associations"])
        push_rows.tied(rows)
    elif len(rows) == 1:
        push_rows.park(rows[0], RowError(error.message, error.correlation_id))
    else:  # halve them until the one at fault is found
        half = len(rows) // 2
        _begin_tying(turn, record_type, rows[:half])
        _begin_tying(turn, record_type, rows[half:])


def retry(account: HubSpotAccount, ids: list[int] | None = None) -> int:
    """Push parked rows again, as a person asked: the named ones, or all."""
    parked = Enrollment.objects.filter(~Q(parked_reason=""), account=account)
    if ids is not None:
        parked = parked.filter(pk__in=ids)
    return parked.update(due_at=Now(), attempts=0, parked_reason="")
