"""Claim, call, record: the tasks around learners and their progress."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from celery import shared_task
from django.conf import settings
from django.db.models.functions import Now

from learners import (
    carrying,
    invitations,
    links,
    notices,
    presence,
    provisioning,
    push,
    push_rows,
    walks,
    welcome,
)
from learners.models import Learner, Walk
from portals import connecting
from portals.clients import breaker
from portals.clients.breaker import Vendor
from portals.clients.errors import Disconnected, TryAgain, VendorError
from portals.clients.hubspot import BATCH
from portals.lanes import Lane
from portals.models import HubSpotAccount, Portal


@shared_task(name="learners.sweep")
def sweep() -> None:
    """Send a task for everything that is due; each finds out by its claim whether it still is."""
    invitations.lost()
    links.forget_unused()
    walks.start_polls()
    for task, subject, lane in _due():
        _send(task, subject, lane)


def _due() -> Iterator[tuple[Any, int, str]]:
    for account_id, lane in push_rows.lanes_due():
        yield push_task, account_id, lane
    running = Walk.objects.filter(state=Walk.State.RUNNING, due_at__lte=Now())
    for walk_id in running.values_list("pk", flat=True)[:200]:
        yield walk_task, walk_id, Lane.BULK
    reads = Learner.objects.filter(read_due_at__lte=Now(), state=Learner.State.ACTIVE)
    portals = [
        rows.values_list("portal_id", flat=True)
        for rows in (invitations.to_look_at(), reads, provisioning.begun())
    ]
    for portal_id in portals[0].union(*portals[1:]):
        yield look_task, portal_id, Lane.LIVE
    if Learner.objects.filter(welcome_due_at__lte=Now()).exists():
        yield welcome_task, 0, Lane.ACTIONS
    for portal_id in presence.due_portals():
        _send(presence_task, portal_id, Lane.LIVE)
    for portal_id in carrying.due_portals():
        yield refresh_task, portal_id, Lane.BULK


def _send(task: Any, subject: int, lane: str, after: float = 0.0) -> None:
    task.apply_async(args=[subject, lane], queue=lane, countdown=after, expires=after + 60)


@shared_task(name="learners.push")
def push_task(account_id: int, lane: str) -> None:
    account = HubSpotAccount.objects.get(pk=account_id)
    wait = push.push(account, lane)
    if wait is not None and wait <= settings.SLICE_SECONDS:  # what waits longer is found by the sweep
        _send(push_task, account_id, lane, after=wait)


@shared_task(name="learners.walk")
def walk_task(walk_id: int, lane: str) -> None:
    walk = walks.claim(walk_id)
    if walk and walks.run(walk):
        _send(walk_task, walk_id, lane)


def _working(portal_id: int, *needed: Vendor) -> Portal | None:
    """A connected portal whose work is not in vain: none of the vendors it needs is known not to answer."""
    portal = Portal.objects.working().select_related("account").filter(pk=portal_id).first()
    if portal is None:
        return None
    names = {Vendor.HUBSPOT: str(portal.account.hub_id), Vendor.LEARNUPON: portal.host}
    return None if any(breaker.rests(vendor, names[vendor]) for vendor in needed) else portal


@shared_task(name="learners.look")
def look_task(portal_id: int, lane: str) -> None:
    """Fetch what was just linked, then see which invitations were accepted."""
    portal = _working(portal_id, Vendor.LEARNUPON)
    if portal is None:
        return
    with suppress(TryAgain):  # still due; the sweep comes again
        wrong = _look(portal)
        if wrong != portal.state_reason:
            Portal.objects.filter(pk=portal.pk, state=Portal.State.CONNECTED).update(state_reason=wrong)


def _look(portal: Portal) -> str:
    """What is wrong with a portal that works otherwise, in words."""
    try:
        invitations.look(portal)
        provisioning.take_up(portal)
        walks.read_learners(portal)
    except TryAgain:
        raise
    except Disconnected as error:
        connecting.mark_disconnected(portal, error.message)
    except VendorError as error:
        return error.message[:300]
    return ""


@shared_task(name="learners.refresh")
def refresh_task(portal_id: int, lane: str) -> None:
    """Compare one batch of linked records with what LearnUpon has; more are due as long as the sweep finds some."""
    portal = _working(portal_id, Vendor.HUBSPOT, Vendor.LEARNUPON)
    if portal is None:
        return
    try:
        carrying.refresh(portal)
    except Disconnected as error:
        if "LearnUpon" in error.message:
            connecting.mark_disconnected(portal, error.message)
    except VendorError:
        return  # still due; the sweep comes again


@shared_task(name="learners.presence")
def presence_task(portal_id: int, lane: str) -> None:
    """Look whether HubSpot still has one batch of linked records."""
    portal = _working(portal_id, Vendor.HUBSPOT)
    if portal is None:
        return
    try:
        if presence.look(portal) == BATCH:
            _send(presence_task, portal_id, lane)
    except VendorError:
        return  # still due; the sweep comes again


@shared_task(name="learners.welcome")
def welcome_task(account_id: int, lane: str) -> None:
    """Whoever is waked sends all that is due, whichever account caused it."""
    welcome.lost()
    welcome.send_due()


@shared_task(name="learners.notices")
def notices_task() -> None:
    """Tell admins by mail what needs a person."""
    notices.tell()
