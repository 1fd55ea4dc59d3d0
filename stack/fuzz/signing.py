"""Signs a request as HubSpot or LearnUpon would, or wrongly; the last thing that happens before it is sent.

https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation
https://docs.learnupon.com/webhooks/v2/
"""

import base64
import hashlib
import hmac
import time

from requests import PreparedRequest
from urllib3.util import parse_url

from stack.fuzz.target import Target

RIGHT = ("v3", "v2")
WRONG = ("none", "another secret", "stale", "rubbish")
RUBBISH = ("", "\xff", "x" * 5000, "=", "null", "0" * 64)
CARRIERS = ("X-HubSpot-Signature-v3", "X-HubSpot-Signature", "X-HubSpot-Signature-Version", "X-Webhook-Signature",
            "X-HubSpot-Request-Timestamp")  # fmt: skip
HUBSPOT, LEARNUPON = "/webhooks/hubspot/", "/webhooks/learnupon/"


def sign(target: Target, request: PreparedRequest, way: str) -> None:
    url = parse_url(request.url or "").url  # as urllib3 will send it
    request.url = url
    for name in CARRIERS:  # the document names them, so values may have been made up for them
        request.headers.pop(name, None)
    body = request.body if isinstance(request.body, bytes) else b""
    if HUBSPOT in url:
        request.headers.update(_hubspot(target, request.method or "", url.partition("#")[0], body, way))
    elif LEARNUPON in url:
        request.headers.update(_learnupon(target, url, body, way))


def _hubspot(target: Target, method: str, url: str, body: bytes, way: str) -> dict[str, str]:
    secret = "another" if way == "another secret" else target.client_secret
    if way == "v2" and "/cards/" not in url:  # what comes from cards must hold a time
        digest = hashlib.sha256(f"{secret}{method}{url}".encode() + body).hexdigest()
        return {"X-HubSpot-Signature": digest, "X-HubSpot-Signature-Version": "v2"}
    stamp = str(int(time.time() * 1000) - (301_000 if way == "stale" else 0))
    signed = f"{method}{url}".encode() + body + stamp.encode()
    signature = base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()
    if way == "rubbish":
        signature = RUBBISH[len(body) % len(RUBBISH)]
    if way == "none":
        return {}
    return {"X-HubSpot-Signature-v3": signature, "X-HubSpot-Request-Timestamp": stamp}


def _learnupon(target: Target, url: str, body: bytes, way: str) -> dict[str, str]:
    webhook_id = url.partition(LEARNUPON)[2].partition("?")[0]
    known = target.webhook_secrets.get(webhook_id, "unknown")
    secret = "another" if way in ("another secret", "stale") else known
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    if way == "rubbish":
        signature = RUBBISH[len(body) % len(RUBBISH)]
    return {} if way == "none" else {"X-Webhook-Signature": signature}
