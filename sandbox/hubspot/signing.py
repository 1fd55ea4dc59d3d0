"""Request signatures as HubSpot makes them.

https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation
"""

import base64
import hashlib
import hmac


def v1(secret: str, body: bytes) -> dict[str, str]:
    """CRM webhooks carry v1 beside v3."""
    digest = hashlib.sha256(secret.encode() + body).hexdigest()
    return {"X-HubSpot-Signature": digest, "X-HubSpot-Signature-Version": "v1"}


def v2(secret: str, method: str, url: str, body: bytes) -> dict[str, str]:
    digest = hashlib.sha256(f"{secret}{method}{url}".encode() + body).hexdigest()
    return {"X-HubSpot-Signature": digest, "X-HubSpot-Signature-Version": "v2"}


# Decoded in the URI before v3 is computed; v2 takes the URI as it is sent.
_DECODED = {
    "%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$", "%27": "'", "%28": "(",
    "%29": ")", "%2A": "*", "%2C": ",", "%3B": ";",
}  # fmt: skip


def v3(secret: str, method: str, url: str, body: bytes, timestamp_ms: int) -> dict[str, str]:
    for sequence, character in _DECODED.items():
        url = url.replace(sequence, character)
    message = f"{method}{url}".encode() + body + str(timestamp_ms).encode()
    digest = hmac.new(secret.encode(), message, hashlib.sha256).digest()
    return {
        "X-HubSpot-Signature-v3": base64.b64encode(digest).decode(),
        "X-HubSpot-Request-Timestamp": str(timestamp_ms),
    }
