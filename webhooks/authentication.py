"""Who calls: HubSpot by its signature over the address it was told to call, LearnUpon by the portal's secret."""

import secrets
import time
import uuid
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from portals import throttle
from portals.models import Portal
from webhooks import signatures
from webhooks.wire import raw_body

# What an unknown address is checked against, so that it takes as long as a known one.
NOBODYS_SECRET = secrets.token_hex(32)
UNSIGNED = "The request is not signed by HubSpot."


class HubSpotSignature(BaseAuthentication):
    """Refuses everything HubSpot did not sign, before the body is parsed.

    HubSpot's proxy signs with the same secret whatever a person's browser asks in a card's name (`hubspot.fetch`), path
    and body included, and appends who asks to the address. A body that says itself whose it is must not come that way:
    anybody with the app in their own account could write another's number into it."""

    def authenticate(self, request: Request) -> tuple[str, None]:
        _check_signature(request)
        if request._request.META.get("QUERY_STRING"):
            raise exceptions.ParseError("This address takes no query.")
        return ("hubspot", None)

    def authenticate_header(self, request: Request) -> str:
        return "HubSpot-Signature"


class CardSignature(HubSpotSignature):
    """Of what HubSpot's proxy sends, which is v3. The older signature holds no time, so that a press could be repeated
    for ever, and HubSpot's workflows put it on whole addresses that their authors write."""

    def authenticate(self, request: Request) -> tuple[str, None]:
        if request.headers.get("X-HubSpot-Signature-v3") is None:
            raise exceptions.AuthenticationFailed(UNSIGNED)
        _check_signature(request)
        return ("hubspot", None)


def _check_signature(request: Request) -> None:
    """A stranger's body is not even read where the headers say enough. How often one address fails is not counted: only
    the whole body tells who has failed, so nothing would be saved, and HubSpot must never be shut out for others."""
    inner = request._request
    uri = settings.PUBLIC_URL + inner.get_full_path()
    keys = settings.HUBSPOT_CLIENT_SECRETS
    now_ms = int(time.time() * 1000)
    if not signatures.may_be_hubspots(request.headers, now_ms):
        raise exceptions.AuthenticationFailed(UNSIGNED)
    if not signatures.hubspot_ok(keys, inner.method or "", uri, raw_body(inner), request.headers, now_ms):
        raise exceptions.AuthenticationFailed(UNSIGNED)


class LearnUponSignature(BaseAuthentication):
    """Finds the portal by the unguessable part of its address, then checks its secret. A wrong address and a wrong
    signature are answered alike, so that addresses cannot be found by trying."""

    def authenticate(self, request: Request) -> tuple[Portal, None]:
        inner = request._request
        body = raw_body(inner)
        portal = self._portal(inner.resolver_match.kwargs if inner.resolver_match else {})
        signature = request.headers.get("X-Webhook-Signature", "")
        secret = portal.webhook_secret if portal else ""
        signed = signatures.learnupon_ok(secret or NOBODYS_SECRET, body, signature)
        if portal is None or not secret or not signed:
            raise self._refusal(inner)
        return (portal, None)

    def _refusal(self, request: HttpRequest) -> exceptions.APIException:
        """Only what is refused is counted: all portals' webhooks come from LearnUpon's few addresses, and one portal
        with a wrong secret must not shut out the others."""
        if wait := throttle.spend(throttle.UNSIGNED, request):
            return exceptions.Throttled(wait)
        return exceptions.AuthenticationFailed("The request is not signed by this portal's webhook secret.")

    def _portal(self, kwargs: dict[str, Any]) -> Portal | None:
        webhook_id = kwargs.get("webhook_id")
        if not isinstance(webhook_id, uuid.UUID):
            return None
        return Portal.objects.live().select_related("account").filter(webhook_id=webhook_id).first()

    def authenticate_header(self, request: Request) -> str:
        return "LearnUpon-Signature"
