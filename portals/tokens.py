"""HubSpot access tokens: refreshed ahead of expiry by one worker at a time, stored as HubSpot returns them.

https://developers.hubspot.com/docs/api-reference/latest/authentication/manage-oauth-tokens
"""

import logging
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from portals import counters
from portals.clients import http, versions
from portals.clients.errors import Disconnected, Refused, TryAgain, VendorError
from portals.clients.http import Answer
from portals.models import HubSpotAccount

logger = logging.getLogger(__name__)
REFRESH_AHEAD = timedelta(minutes=10)  # the sweep renews this early, so that no call finds a dead token
MAX_TOKEN_SECONDS = 86_400
REFRESH_NOW = timedelta(minutes=1)  # a call renews by itself only when the sweep has failed for minutes
# HubSpot's `status` values that mean the grant is gone for good; anything else is ours or passing.
REVOKED = {"BAD_REFRESH_TOKEN", "BAD_HUB", "BAD_AUTH_CODE"}


class RevokedGrant(Refused):
    """The account withdrew the app's access."""


def post_form(path: str, form: dict[str, str]) -> dict[str, Any]:
    """One call to HubSpot's token endpoints; values travel in the body, never in the address."""
    body = "&".join(f"{name}={_quoted(value)}" for name, value in form.items()).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    answer = http.send("POST", settings.HUBSPOT_API_URL + path, headers=headers, body=body)
    if not answer.ok:
        raise _token_error(answer)
    parsed = answer.json()
    if not isinstance(parsed, dict):
        raise TryAgain("HubSpot's token answer had an unexpected shape.")
    return parsed


def _quoted(value: str) -> str:
    return quote(value, safe="")


def _token_error(answer: Answer) -> VendorError:
    error = answer.error()
    status = str(error.get("status", ""))
    if answer.status == 429 or answer.status >= 500:
        after = answer.number("Retry-After")
        wait = 5.0 if after is None else float(min(after, 3600))
        failed = answer.status != 429
        return TryAgain("HubSpot's sign-in service is busy.", after=wait, vendor_failed=failed)
    if status in REVOKED or (not status and error.get("error") == "invalid_grant"):
        return RevokedGrant(
            "HubSpot says this access was withdrawn or has expired.", code=status or "invalid_grant"
        )
    return Refused("HubSpot does not accept this app's credentials.", code=status or f"HTTP_{answer.status}")


def app_credentials() -> dict[str, str]:
    return {"client_id": settings.HUBSPOT_CLIENT_ID, "client_secret": settings.HUBSPOT_CLIENT_SECRETS[0]}


def introspect(token: str) -> dict[str, Any]:
    """Whose token this is: `hub_id`, `user`, `hub_domain`, `scopes`.

    ASSUMPTION(introspect-field): HubSpot's specification calls the field `token`, its guide `access_token`; the
    first is sent, the second only where the first is refused."""
    form = app_credentials() | {"token_type_hint": "access_token"}
    try:
        return post_form(versions.INTROSPECT, form | {"token": token})
    except Refused:
        return post_form(versions.INTROSPECT, form | {"access_token": token})


def access_token(account: HubSpotAccount) -> str:
    """A token that lives long enough for a call. Raises Disconnected when the grant is dead."""
    if not account.connected:
        raise Disconnected("This HubSpot account is disconnected.")
    if account.token_expires_at and account.token_expires_at - timezone.now() > REFRESH_NOW:
        return str(account.access_token)
    return refresh(account, REFRESH_NOW)


def refresh(account: HubSpotAccount, ahead: timedelta) -> str:
    """Renew the token unless somebody else just did: the row lock makes a hundred callers one refresh.

    The lock is the kind that does not stop deliveries from being recorded for the account meanwhile."""
    with transaction.atomic():
        fresh = HubSpotAccount.objects.select_for_update(no_key=True).get(pk=account.pk)
        if not fresh.connected:
            raise Disconnected("This HubSpot account is disconnected.")
        if not fresh.token_expires_at or fresh.token_expires_at - timezone.now() <= ahead:
            try:
                _renew(fresh)
            except RevokedGrant as refusal:
                revoked: RevokedGrant | None = refusal
            else:
                revoked = None
        else:
            revoked = None
        if revoked:
            mark_disconnected(fresh, revoked.code)
    if revoked:
        raise Disconnected("HubSpot says this access was withdrawn or has expired.")
    _copy(fresh, account)
    return str(fresh.access_token)


def _renew(account: HubSpotAccount) -> None:
    form = {"grant_type": "refresh_token", **app_credentials(), "refresh_token": account.refresh_token}
    try:
        store(account, post_form(versions.TOKEN, form))
    except VendorError as error:
        counters.count("hubsync_token_refreshes", "revoked" if isinstance(error, RevokedGrant) else "failed")
        raise
    counters.count("hubsync_token_refreshes", "renewed")
    account.configuration_problem = ""  # HubSpot does accept the app
    account.save(
        update_fields=[
            "access_token", "refresh_token", "token_expires_at", "scopes", "configuration_problem"
        ]
    )  # fmt: skip


def store(account: HubSpotAccount, answer: dict[str, Any]) -> None:
    """Take over a token answer as it came; the refresh token may have changed."""
    token, seconds = answer.get("access_token"), answer.get("expires_in", 1800)
    if not isinstance(token, str) or not token or not isinstance(seconds, int):
        raise TryAgain("HubSpot's token answer had an unexpected shape.")
    account.access_token = token
    account.refresh_token = str(answer.get("refresh_token") or account.refresh_token)
    account.token_expires_at = timezone.now() + timedelta(seconds=min(max(seconds, 0), MAX_TOKEN_SECONDS))
    if isinstance(answer.get("scopes"), list):
        account.scopes = sorted(str(scope) for scope in answer["scopes"])


def _copy(source: HubSpotAccount, target: HubSpotAccount) -> None:
    for name in ("access_token", "refresh_token", "token_expires_at", "scopes", "generation", "state"):
        setattr(target, name, getattr(source, name))


def expire(account: HubSpotAccount) -> None:
    """HubSpot refused a token that should have lived: the next call renews it, and learns whether the grant did die.
    A token that somebody renewed meanwhile is left alone, so that many refusals cause one refresh."""
    HubSpotAccount.objects.filter(
        pk=account.pk, generation=account.generation, token_expires_at=account.token_expires_at
    ).update(token_expires_at=timezone.now())
    account.token_expires_at = timezone.now()


def mark_disconnected(account: HubSpotAccount, reason: str) -> bool:
    """Stop every call of this installation at once. Links and mappings stay; a later installation is not touched."""
    changed = HubSpotAccount.objects.filter(
        pk=account.pk, generation=account.generation, state=HubSpotAccount.State.CONNECTED
    ).update(
        state=HubSpotAccount.State.DISCONNECTED,
        disconnected_reason=reason[:32],
        disconnected_at=timezone.now(),
        access_token="",
        refresh_token="",
        token_expires_at=None,
    )
    if changed:
        account.state = HubSpotAccount.State.DISCONNECTED
        logger.warning("account disconnected", extra={"account": account.hub_id, "reason": reason})
    return bool(changed)
