"""Keeping installations in order: tokens renewed before anybody needs them, accounts described, mappings watched."""

import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TypeVar

from celery import shared_task
from django.conf import settings
from django.db.models.functions import Now

from portals import banners, drift, oauth, schema, tokens
from portals.clients import breaker
from portals.clients.breaker import Vendor
from portals.clients.errors import Refused, TryAgain, VendorError
from portals.models import HubSpotAccount, Portal

logger = logging.getLogger(__name__)
Row = TypeVar("Row")
UNCERTAIN = 3  # accounts asked about their app object at a tick


@shared_task(name="portals.tend")
def tend() -> None:
    until = time.monotonic() + settings.SLICE_SECONDS
    connected = HubSpotAccount.objects.filter(state=HubSpotAccount.State.CONNECTED)
    due = connected.filter(token_expires_at__lte=Now() + tokens.REFRESH_AHEAD).order_by("token_expires_at")
    with suppress(TryAgain):
        _in_turn(due[:200], _renew, until)
    _in_turn(connected.filter(ui_domain="")[:20], oauth.describe, until)


def _in_turn(rows: Iterable[Row], work: Callable[[Row], object], until: float) -> None:
    """Until the slice is over, but one at least. The rest is due still, and the next tick comes soon."""
    for row in rows:
        work(row)
        if time.monotonic() > until:
            return


def _renew(account: HubSpotAccount) -> None:
    """Renew ahead of expiry, under the account's breaker as every other call to HubSpot. Raises TryAgain when HubSpot
    failed: its sign-in is one for all accounts. HubSpot refusing the app itself is nothing an admin of the account can
    mend, so it is kept as words; anything else is tried again by the next tick and by the call that needs the token."""
    try:
        with breaker.guard(Vendor.HUBSPOT, account.hub_id):
            tokens.refresh(account, tokens.REFRESH_AHEAD)
    except Refused:
        told = HubSpotAccount.objects.filter(pk=account.pk, generation=account.generation)
        told.exclude(configuration_problem=banners.APP_REFUSED).update(
            configuration_problem=banners.APP_REFUSED
        )
    except VendorError as error:
        if isinstance(error, TryAgain) and error.vendor_failed:
            raise


@shared_task(name="portals.watch_drift")
def watch_drift() -> None:
    """Once a day for each portal: does its mapping still fit both sides, and which sub-portals does it list? And at
    every tick, for accounts whose app object had something the matter: has it still?"""
    until = time.monotonic() + settings.SLICE_SECONDS
    _in_turn(schema.uncertain().order_by("?")[:UNCERTAIN], schema.look_up, until)
    _in_turn(drift.due(), _watch, until)


def _watch(portal: Portal) -> None:
    try:
        drift.watch(portal)
    except VendorError:
        drift.put_off(portal)
    except Exception:  # our own mistake with this one: the others come behind it at every tick
        logger.exception("drift not watched", extra={"portal": portal.pk})
        drift.put_off(portal)
