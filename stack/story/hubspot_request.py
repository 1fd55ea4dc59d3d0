"""A workflow's request as HubSpot sends it: what the sandbox does not send by itself, copies and false signatures."""

import base64
import hashlib
import hmac
import json
import time

import requests

from stack.environment import CLIENT_SECRET
from stack.story.scene import Scene
from stack.story.worlds import Row

ACTIONS = "/webhooks/hubspot/actions/"


def body(run: Row, person: Row) -> bytes:
    """https://developers.hubspot.com/docs/api-reference/latest/automation/workflow-actions/custom-action-reference"""
    properties = {name: person["properties"].get(name) for name in ("email", "firstname", "lastname")}
    request = {
        "callbackId": run["callback_id"],
        "origin": {"portalId": run["account"], "actionDefinitionId": 1, "actionDefinitionVersion": 1},
        "context": {"source": "WORKFLOWS", "workflowId": run["workflow_id"]},
        "object": {"objectId": int(person["id"]), "objectType": "CONTACT", "properties": properties},
        "fields": run["inputs"],
        "inputFields": run["inputs"],
    }
    return json.dumps(request).encode()


def send(scene: Scene, action: str, body: bytes, headers: dict[str, str] | None = None) -> requests.Response:
    """Signed, unless other headers are given."""
    chosen = signature(scene, action, body) if headers is None else headers
    with requests.Session() as session:
        session.trust_env = False  # No proxy for addresses on this machine.
        address = scene.app.addresses.web + ACTIONS + action
        return session.post(
            address, data=body, headers=chosen | {"Content-Type": "application/json"}, timeout=30
        )


def signature(scene: Scene, action: str, body: bytes, seconds_ago: float = 0) -> dict[str, str]:
    """https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation"""
    stamp = str(int((time.time() - seconds_ago) * 1000))
    signed = f"POST{scene.app.addresses.web}{ACTIONS}{action}".encode() + body + stamp.encode()
    digest = hmac.new(CLIENT_SECRET.encode(), signed, hashlib.sha256).digest()
    return {
        "X-HubSpot-Signature-v3": base64.b64encode(digest).decode(),
        "X-HubSpot-Request-Timestamp": stamp,
    }
