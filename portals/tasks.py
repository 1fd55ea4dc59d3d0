"""Keeping installations in order: tokens renewed before anybody needs them, accounts described, mappings watched."""

import time

from celery import shared_task
from django.conf import settings
from django.db.models.functions import Now

from portals import banners, drift, oauth, tokens
from portals.clients.errors import Refused, VendorError
from portals.models import HubSpotAccount


@shared_task(name="portals.tend")
def tend() -> None:
    connected = HubSpotAccount.objects.filter(state=HubSpotAccount.State.CONNECTED)
    due = connected.filter(token_expires_at__lte=Now() + tokens.REFRESH_AHEAD).order_by("token_expires_at")[
        :200
    ]
    for account in due:
        _renew(account)
    for account in connected.filter(ui_domain="")[:20]:
        oauth.describe(account)


def _renew(account: HubSpotAccount) -> None:
    """Renew ahead of expiry. HubSpot refusing the app itself is nothing an admin of the account can mend, so it is
    kept as words; anything else is tried again by the next tick and by the call that needs the token."""
    try:
        tokens.refresh(account, tokens.REFRESH_AHEAD)
    except Refused:
        problem = banners.APP_REFUSED
    except VendorError:
        return
    else:
        problem = ""
    if account.configuration_problem != problem:
        HubSpotAccount.objects.filter(pk=account.pk).update(configuration_problem=problem)


@shared_task(name="portals.watch_drift")
def watch_drift() -> None:
    """Once a day for each portal: does its mapping still fit both sides, and which sub-portals does it list?"""
    end = time.monotonic() + settings.SLICE_SECONDS
    for portal in drift.due():
        if time.monotonic() > end:
            return  # the rest is still due, and the next tick comes soon
        try:
            drift.watch(portal)
        except VendorError:
            drift.put_off(portal)
