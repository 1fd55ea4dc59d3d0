"""Is this request from who it says? Pure functions over bytes; no settings, no clock, no database.

HubSpot: https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation
LearnUpon: https://docs.learnupon.com/webhooks/v2/
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence

WINDOW_MS = 5 * 60 * 1000
# HubSpot's page decodes these and only these before signing v3; its own SDKs decode nothing. Both are accepted.
DECODED = {
    "%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$", "%27": "'", "%28": "(",
    "%29": ")", "%2A": "*", "%2C": ",", "%3B": ";",
}  # fmt: skip


def hubspot_ok(
    secrets: Sequence[str], method: str, uri: str, body: bytes, headers: Mapping[str, str], now_ms: int
) -> bool:
    """Whether one of the app's secrets signed this request: v3 when present, else v2, never v1.

    `uri` is the full address HubSpot was told to call, `headers` are looked up without regard to case."""
    if not may_be_hubspots(headers, now_ms):
        return False
    forms = {uri, decoded(uri)}
    if (v3 := headers.get("X-HubSpot-Signature-v3")) is not None:
        stamp = headers.get("X-HubSpot-Request-Timestamp") or ""
        return _one_of(v3, [hubspot_v3(s, method, form, body, stamp) for s in secrets for form in forms])
    v2 = headers.get("X-HubSpot-Signature") or ""
    return _one_of(v2, [hubspot_v2(s, method, form, body) for s in secrets for form in forms])


def may_be_hubspots(headers: Mapping[str, str], now_ms: int) -> bool:
    """Whether the headers leave it possible that HubSpot signed this. What they rule out need not be read."""
    if headers.get("X-HubSpot-Signature-v3") is not None:
        return _fresh(headers.get("X-HubSpot-Request-Timestamp") or "", now_ms)
    named = headers.get("X-HubSpot-Signature") is not None
    return named and headers.get("X-HubSpot-Signature-Version") == "v2"


def hubspot_v3(secret: str, method: str, uri: str, body: bytes, stamp: str) -> str:
    message = method.upper().encode() + uri.encode() + body + stamp.encode()
    return base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode()


def hubspot_v2(secret: str, method: str, uri: str, body: bytes) -> str:
    return hashlib.sha256(secret.encode() + method.upper().encode() + uri.encode() + body).hexdigest()


def learnupon_ok(secret: str, body: bytes, signature: str) -> bool:
    """Whether the portal's webhook secret signed this body (hex HMAC-SHA256, either case)."""
    if not secret:
        return False
    wanted = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return _one_of(signature.strip().lower(), [wanted])


def decoded(uri: str) -> str:
    """The address with HubSpot's list of sequences decoded, after the host only through its own characters."""
    for code, character in DECODED.items():
        uri = uri.replace(code, character).replace(code.lower(), character)
    return uri


def _fresh(stamp: str, now_ms: int) -> bool:
    """Digits only (ASCII: int() would take others), and within five minutes on either side."""
    return stamp.isascii() and stamp.isdigit() and len(stamp) <= 15 and abs(now_ms - int(stamp)) <= WINDOW_MS


def _one_of(given: str, wanted: Sequence[str]) -> bool:
    """Compares with every candidate in constant time; bytes, because a non-ASCII string would raise."""
    matches = [
        hmac.compare_digest(given.encode("utf-8", "replace"), candidate.encode()) for candidate in wanted
    ]
    return any(matches)
