"""HubSpot signs for several senders with one secret: what one of them can have signed must not pass for another's."""

import time
from typing import Any

import orjson
import pytest
from django.conf import settings as project
from django.test import Client

from portals.models import HubSpotAccount, Portal
from tests.security.test_bodies import CALL, EVENT
from webhooks import nudger, signatures
from webhooks.models import Delivery

# What HubSpot's proxy appends for a person of globex, whatever address and body their browser asked for.
GLOBEX = "userId=9&portalId=1002&userEmail=mallory%40globex.example&appId=12345"
FOR_ACME = {
    "/webhooks/hubspot/events": [EVENT | {"portalId": 1001, "subscriptionType": "contact.privacyDeletion"}],
    "/webhooks/hubspot/actions/user-add": CALL | {"origin": {"portalId": 1001}},
    "/webhooks/hubspot/options/portal": {"origin": {"portalId": 1001}},
}


@pytest.fixture(autouse=True)
def nobody_is_waked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker is not part of these tests."""
    monkeypatch.setattr(nudger, "wake", lambda *arguments: None)


def send(method: str, path: str, body: bytes, version: str) -> Any:
    key, uri, stamp = (
        project.HUBSPOT_CLIENT_SECRETS[0],
        project.PUBLIC_URL + path,
        str(int(time.time() * 1000)),
    )
    signed = {
        "X-HubSpot-Signature-v3": signatures.hubspot_v3(key, method, uri, body, stamp),
        "X-HubSpot-Request-Timestamp": stamp,
    }
    if version == "v2":
        digest = signatures.hubspot_v2(key, method, uri, body)
        signed = {"X-HubSpot-Signature": digest, "X-HubSpot-Signature-Version": "v2"}
    return Client().generic(method, path, body, "application/json", headers=signed)


@pytest.mark.parametrize("version", ["v3", "v2"])
@pytest.mark.parametrize("path", FOR_ACME)
def test_a_person_s_browser_speaks_for_no_other_account(
    acme_portal: Portal, globex: HubSpotAccount, path: str, version: str
) -> None:
    """`hubspot.fetch` of our own address, with a body that names another account."""
    body = orjson.dumps(FOR_ACME[path])
    assert send("POST", f"{path}?{GLOBEX}", body, version).status_code == 400
    assert not Delivery.objects.exists()
    assert send("POST", path, body, version).status_code == 200  # as HubSpot itself sends it


def test_a_workflow_s_webhook_is_no_card(acme_portal: Portal) -> None:
    """Authors of workflows write addresses that HubSpot then signs in the older way."""
    path = "/webhooks/hubspot/cards/enrollments?portalId=1001&contactId=501"
    assert send("GET", path, b"", "v2").status_code == 401
    assert send("GET", path, b"", "v3").status_code == 200
