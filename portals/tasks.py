"""Renewing tokens before anybody needs them."""

from celery import shared_task
from django.db.models.functions import Now

from portals import tokens
from portals.clients.errors import VendorError
from portals.models import HubSpotAccount


@shared_task(name="portals.refresh_tokens")
def refresh_tokens() -> None:
    due = HubSpotAccount.objects.filter(
        state=HubSpotAccount.State.CONNECTED, token_expires_at__lte=Now() + tokens.REFRESH_AHEAD
    ).order_by("token_expires_at")[:200]
    for account in due:
        try:
            tokens.refresh(account, tokens.REFRESH_AHEAD)
        except VendorError:
            continue  # the next tick tries again, and a call that needs the token says so itself
