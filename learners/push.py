"""Writing enrollments to HubSpot as app-object records: 100 a call, then tied to the person's record.

What changes while a call is under way goes next time: `pushed_version` becomes the version that was sent.
"""

import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import F, Q
from django.db.models.functions import Now

from learners import courses
from learners.models import Enrollment
from portals import schema
from portals.clients.batches import RowError
from portals.clients.errors import Disconnected, Refused, TryAgain
from portals.clients.hubspot import ASSOCIATION_BATCH, BATCH, OBJECTS, HubSpot
from portals.models import Course, HubSpotAccount
from portals.schema import PREFIX
from webhooks import retries

CLAIM = """
UPDATE learners_enrollment SET claim = claim + 1, due_at = now() + %s * interval '1 second'
WHERE id IN (
    SELECT id FROM learners_enrollment WHERE account_id = %s AND due_at <= now()
    ORDER BY due_at, id LIMIT %s FOR UPDATE SKIP LOCKED
)
RETURNING id
"""
# One statement for a whole call. A row that changed meanwhile is due again; one that still lacks its association stays
# claimed for it, and is due by itself if this worker dies first. Another record than before (the old one was archived
# by hand) has no association yet.
WRITTEN = """
UPDATE learners_enrollment e SET
    pushed_version = w.version, hubspot_id = w.hubspot_id, attempts = 0, parked_reason = '', correlation_id = '',
    pushed_at = now(),
    associated_with = CASE WHEN e.hubspot_id IN ('', w.hubspot_id) THEN e.associated_with ELSE '' END,
    due_at = CASE WHEN e.version <> w.version THEN now()
                  WHEN e.associated_with = w.record_id AND e.hubspot_id IN ('', w.hubspot_id) THEN NULL
                  ELSE e.due_at END
FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::text[], %s::text[])
    AS w(id, claim, version, hubspot_id, record_id)
WHERE e.id = w.id AND e.claim = w.claim
"""
ASSOCIATED = """
UPDATE learners_enrollment e SET
    associated_with = w.record_id, due_at = CASE WHEN e.version = e.pushed_version THEN NULL ELSE now() END
FROM unnest(%s::bigint[], %s::int[], %s::text[]) AS w(id, claim, record_id)
WHERE e.id = w.id AND e.claim = w.claim
"""


@dataclass
class Slice:
    """What one turn of an account has written so far, and the associations it still owes."""

    hubspot: HubSpot
    owed: dict[str, list[Enrollment]] = field(default_factory=lambda: defaultdict(list))
    written: int = 0


def push(account: HubSpotAccount, lane: str) -> bool:
    """Write what is due for one account, for at most a slice of time; True when there is more."""
    if not account.connected:
        return False
    if not account.app_object_type and not _object_found(account):
        return False
    until = time.monotonic() + settings.SLICE_SECONDS
    turn = Slice(HubSpot(account, lane))
    rows = claim(account)
    while rows:
        _write(turn, rows)
        if any(len(owed) >= ASSOCIATION_BATCH for owed in turn.owed.values()):
            _associate(turn)
        if time.monotonic() > until:
            break
        rows = claim(account)
    _associate(turn)
    return bool(rows)


def _object_found(account: HubSpotAccount) -> bool:
    """Look again for the app object; while it is missing, everything waits a while and the page says why."""
    schema.look_up(account)
    if not account.app_object_type:
        Enrollment.objects.filter(account=account, due_at__lte=Now()).update(
            due_at=Now() + timedelta(seconds=retries.scaled(600)), parked_reason=account.app_object_problem
        )
    return bool(account.app_object_type)


def claim(account: HubSpotAccount) -> list[Enrollment]:
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [settings.CLAIM_SECONDS, account.pk, BATCH])
        ids = [row[0] for row in cursor.fetchall()]
    return (
        list(Enrollment.objects.select_related("portal", "learner").filter(pk__in=ids).order_by("pk"))
        if ids
        else []
    )


def _write(turn: Slice, rows: list[Enrollment]) -> None:
    """Archive what is over, upsert what differs, and note the associations that are owed."""
    gone = [row for row in rows if row.unenrolled and row.status != Enrollment.Status.COMPLETED]
    keep = [row for row in rows if row not in gone]
    differ = [row for row in keep if row.version != row.pushed_version]
    try:
        _archive(turn, gone)
        if differ:
            courses.name(differ)
            _upsert(turn, differ)
    except (TryAgain, Disconnected, Refused) as error:
        _later(rows, error)
        return
    for row in keep:
        if row.hubspot_id and row.associated_with != row.learner.record_id:
            turn.owed[row.portal.record_type].append(row)


def _archive(turn: Slice, rows: list[Enrollment]) -> None:
    """An unfinished enrollment that was withdrawn leaves HubSpot too; a finished one is kept as history."""
    object_type = turn.hubspot.account.app_object_type
    ids = [row.hubspot_id for row in rows if row.hubspot_id]
    # One that was claimed before may have been written by a call whose answer was lost.
    if keys := [row.key for row in rows if not row.hubspot_id and row.claim > 1]:
        ids += turn.hubspot.read(object_type, keys, ["hs_object_id"], f"{PREFIX}enrollment_key")
    if ids:
        turn.hubspot.archive(object_type, ids)
    for row in rows:
        theirs = Enrollment.objects.filter(pk=row.pk, claim=row.claim)
        if not theirs.filter(version=row.version).delete()[0]:  # enrolled again meanwhile
            theirs.update(hubspot_id="", associated_with="", pushed_version=0)


def _upsert(turn: Slice, rows: list[Enrollment]) -> None:
    required = required_courses(rows)
    inputs = [
        {"id": row.key, "idProperty": f"{PREFIX}enrollment_key", "objectWriteTraceId": str(row.pk),
         "properties": properties(row, (row.portal_id, row.course_id) in required)}
        for row in rows
    ]  # fmt: skip
    batch = turn.hubspot.upsert(turn.hubspot.account.app_object_type, inputs)
    ok = [row for row in rows if str(row.pk) in batch.ids]
    for row in ok:
        if row.hubspot_id not in ("", batch.ids[str(row.pk)]):
            row.associated_with = ""
        row.hubspot_id = batch.ids[str(row.pk)]
    with connection.cursor() as cursor:
        cursor.execute(WRITTEN, [
            [row.pk for row in ok], [row.claim for row in ok], [row.version for row in ok],
            [row.hubspot_id for row in ok], [_associable(turn, row) for row in ok],
        ])  # fmt: skip
    turn.written += len(ok)
    missing = [row for row in rows if str(row.pk) not in batch.ids]
    if batch.unfinished:
        _later([row for row in missing if str(row.pk) not in batch.errors], batch.unfinished)
        missing = [row for row in missing if str(row.pk) in batch.errors]
    for row in missing:
        _park(row, batch.errors.get(str(row.pk), RowError("HubSpot did not say what became of this row.")))


def _associable(turn: Slice, row: Enrollment) -> str:
    """The record id the row should be associated with; its present one where HubSpot does not allow any."""
    if row.portal.record_type == "user" and not turn.hubspot.account.user_associations:
        return row.associated_with
    return row.learner.record_id


def _park(row: Enrollment, error: RowError) -> None:
    """A row HubSpot refuses waits for a person, or for its next change, which may have come during the call."""
    Enrollment.objects.filter(pk=row.pk, claim=row.claim, version=row.version).update(
        due_at=None,
        parked_reason=error.message[:500],
        correlation_id=error.correlation_id,
        attempts=F("attempts") + 1,
    )


def _later(rows: list[Enrollment], error: TryAgain | Disconnected | Refused) -> None:
    """The whole call failed: nothing is lost, all of it is due again."""
    attempts = max(row.attempts for row in rows) + 1
    seconds = error.after if isinstance(error, TryAgain) and error.after else retries.delay(attempts)
    counted = 0 if isinstance(error, TryAgain) and not error.counts else 1
    for row in rows:
        Enrollment.objects.filter(pk=row.pk, claim=row.claim).update(
            due_at=Now() + timedelta(seconds=seconds), attempts=F("attempts") + counted,
            parked_reason="" if not counted else error.message[:500], correlation_id=error.correlation_id,
        )  # fmt: skip


def _associate(turn: Slice) -> None:
    """Tie what was written to the people's records, pooled into as few calls as HubSpot takes."""
    account = turn.hubspot.account
    for record_type, rows in turn.owed.items():
        for start in range(0, len(rows), ASSOCIATION_BATCH):
            part = rows[start : start + ASSOCIATION_BATCH]
            try:
                if record_type != "user" or account.user_associations:
                    pairs = [(row.hubspot_id, row.learner.record_id) for row in part]
                    turn.hubspot.associate(account.app_object_type, OBJECTS[record_type], pairs)
            except Refused as error:
                _association_refused(turn, record_type, part, error)
            except (TryAgain, Disconnected) as error:
                _later(part, error)
            else:
                _tied(part)
    turn.owed.clear()


def _association_refused(turn: Slice, record_type: str, part: list[Enrollment], error: Refused) -> None:
    """HubSpot documents that users cannot be associated: tried once, remembered, and the rows count as done."""
    account = turn.hubspot.account
    if record_type == "user":
        account.user_associations = False
        account.save(update_fields=["user_associations"])
        _tied(part)
    elif len(part) == 1:
        _park(part[0], RowError(error.message, error.correlation_id))
    else:
        for row in part:
            turn_of_one = Slice(turn.hubspot, defaultdict(list, {record_type: [row]}))
            _associate(turn_of_one)


def _tied(rows: list[Enrollment]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(ASSOCIATED, [
            [row.pk for row in rows], [row.claim for row in rows], [row.learner.record_id for row in rows]
        ])  # fmt: skip


def required_courses(rows: list[Enrollment]) -> set[tuple[int, int]]:
    portals = {row.portal_id for row in rows}
    return set(
        Course.objects.filter(portal_id__in=portals, required=True).values_list("portal_id", "course_id")
    )


def properties(row: Enrollment, required: bool) -> dict[str, str]:
    """The record's properties; HubSpot takes every value as a string, and an empty one clears."""
    values: dict[str, Any] = {
        "enrollment_key": row.key,
        "course_name": row.course_name or f"Course {row.course_id}",
        "course_id": row.course_id,
        "portal_name": str(row.portal),
        "status": row.status,
        "result": row.result,
        "required": required,
        "progress_percent": row.progress_percent,
        "score_percent": row.score_percent,
        "enrolled_at": row.enrolled_at,
        "started_at": row.started_at,
        "completed_at": row.completed_at,
        "last_accessed_at": row.last_accessed_at,
        "due_on": row.due_on,
        "certificate_expires_on": row.certificate_expires_on,
        "overdue": row.overdue,
        "certificate_name": row.certificate_name,
        "learner_email": row.learner.email,
        "record_id": row.learner.record_id,
    }
    return {PREFIX + name: _text(value) for name, value in values.items()}


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def retry(account: HubSpotAccount, ids: list[int] | None = None) -> int:
    """Push parked rows again, as a person asked: the named ones, or all."""
    parked = Enrollment.objects.filter(~Q(parked_reason=""), account=account)
    if ids is not None:
        parked = parked.filter(pk__in=ids)
    return parked.update(due_at=Now(), attempts=0, parked_reason="")
