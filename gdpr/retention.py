"""What is kept, and for how long: bodies for a month, rows for half a year, then only how many there were; receipts
and tombstones for good; regular checks for two days. An uninstalled account's data goes after a month, or at once on
request."""

import time
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.models import F, Model
from django.db.models.functions import JSONObject
from django.utils import timezone

from gdpr.models import ErasureStep, finish
from learners import links
from learners.models import Enrollment, Learner, Notice, ReviewItem, Silence, Tally, Walk
from portals.models import AuditEntry, HubSpotAccount, Portal
from webhooks.models import DailyCount, Delivery

SLICE = 5000  # rows in one statement
CHECKS = timedelta(days=2)  # of a portal there are a hundred a day, and every sweep looks among them
UNREAD = timedelta(hours=1)  # sums that nobody has asked for since
# Rows become counts in the statement that deletes them, so that none is counted twice or not at all.
COUNT = """
WITH old AS (
    DELETE FROM webhooks_delivery WHERE id IN (
        SELECT id FROM webhooks_delivery WHERE received_at < %s AND state <> 'waiting' AND tell <> 'owed' LIMIT %s
    )
    RETURNING account_id, (received_at AT TIME ZONE 'UTC')::date AS day, kind, outcome
), counted AS (
    INSERT INTO webhooks_dailycount (account_id, day, kind, outcome, count)
    SELECT account_id, day, kind, outcome, count(*) FROM old GROUP BY 1, 2, 3, 4
    ON CONFLICT (account_id, day, kind, outcome) DO UPDATE SET count = webhooks_dailycount.count + excluded.count
)
SELECT count(*) FROM old
"""
# An account's rows, in the order in which they go. Of the first there can be too many for one task's time.
MANY: tuple[type[Model], ...] = (Delivery, Enrollment, Learner)
FEW: tuple[type[Model], ...] = (DailyCount, ReviewItem, Walk, Notice, Silence, AuditEntry, Tally, Portal)
# What an account leaves behind when it is purged is its row: receipts hang on it.
NOTHING: dict[str, object] = {
    "hub_domain": "", "ui_domain": "", "access_token": "", "refresh_token": "", "token_expires_at": None, "scopes": [],
    "admin_emails": [], "removed_emails": [], "app_object_type": "", "app_object_problem": "",
    "configuration_problem": "",
}  # fmt: skip


def tidy() -> dict[str, int]:
    """One bounded round of everything that is due to go; how much went."""
    now = timezone.now()
    return {
        "bodies": _in_slices(_blank_bodies, now - timedelta(days=settings.BODY_DAYS)),
        "rows": _in_slices(_count_rows, now - timedelta(days=settings.ROW_DAYS)),
        "walks": _in_slices(_drop_checks, now - CHECKS),
        "links": links.unlink_forgotten(),
        "tallies": Tally.objects.filter(counted_at__lt=now - UNREAD).delete()[0],
        "sessions": Session.objects.filter(expire_date__lt=now).delete()[0],
        "accounts": _purge_accounts(now - timedelta(days=settings.UNINSTALL_DAYS)),
    }


def _in_slices(part: Callable[[datetime], int], before: datetime) -> int:
    """A part until nothing of it is left, or its time is up: more may come in an hour than one statement takes."""
    until, gone = time.monotonic() + settings.SLICE_SECONDS, 0
    while took := part(before):
        gone += took
        if took < SLICE or time.monotonic() >= until:
            break
    return gone


def _drop_checks(before: datetime) -> int:
    old = Walk.objects.filter(kind=Walk.Kind.POLL, ended_at__lt=before).values_list("pk", flat=True)
    return Walk.objects.filter(pk__in=list(old[:SLICE])).delete()[0]


def _blank_bodies(before: datetime) -> int:
    old = Delivery.objects.filter(received_at__lt=before, body__isnull=False).exclude(
        state=Delivery.State.WAITING
    )
    # No erasure finds the row after this, so what a vendor said of the person must go too: it may quote them.
    return Delivery.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:SLICE])).update(
        body=None, record_id="", reason="", outputs=JSONObject(outcome=F("outcome"))
    )


def _count_rows(before: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(COUNT, [before, SLICE])
        return int(cursor.fetchone()[0])


def _purge_accounts(before: datetime) -> int:
    """Portion by portion in turn, so that a large account keeps none behind it waiting; a later round goes on."""
    gone = HubSpotAccount.objects.filter(
        state=HubSpotAccount.State.DISCONNECTED, disconnected_at__lt=before, purged_at=None
    )
    until, ended, turns = time.monotonic() + settings.SLICE_SECONDS, 0, deque(gone)
    while turns:
        account = turns.popleft()
        if _purge_some(account):
            ended += 1
        else:
            turns.append(account)
        if time.monotonic() >= until:
            break
    return ended


def purge(account: HubSpotAccount) -> None:
    """Everything of an account that is disconnected, but not the numbers of its portals, its tombstones and its
    receipts: who was erased stays erased when it is installed again."""
    while not _purge_some(account):
        pass


@transaction.atomic
def _purge_some(account: HubSpotAccount) -> bool:
    """A portion of the many rows, and with none of them left the rest; True when there is nothing more to do."""
    same = HubSpotAccount.objects.select_for_update().filter(
        pk=account.pk, state=HubSpotAccount.State.DISCONNECTED, generation=account.generation
    )
    if not same.exists():
        return True  # installed again meanwhile
    for model in MANY:
        rows = model._default_manager.filter(account=account).values_list("pk", flat=True)
        if some := list(rows[:SLICE]):
            model._default_manager.filter(pk__in=some).delete()
            return False
    # Without a grant nothing can be done in HubSpot any more, so what a step still owes there stays undone.
    ErasureStep.objects.filter(erasure__account=account).delete()
    for erasure in account.erasures.filter(done_at=None):
        finish(erasure)
    for model in FEW:
        model._default_manager.filter(account=account).delete()
    same.update(purged_at=timezone.now(), **NOTHING)
    return True
