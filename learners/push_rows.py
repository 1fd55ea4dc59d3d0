"""The rows of a push: who may push, what is due, and what became of it; one statement for a whole call."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now

from hubsync.postgresql import run_prepared
from learners.app_objects import INPUT
from learners.models import Enrollment
from portals import retries
from portals.clients.batches import RowError
from portals.clients.breaker import Vendor
from portals.clients.errors import Reason, VendorError
from portals.lanes import Lane
from portals.models import HubSpotAccount


class Due(NamedTuple):
    """A claimed row as it was when it was read: whose it is, how far it got, and its JSON for HubSpot."""

    pk: int
    claim: int
    version: int
    attempts: int
    portal_id: int
    record_type: str
    record_id: str
    key: str
    hubspot_id: str
    associated_with: str
    named: bool  # is the course's name known?
    over: bool  # is its record to leave HubSpot?
    sent: bool  # has HubSpot this version already, so that only the association is missing?
    changed_at: datetime
    body: str


# An unfinished enrollment that was withdrawn leaves HubSpot too; a finished one is kept as history.
READ = f"""
SELECT e.id, e.claim, e.version, e.attempts, e.portal_id, l.record_type, l.record_id,
    concat(p.number, ':', e.enrollment_id), e.hubspot_id, e.associated_with, e.course_name <> '',
    e.withdrawn OR (e.unenrolled AND e.status <> 'completed'), e.version = e.pushed_version,
    e.changed_at, {INPUT}
FROM {{rows}} e
JOIN learners_learner l ON l.id = e.learner_id
JOIN portals_portal p ON p.id = e.portal_id
LEFT JOIN portals_course c ON c.portal_id = e.portal_id AND c.course_id = e.course_id
"""  # noqa: S608
COURSE_NAME = """
coalesce((SELECT c.name FROM portals_course c WHERE c.portal_id = e.portal_id AND c.course_id = e.course_id), '')
"""
# By due_at alone, as the index has it: a tie-break would sort all of a backfill's equal times at every claim.
# Webhooks carry no course name: a row that came without one gets it here from the cached list.
CLAIM = f"""
WITH taken AS (
    UPDATE learners_enrollment e SET
        claim = claim + 1, due_at = now() + $1 * interval '1 second',
        course_name = CASE e.course_name WHEN '' THEN {COURSE_NAME} ELSE e.course_name END
    WHERE id IN (
        SELECT id FROM learners_enrollment WHERE account_id = $2 AND bulk = $3 AND due_at <= now()
        ORDER BY due_at LIMIT $4 FOR UPDATE SKIP LOCKED
    )
    RETURNING *
)
{READ.format(rows="taken")} ORDER BY e.id
"""  # noqa: S608
NAME = f"""
UPDATE learners_enrollment e SET course_name = {COURSE_NAME} WHERE id = ANY(%s) AND course_name = ''
"""  # noqa: S608
# In the order of their numbers, as the fold takes them (learners/enrollments.py): else each could wait for the other.
HELD = "WITH held AS (SELECT id FROM learners_enrollment WHERE id = ANY(%s) ORDER BY id FOR UPDATE)"
# A row that changed meanwhile is due again. Here HubSpot has the row and its association.
DONE = """
UPDATE learners_enrollment e SET
    pushed_version = w.version, hubspot_id = w.hubspot_id, associated_with = w.record_id, pushed_at = now(),
    attempts = 0, parked_reason = '', correlation_id = '',
    due_at = CASE WHEN e.version <> w.version THEN now() END, bulk = e.bulk AND e.version <> w.version
FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::text[], %s::text[])
    AS w(id, claim, version, hubspot_id, record_id), held
WHERE e.id = held.id AND w.id = held.id AND e.claim = w.claim
"""
# Here only the row: it stays claimed for its association. Another record than before (the old one was archived by
# hand) has none yet.
WRITTEN = """
UPDATE learners_enrollment e SET
    pushed_version = w.version, hubspot_id = w.hubspot_id, pushed_at = now(),
    attempts = 0, parked_reason = '', correlation_id = '',
    associated_with = CASE WHEN e.hubspot_id IN ('', w.hubspot_id) THEN e.associated_with ELSE '' END
FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::text[]) AS w(id, claim, version, hubspot_id), held
WHERE e.id = held.id AND w.id = held.id AND e.claim = w.claim
"""
LATER = """
UPDATE learners_enrollment e SET
    due_at = now() + %s * interval '1 second', attempts = attempts + %s, parked_reason = %s, why = %s,
    correlation_id = %s
FROM unnest(%s::bigint[], %s::int[]) AS w(id, claim), held
WHERE e.id = held.id AND w.id = held.id AND e.claim = w.claim
"""
RELEASED = """
UPDATE learners_enrollment e SET due_at = now() + %s * interval '1 second'
FROM unnest(%s::bigint[], %s::int[]) AS w(id, claim), held
WHERE e.id = held.id AND w.id = held.id AND e.claim = w.claim
"""
# From one lane of one account to the next by the index, however many rows each has; counting them out would read all
# of a backfill at every sweep.
LANES = """
WITH RECURSIVE lane AS (
    (SELECT account_id, bulk FROM learners_enrollment WHERE due_at IS NOT NULL ORDER BY 1, 2 LIMIT 1)
    UNION ALL
    SELECT following.* FROM lane, LATERAL (
        SELECT account_id, bulk FROM learners_enrollment
        WHERE due_at IS NOT NULL AND (account_id, bulk) > (lane.account_id, lane.bulk) ORDER BY 1, 2 LIMIT 1
    ) AS following
)
SELECT account_id, bulk FROM lane WHERE EXISTS (
    SELECT 1 FROM learners_enrollment e
    WHERE e.account_id = lane.account_id AND e.bulk = lane.bulk AND e.due_at <= now()
)
"""


@contextmanager
def alone(account: HubSpotAccount) -> Iterator[bool]:
    """One slice of an account at a time: more would take its neighbours' workers and gain nothing within one budget.
    The lock goes with the database connection, so that a worker that dies leaves none behind."""
    key = f"push {account.pk}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [key])
        mine = bool(cursor.fetchone()[0])
    try:
        yield mine
    finally:
        if mine:
            _execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [key])


def without_object(account: HubSpotAccount) -> None:
    """HubSpot has no object to write to: everything waits a while, and says why."""
    Enrollment.objects.filter(account=account, due_at__lte=Now()).update(
        due_at=Now() + timedelta(seconds=retries.scaled(600)),
        parked_reason=account.app_object_problem,
        why=Reason.CONFIGURATION,
    )


def answers_again(vendor: str, name: str) -> None:
    """Rows that wait for hours because HubSpot failed are due now that it answers; what a worker has in hand is not."""
    if vendor == Vendor.HUBSPOT:
        long = Now() + timedelta(seconds=settings.CLAIM_SECONDS)
        rows = Enrollment.objects.filter(account__hub_id=name, attempts__gt=0, due_at__gt=long)
        rows.update(due_at=Now())


def lanes_due() -> list[tuple[int, str]]:
    """Which lanes of which accounts have something due."""
    with connection.cursor() as cursor:
        cursor.execute(LANES)
        return [(account_id, Lane.BULK if bulk else Lane.LIVE) for account_id, bulk in cursor.fetchall()]


def due(account: HubSpotAccount, *, bulk: bool) -> bool:
    return Enrollment.objects.filter(account=account, bulk=bulk, due_at__lte=Now()).exists()


def claim(account: HubSpotAccount, most: int, *, bulk: bool) -> list[Due]:
    """Prepared, because to plan it takes the database longer than to claim a row or two."""
    rows = run_prepared("push_claim", CLAIM, settings.CLAIM_SECONDS, account.pk, bulk, most)
    return [Due._make(row) for row in rows]


def read(rows: Sequence[int]) -> list[Due]:
    """Enrollments by their ids, as they are now."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"{READ.format(rows='learners_enrollment')} WHERE e.id = ANY(%s) ORDER BY e.id", [list(rows)]
        )
        return [Due._make(row) for row in cursor.fetchall()]


def name(rows: Sequence[Due]) -> list[Due]:
    """The same rows with the names of their courses, where the cached list knows them by now. A row that somebody
    else has claimed meanwhile is left to them."""
    ids = [row.pk for row in rows]
    _execute(NAME, [ids])
    claims = {row.pk: row.claim for row in rows}
    return [row for row in read(ids) if row.claim == claims[row.pk]]


def done(rows: Sequence[Due]) -> None:
    """HubSpot has these rows and, where it allows any, their associations."""
    _write_back(DONE, rows, *_claims(rows), *_written(rows), [row.record_id for row in rows])


def written(rows: Sequence[Due]) -> None:
    """HubSpot has these rows, and not their associations yet."""
    _write_back(WRITTEN, rows, *_claims(rows), *_written(rows))


def release(rows: Sequence[Due], seconds: float) -> None:
    """Nothing was done about these rows: they are due again, in so many seconds."""
    _write_back(RELEASED, rows, seconds, *_claims(rows))


def withdrawn(rows: Sequence[Due]) -> None:
    for row in rows:
        theirs = Enrollment.objects.filter(pk=row.pk, claim=row.claim)
        if not theirs.filter(version=row.version).delete()[0]:  # enrolled again meanwhile
            theirs.update(hubspot_id="", associated_with="", pushed_version=0)


def park(row: Due, error: RowError, why: Reason = Reason.REFUSED) -> None:
    """A row HubSpot refuses, or our own code fails on, waits for a person, or for its next change, which may have come
    during the call."""
    Enrollment.objects.filter(pk=row.pk, claim=row.claim, version=row.version).update(
        due_at=None,
        bulk=False,
        parked_reason=error.message[:500],
        why=why,
        correlation_id=error.correlation_id,
        attempts=F("attempts") + 1,
    )


def later(rows: Sequence[Due], error: VendorError) -> float:
    """The whole call failed: nothing is lost, all of it is due again. Returns how many seconds the account should
    be left alone."""
    waits = not error.counts  # nobody's failure; a grant gone stale waits 0 seconds
    attempts = max((row.attempts for row in rows), default=0) + 1
    seconds = retries.wait(attempts, error)
    reason = "" if waits else error.message[:500]
    why = error.why or ""
    _write_back(LATER, rows, seconds, 0 if waits else 1, reason, why, error.correlation_id, *_claims(rows))
    return error.after if error.after or waits else settings.SWEEP_SECONDS


def _claims(rows: Sequence[Due]) -> list[list[Any]]:
    return [[row.pk for row in rows], [row.claim for row in rows]]


def _written(rows: Sequence[Due]) -> list[list[Any]]:
    return [[row.version for row in rows], [row.hubspot_id for row in rows]]


def _write_back(statement: str, rows: Sequence[Due], *values: Any) -> None:
    _execute(HELD + statement, [[row.pk for row in rows], *values])


def _execute(statement: str, values: Sequence[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
