"""Keeping installations in order: tokens renewed before anybody needs them, accounts described."""

from celery import shared_task
from django.db.models.functions import Now

from portals import oauth, tokens
from portals.clients.errors import VendorError
from portals.models import HubSpotAccount


@shared_task(name="portals.tend")
def tend() -> None:
    connected = HubSpotAccount.objects.filter(state=HubSpotAccount.State.CONNECTED)
    due = connected.filter(token_expires_at__lte=Now() + tokens.REFRESH_AHEAD).order_by("token_expires_at")[
        :200
    ]
    for account in due:
        try:
            tokens.refresh(account, tokens.REFRESH_AHEAD)
        except VendorError:
            continue  # the next tick tries again, and a call that needs the token says so itself
    for account in connected.filter(ui_domain="")[:20]:
        oauth.describe(account)
