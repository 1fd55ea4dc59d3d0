"""The rows of a push: who may push, what is due, and what became of it; one statement for a whole call."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now

from learners.models import Enrollment
from portals import retries
from portals.clients.batches import RowError
from portals.clients.breaker import Vendor
from portals.clients.errors import VendorError
from portals.clients.hubspot import BATCH
from portals.models import HubSpotAccount

# By due_at alone, as the index has it: a tie-break would sort all of a backfill's equal times at every claim.
CLAIM = """
UPDATE learners_enrollment SET claim = claim + 1, due_at = now() + %s * interval '1 second'
WHERE id IN (
    SELECT id FROM learners_enrollment WHERE account_id = %s AND due_at <= now()
    ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
)
RETURNING id
"""
# A row that changed meanwhile is due again; one that still lacks its association stays
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
LATER = """
UPDATE learners_enrollment e SET
    due_at = now() + %s * interval '1 second', attempts = attempts + %s, parked_reason = %s, correlation_id = %s
FROM unnest(%s::bigint[], %s::int[]) AS w(id, claim)
WHERE e.id = w.id AND e.claim = w.claim
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
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [key])


def answers_again(vendor: str, name: str) -> None:
    """Rows that wait for hours because HubSpot failed are due now that it answers; what a worker has in hand is not."""
    if vendor == Vendor.HUBSPOT:
        long = Now() + timedelta(seconds=settings.CLAIM_SECONDS)
        rows = Enrollment.objects.filter(account__hub_id=name, attempts__gt=0, due_at__gt=long)
        rows.update(due_at=Now())


def due(account: HubSpotAccount) -> bool:
    return Enrollment.objects.filter(account=account, due_at__lte=Now()).exists()


def claim(account: HubSpotAccount) -> list[Enrollment]:
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [settings.CLAIM_SECONDS, account.pk, BATCH])
        ids = [row[0] for row in cursor.fetchall()]
    # Portals apart, because a joined one would be made, and its keys decrypted, for every row.
    rows = Enrollment.objects.select_related("learner").prefetch_related("portal").order_by("pk")
    return list(rows.filter(pk__in=ids)) if ids else []


def written(rows: Sequence[Enrollment], associable: Sequence[str]) -> None:
    """`associable` has the record id that each row is to be associated with."""
    with connection.cursor() as cursor:
        cursor.execute(WRITTEN, [
            [row.pk for row in rows], [row.claim for row in rows], [row.version for row in rows],
            [row.hubspot_id for row in rows], list(associable),
        ])  # fmt: skip


def tied(rows: Sequence[Enrollment]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(ASSOCIATED, [
            [row.pk for row in rows], [row.claim for row in rows], [row.learner.record_id for row in rows]
        ])  # fmt: skip


def withdrawn(rows: Sequence[Enrollment]) -> None:
    for row in rows:
        theirs = Enrollment.objects.filter(pk=row.pk, claim=row.claim)
        if not theirs.filter(version=row.version).delete()[0]:  # enrolled again meanwhile
            theirs.update(hubspot_id="", associated_with="", pushed_version=0)


def park(row: Enrollment, error: RowError) -> None:
    """A row HubSpot refuses waits for a person, or for its next change, which may have come during the call."""
    Enrollment.objects.filter(pk=row.pk, claim=row.claim, version=row.version).update(
        due_at=None,
        parked_reason=error.message[:500],
        correlation_id=error.correlation_id,
        attempts=F("attempts") + 1,
    )


def later(rows: Sequence[Enrollment], error: VendorError) -> float:
    """The whole call failed: nothing is lost, all of it is due again. Returns how many seconds the account should
    be left alone."""
    waits = not error.counts  # nobody's failure; a grant gone stale waits 0 seconds
    attempts = max((row.attempts for row in rows), default=0) + 1
    seconds = retries.wait(attempts, error)
    reason = "" if waits else error.message[:500]
    with connection.cursor() as cursor:
        cursor.execute(LATER, [
            seconds, 0 if waits else 1, reason, error.correlation_id, [row.pk for row in rows],
            [row.claim for row in rows],
        ])  # fmt: skip
    return error.after if error.after or waits else settings.SWEEP_SECONDS
