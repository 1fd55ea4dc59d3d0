"""Who works on what: claims on deliveries, and writing down how each ended.

A claim has a number and an end. Every write-back asks for the number it was given, so a worker that was presumed
dead finds that its delivery is somebody else's and changes nothing.
"""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Case, F, Q, QuerySet, When
from django.db.models.functions import Now

from portals import retries
from portals.clients import breaker
from portals.clients.breaker import Vendor
from portals.clients.errors import Reason, TryAgain
from portals.lanes import Lane
from portals.models import HubSpotAccount, Portal
from webhooks import endings
from webhooks.models import Delivery
from webhooks.results import Done, Later, Result

logger = logging.getLogger(__name__)
FIELDS = [f"d.{f.attname}" for f in Delivery._meta.concrete_fields]

# What a worker died with is taken again with its like: a worker that was stopped from outside takes a whole slice with
# it. What two died with is taken by itself, so that it alone is to blame if the next one dies too. What waited for a
# connection waits no more: resume_reconnected() must not give it to a second worker.
CLAIM = f"""
WITH due AS MATERIALIZED (
    SELECT id, due_at, unended FROM webhooks_delivery
    WHERE account_id = %s AND lane = %s AND state = 'waiting' AND due_at <= now()
    ORDER BY due_at, id LIMIT %s FOR UPDATE SKIP LOCKED
), oldest AS (SELECT id, unended FROM due ORDER BY due_at, id LIMIT 1)
UPDATE webhooks_delivery d
SET claim = d.claim + 1, unended = d.unended + 1, due_at = now() + %s * interval '1 second',
    why = CASE d.why WHEN '{Reason.DISCONNECTED}' THEN '' ELSE d.why END
FROM due, oldest
WHERE d.id = due.id AND CASE WHEN oldest.unended < 2 THEN due.unended = oldest.unended ELSE due.id = oldest.id END
RETURNING {", ".join(FIELDS)}
"""  # noqa: S608  (column names of our own model)
RELEASE = """
UPDATE webhooks_delivery d SET due_at = now(), unended = d.unended - 1
FROM unnest(%s::bigint[], %s::int[]) AS w(id, claim)
WHERE d.id = w.id AND d.claim = w.claim AND d.state = 'waiting'
"""


def claim(account_id: int, lane: str, most: int) -> list[Delivery]:
    """Take up to `most` due deliveries of an account and lane, oldest first, for CLAIM_SECONDS; only one where workers
    died with it."""
    if lane == Lane.ACTIONS:
        _rest(account_id)
    while rows := list(Delivery.objects.raw(CLAIM, [account_id, lane, most, settings.CLAIM_SECONDS])):
        logger.info("claimed", extra={"lane": lane, "deliveries": sorted(row.pk for row in rows)})
        if rows[0].unended == 1 or not _set_aside(rows[0]):
            break
    return sorted(rows, key=lambda row: row.pk)


def _set_aside(suspect: Delivery) -> bool:
    """Give up a delivery that worker after worker died with; whether this was one. The first may have died of a
    neighbour, or been stopped from outside; so many in a row, most of them with this one alone, were not."""
    deaths = suspect.unended - 1
    logger.warning("worker died", extra={"delivery": suspect.pk, "kind": suspect.kind, "times": deaths})
    if suspect.unended < retries.POISON_ATTEMPTS:
        return False
    said = f"Hubsync's workers died {deaths} times while they worked on this one, so it is set aside."
    write(suspect, Done("expired", said, ok=False, why=Reason.INTERNAL))
    return True


def _rest(account_id: int) -> None:
    """Actions whose HubSpot or LearnUpon does not answer are due when it is asked again, all in one statement. Those
    that HubSpot stops waiting for are worked all the same, to be told so."""
    resting = [found for found in breaker.troubles().values() if found.resting]
    if not resting:
        return
    patience = retries.BLOCK_DAYS * 86_400 - retries.ANSWER_BEFORE_EXPIRY.total_seconds()
    rows = Delivery.objects.filter(
        account=account_id, lane=Lane.ACTIONS, state=Delivery.State.WAITING, due_at__lte=Now()
    )
    for found in resting:
        waits = timedelta(seconds=found.wait)
        theirs = rows.filter(
            _needs(found.vendor, found.name), received_at__gt=Now() - timedelta(seconds=patience) + waits
        )
        with transaction.atomic():  # what is locked is in a worker's hands still, who writes it down itself
            free = theirs.select_for_update(skip_locked=True, of=("self",)).values("pk")
            Delivery.objects.filter(pk__in=free).update(
                due_at=Now() + waits, reason=breaker.resting(found.vendor)
            )


def _needs(vendor: str, name: str) -> Q:
    """The deliveries that need this vendor: a HubSpot account's, or those of the portal with this host."""
    if vendor == Vendor.HUBSPOT:
        return Q(account__hub_id=name)
    if vendor == Vendor.MAIL:
        return Q(pk__in=[])
    subdomain, _, region = name.partition(".")
    return Q(portal__subdomain=subdomain, portal__region=region)


def answers_again(vendor: str, name: str) -> None:
    """What waits for hours because a vendor failed is due now that it answers; what a worker has in hand is not."""
    long = Now() + timedelta(seconds=settings.CLAIM_SECONDS)
    theirs = Delivery.objects.filter(_needs(vendor, name))
    theirs.filter(state=Delivery.State.WAITING, attempts__gt=0, due_at__gt=long).update(due_at=Now())
    if vendor == Vendor.HUBSPOT:
        theirs.filter(tell=Delivery.Tell.OWED, tell_attempts__gt=0, tell_due_at__gt=long).update(
            tell_due_at=Now()
        )


def release(deliveries: list[Delivery]) -> None:
    """Give back what there was no time for."""
    with connection.cursor() as cursor:
        cursor.execute(RELEASE, [[row.pk for row in deliveries], [row.claim for row in deliveries]])


def write(delivery: Delivery, result: Result) -> bool:
    """Write a result down; False when the claim was lost meanwhile."""
    return delivery.pk in endings.write([(delivery, result)])


def ask(delivery: Delivery, at: datetime | None) -> None:
    """Note that a vendor is asked now, before it is; None takes it back. Whoever lost the claim asks no more."""
    theirs = Delivery.objects.filter(pk=delivery.pk, claim=delivery.claim, state=Delivery.State.WAITING)
    if not theirs.update(asked_at=at):
        raise TryAgain("Another worker has this request.", counts=False)
    delivery.asked_at = at


def forgotten() -> dict[str, object]:
    """What a delivery loses when nothing about its person may be kept."""
    return {
        "body": None, "record_id": "", "learnupon_user_id": None, "enrollment_id": None, "outputs": {"outcome": "erased"}
    }  # fmt: skip


def tryable() -> Q:
    """What may be worked again at once: its content is still there, and no worker can have it in hand."""
    later = Q(state=Delivery.State.WAITING, due_at__gt=Now() + timedelta(seconds=settings.CLAIM_SECONDS))
    return Q(body__isnull=False) & (later | Q(state=Delivery.State.FAILED))


def retry_all(rows: QuerySet[Delivery]) -> int:
    """Work these again now, as a person asked; how many. What HubSpot has been told stays told; what it has not is
    told how it ends this time."""
    owed = Case(When(tell=Delivery.Tell.OWED, then=None), default=F("tell_due_at"))
    again = Delivery.objects.filter(tryable(), pk__in=list(rows.values_list("pk", flat=True)))
    return again.update(
        state=Delivery.State.WAITING, due_at=Now(), attempts=0, done_at=None, why="", outcome="", tell_due_at=owed
    )  # fmt: skip


def retry(delivery: Delivery) -> bool:
    """Work a failed or waiting delivery again now, as a person asked."""
    return bool(retry_all(Delivery.objects.filter(pk=delivery.pk)))


def resume_reconnected() -> int:
    """What waited for credentials is due as soon as account and portal are connected again. One that meets dead
    credentials once more disconnects them, so this cannot spin."""
    waiting = Delivery.objects.filter(
        state=Delivery.State.WAITING, why=Reason.DISCONNECTED, due_at__gt=Now(),
        account__state=HubSpotAccount.State.CONNECTED,
    )  # fmt: skip
    ready = waiting.filter(Q(portal__isnull=True) | Q(portal__state=Portal.State.CONNECTED))
    return Delivery.objects.filter(pk__in=ready.values("pk")).update(due_at=Now(), why="")


def due_lanes() -> list[tuple[int, str]]:
    """The accounts and lanes that have something due, for the sweep. Actions and answers need HubSpot, so those of a
    disconnected account rest; LearnUpon's news is taken in all the same."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT d.account_id, d.lane FROM webhooks_delivery d "
            "JOIN portals_hubspotaccount a ON a.id = d.account_id "
            "WHERE d.state = 'waiting' AND d.due_at <= now() AND (a.state = 'connected' OR d.lane <> 'actions') "
            "UNION SELECT DISTINCT d.account_id, 'actions' FROM webhooks_delivery d "
            "JOIN portals_hubspotaccount a ON a.id = d.account_id "
            "WHERE d.tell = 'owed' AND d.tell_due_at <= now() AND a.state = 'connected'"
        )
        return [(int(account), str(lane)) for account, lane in cursor.fetchall()]


def failed(delivery: Delivery) -> None:
    """A flow broke on a mistake of ours."""
    write(delivery, Later(f"{endings.MISTAKE}; it is tried again.", why=Reason.INTERNAL))
