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


def v3(secret: str, method: str, url: str, body: bytes, timestamp_ms: int) -> dict[str, str]:
    message = f"{method}{url}".encode() + body + str(timestamp_ms).encode()
    digest = hmac.new(secret.encode(), message, hashlib.sha256).digest()
    return {
        "X-HubSpot-Signature-v3": base64.b64encode(digest).decode(),
        "X-HubSpot-Request-Timestamp": str(timestamp_ms),
    }
