"""Signed requests as bytes on the wire: a workflow's action calls and arrays of webhook events."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from stack.environment import CLIENT_SECRET

ACTION = "/webhooks/hubspot/actions/user-add"
EVENTS = "/webhooks/hubspot/events"
NOBODY = 90_000_000  # contacts from here on are in no world
EVENTS_MOST = 100  # HubSpot's most in one request


def actions(home: str, hub_id: int, portal: str, *, first: int) -> Iterator[bytes]:
    """Without end, each about another contact that nobody has, each signed when it is taken."""
    for number in count(first):
        yield signed(home, ACTION, _json(_action(hub_id, portal, number)))


def _action(hub_id: int, portal: str, number: int) -> Any:
    """https://developers.hubspot.com/docs/api-reference/latest/automation/workflow-actions/custom-action-reference"""
    return {
        "callbackId": f"ap-{hub_id}-{number}-7-1",
        "origin": {"portalId": hub_id, "actionDefinitionId": 1, "actionDefinitionVersion": 1},
        "context": {"source": "WORKFLOWS", "workflowId": 4711},
        "object": {
            "objectId": NOBODY + number,
            "objectType": "CONTACT",
            "properties": {"email": f"bench{number}@bench.example", "firstname": "Ada", "lastname": "Bench"},
        },
        "inputFields": {"portal": portal},
        "fields": {"portal": portal},
    }


def events(home: str, hub_id: int, *, first: int) -> Iterator[bytes]:
    """Without end, arrays of changes of contacts' properties, no event twice."""
    for start in count(first, EVENTS_MOST):
        some = [_event(hub_id, number) for number in range(start, start + EVENTS_MOST)]
        yield signed(home, EVENTS, _json(some))


def _event(hub_id: int, number: int) -> Any:
    """https://developers.hubspot.com/docs/api-reference/latest/webhooks/guide"""
    return {
        "eventId": number,
        "subscriptionId": 4711,
        "portalId": hub_id,
        "appId": 12345,
        "occurredAt": int(time.time() * 1000),
        "subscriptionType": "contact.propertyChange",
        "attemptNumber": 0,
        "objectId": NOBODY + number,
        "propertyName": "lastname",
        "propertyValue": f"Bench {number}",
        "changeSource": "CRM_UI",
        "sourceId": "userId:1",
    }


def _json(content: Any) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


def signed(home: str, path: str, body: bytes) -> bytes:
    """https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation"""
    stamp = str(int(time.time() * 1000))
    message = f"POST{home}{path}".encode() + body + stamp.encode()
    signature = base64.b64encode(hmac.new(CLIENT_SECRET.encode(), message, hashlib.sha256).digest()).decode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {urlsplit(home).netloc}\r\nContent-Type: application/json\r\n"
        f"User-Agent: HubSpot Connect 2.0\r\nX-HubSpot-Signature-v3: {signature}\r\n"
        f"X-HubSpot-Request-Timestamp: {stamp}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
