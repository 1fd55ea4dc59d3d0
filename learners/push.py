"""Writing enrollments to HubSpot as app-object records: 100 a call, then tied to the person's record.

What changes while a call is under way goes next time: `pushed_version` becomes the version that was sent.
"""

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from learners import app_objects, courses, presence, push_rows
from learners.models import Enrollment, Learner
from learners.push_rows import Due
from portals import counters, schema
from portals.clients import breaker
from portals.clients.batches import Batch, Row, RowError
from portals.clients.breaker import Vendor
from portals.clients.errors import Mistake, Reason, Refused, VendorError
from portals.clients.flights import Flights
from portals.clients.hubspot import ASSOCIATION_BATCH, BATCH, OBJECTS, HubSpot
from portals.lanes import Lane
from portals.models import HubSpotAccount

# Calls of one account under way at once: enough to spend its 10 calls a second while each takes half a second.
FLIGHTS = 6
MOST_MISTAKES = 3
MISTAKE = "Hubsync made a mistake with this row, so it is set aside."
CLAIMED = 5 * BATCH  # rows claimed in one statement; what a turn has no time for is let go again


@dataclass
class Turn:
    """One turn of an account: the rows claimed, the calls under way, the associations owed, and how it ends."""

    account: HubSpotAccount
    lane: str
    flights: Flights
    hubspots: dict[str, HubSpot] = field(default_factory=dict)  # by lane
    until: float = field(default_factory=lambda: time.monotonic() + settings.SLICE_SECONDS)
    waiting: list[Due] = field(default_factory=list)
    # By record type and lane.
    owed: dict[tuple[str, str], list[Due]] = field(default_factory=lambda: defaultdict(list))
    taking: bool = True
    mistakes: int = 0  # rows that our own code failed on
    again: float | None = None  # seconds after which there is more to do

    def hubspot(self, lane: str) -> HubSpot:
        return self.hubspots.setdefault(lane, HubSpot(self.account, lane))

    @property
    def object_type(self) -> str:
        return str(self.account.app_object_type)

    def stop(self, again: float | None) -> None:
        """Take nothing more; what is under way is brought to its end, what is not is let go."""
        self.taking, self.again = False, again
        if self.waiting:
            push_rows.release(self.waiting, again or 0.0)
            self.waiting = []


def push(account: HubSpotAccount, lane: str) -> float | None:
    """Write what is due for one account, for at most a slice of time: news, and in the bulk lane what is neither news
    nor waiting behind any. When there is more: the seconds to wait."""
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
            turn = Turn(account, lane, flights)
            _fly(turn)
    if turn.again is None and push_rows.due(account, bulk=lane == Lane.BULK):
        return 0.0  # it came after the last look, and its task was turned away meanwhile
    return turn.again


def _object_found(account: HubSpotAccount) -> bool:
    """Look again for the app object; while it is missing, everything waits a while and the page says why."""
    schema.look_up(account)
    if not account.app_object_type:
        push_rows.without_object(account)
    return bool(account.app_object_type)


def _fly(turn: Turn) -> None:
    """Keep as many calls under way as may be, until nothing is due or the turn is over."""
    while True:
        if turn.taking and turn.flights.free:
            _take(turn)
        elif turn.flights.under_way:
            turn.flights.land()
        elif any(turn.owed.values()):
            for lane in Lane:
                _associate(turn, lane, at_least=1)
        else:
            return


def _take(turn: Turn) -> None:
    """Begin the calls for the next rows: withdraw what is over, write what differs."""
    if time.monotonic() > turn.until:
        turn.stop(0.0)
        return
    rows, lane = _next(turn)
    if not rows:
        turn.stop(None)
        return
    rows = _landed(turn, rows)
    _begin_withdrawing(turn, [row for row in rows if row.over], lane)
    keep = [row for row in rows if not row.over]
    if sent := [row for row in keep if row.sent]:
        _settle(turn, sent, lane)
    _begin_writing(turn, [row for row in keep if not row.sent], lane)


def _next(turn: Turn) -> tuple[list[Due], str]:
    """The rows of the next call, and their lane. Also in the middle of a million rows, news goes first."""
    bulk = turn.lane == Lane.BULK
    if bulk and (news := push_rows.claim(turn.account, BATCH, bulk=False)):
        return news, Lane.LIVE
    if not turn.waiting:
        turn.waiting = push_rows.claim(turn.account, CLAIMED, bulk=bulk)
    rows, turn.waiting = turn.waiting[:BATCH], turn.waiting[BATCH:]
    return rows, turn.lane


def _landed(turn: Turn, rows: list[Due]) -> list[Due]:
    """Without the rows that changed while a call about them is under way: of two calls at once HubSpot may take the
    older value last. They are due again in a second."""
    flying = turn.flights.about
    if early := [row for row in rows if row.pk in flying]:
        push_rows.release(early, 1.0)
    return [row for row in rows if row.pk not in flying]


def _begin_withdrawing(turn: Turn, rows: list[Due], lane: str) -> None:
    if rows:
        archive, failed = partial(_archive, turn.hubspot(lane), rows), partial(_failed, turn, rows)
        turn.flights.start(archive, partial(_archived, rows), failed, about=[row.pk for row in rows])


def _archive(hubspot: HubSpot, rows: list[Due]) -> None:
    ids = [row.hubspot_id for row in rows if row.hubspot_id]
    # One that was claimed before may have been written by a call whose answer was lost.
    app_objects.remove(hubspot, ids, [row.key for row in rows if not row.hubspot_id and row.claim > 1])


def _archived(rows: list[Due], answer: None) -> None:
    push_rows.withdrawn(rows)


def _begin_writing(turn: Turn, rows: list[Due], lane: str) -> None:
    if not all(row.named for row in rows):
        rows = _named(rows)
    if not rows:
        return
    turn.flights.start(
        partial(turn.hubspot(lane).upsert, turn.object_type, [Row(str(row.pk), row.body) for row in rows]),
        partial(_written, turn, rows, lane),
        partial(_not_written, turn, rows, lane),
        about=[row.pk for row in rows],
    )


def _not_written(turn: Turn, rows: list[Due], lane: str, error: VendorError) -> None:
    """Where it was our own mistake, the rows are halved until the one that causes it is found and set aside. Many such
    rows are no matter of rows: then all come back by the ladder."""
    if not isinstance(error, Mistake) or turn.mistakes >= MOST_MISTAKES:
        _failed(turn, rows, error)
    elif len(rows) == 1:
        turn.mistakes += 1
        push_rows.park(rows[0], RowError(MISTAKE), Reason.INTERNAL)
    else:
        half = len(rows) // 2
        _begin_writing(turn, rows[:half], lane)
        _begin_writing(turn, rows[half:], lane)


def _named(rows: list[Due]) -> list[Due]:
    """The rows with the names of their courses, without those whose LearnUpon cannot be asked for one just now."""
    nameless = [row for row in rows if not row.named]
    for portal_id, error in courses.look_for(nameless).items():
        push_rows.later([row for row in nameless if row.portal_id == portal_id], error)
        nameless = [row for row in nameless if row.portal_id != portal_id]
    return [row for row in rows if row.named] + push_rows.name(nameless)


def _written(turn: Turn, rows: list[Due], lane: str, batch: Batch) -> None:
    missing = [row for row in rows if str(row.pk) not in batch.ids]
    ok = [_as_written(row, batch.ids[str(row.pk)]) for row in rows if str(row.pk) in batch.ids]
    _settle(turn, ok, lane)
    if batch.unfinished:
        _failed(turn, [row for row in missing if str(row.pk) not in batch.errors], batch.unfinished)
        missing = [row for row in missing if str(row.pk) in batch.errors]
    _count(ok, missing, lane)
    for row in missing:
        push_rows.park(
            row, batch.errors.get(str(row.pk), RowError("HubSpot did not say what became of this row."))
        )


def _count(ok: list[Due], missing: list[Due], lane: str) -> None:
    counters.count("hubsync_pushed_rows", "written", by=len(ok))
    counters.count("hubsync_pushed_rows", "refused", by=len(missing))
    now = timezone.now()
    for row in ok:
        counters.observe("hubsync_freshness_seconds", (now - row.changed_at).total_seconds(), lane)


def _as_written(row: Due, hubspot_id: str) -> Due:
    """Another record than before (the old one was archived by hand) is tied to nobody yet."""
    tied = row.associated_with if row.hubspot_id in ("", hubspot_id) else ""
    return row._replace(hubspot_id=hubspot_id, associated_with=tied)


def _failed(turn: Turn, rows: list[Due], error: VendorError) -> None:
    """Whatever ails HubSpot or the account would ail the next call too: come back later, and leave the worker to
    others until then."""
    turn.stop(push_rows.later(rows, error))


def _settle(turn: Turn, rows: list[Due], lane: str) -> None:
    """What HubSpot has is done where it is tied to its record. The others wait for the next call of associations;
    should this worker die before that, they are due by themselves and written once more, to the same effect."""
    done: list[Due] = []
    for row in rows:
        (turn.owed[row.record_type, lane] if _to_be_tied(turn, row) else done).append(row)
    if done:
        push_rows.done(done)
    news_among_bulk = lane != turn.lane  # waits for no others
    _associate(turn, lane, at_least=1 if news_among_bulk else ASSOCIATION_BATCH)


def _to_be_tied(turn: Turn, row: Due) -> bool:
    possible = row.record_type != "user" or turn.account.user_associations
    return possible and row.hubspot_id != "" and row.associated_with != row.record_id


def _associate(turn: Turn, lane: str, *, at_least: int) -> None:
    """Tie what was written to the people's records, pooled into as few calls as HubSpot takes."""
    for record_type in OBJECTS:
        rows = turn.owed[record_type, lane]
        while len(rows) >= at_least:
            part, rows[:] = rows[:ASSOCIATION_BATCH], rows[ASSOCIATION_BATCH:]
            _begin_tying(turn, record_type, lane, part)


def _begin_tying(turn: Turn, record_type: str, lane: str, rows: Sequence[Due]) -> None:
    if record_type == "user" and not turn.account.user_associations:
        push_rows.done(rows)
        return
    pairs = [(row.hubspot_id, row.record_id) for row in rows]
    turn.flights.start(
        partial(turn.hubspot(lane).associate, turn.object_type, OBJECTS[record_type], pairs),
        partial(_tied, rows),
        partial(_not_tied, turn, record_type, lane, rows),
    )


def _tied(rows: Sequence[Due], answer: None) -> None:
    push_rows.done(rows)


def _not_tied(turn: Turn, record_type: str, lane: str, rows: Sequence[Due], error: VendorError) -> None:
    """HubSpot documents that users cannot be associated: tried once, remembered, and the rows count as done."""
    if not isinstance(error, Refused):
        push_rows.written(rows)
        _failed(turn, list(rows), error)
    elif record_type == "user":
        turn.account.user_associations = False
        turn.account.save(update_fields=["user_associations"])
        push_rows.done(rows)
    elif len(rows) == 1:
        push_rows.written(rows)
        push_rows.park(rows[0], RowError(error.message, error.correlation_id))
    else:  # halve them until the one at fault is found
        half = len(rows) // 2
        _begin_tying(turn, record_type, lane, rows[:half])
        _begin_tying(turn, record_type, lane, rows[half:])


def retry(account: HubSpotAccount, ids: list[int] | None = None) -> int:
    """Push parked rows again, as a person asked: the named ones, or all; not those of a link that is paused or cut."""
    flow = Q(learner__state=Learner.State.ACTIVE) | Q(withdrawn=True)
    parked = Enrollment.objects.filter(flow, ~Q(parked_reason=""), account=account)
    if ids is not None:
        parked = parked.filter(pk__in=ids)
    again = Enrollment.objects.filter(pk__in=parked.values("pk"))
    return again.update(due_at=Now(), attempts=0, parked_reason="", bulk=ids is None)
