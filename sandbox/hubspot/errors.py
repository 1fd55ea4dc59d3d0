"""How HubSpot says no.

https://developers.hubspot.com/docs/api-reference/error-handling (every field of a body is optional)
"""

import json
import uuid
from dataclasses import dataclass
from typing import Any

SCOPES_PAGE = "https://developers.hubspot.com/scopes"
AUTH_PAGE = "https://developers.hubspot.com/docs/methods/auth/oauth-overview"
NOT_FOUND_ID = "Object not found.  objectId are usually numeric."


class HubSpotError(Exception):
    """Ends a call with a status and a body."""

    def __init__(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        super().__init__(str(body.get("message")))
        self.status = status
        self.body = body
        self.headers = headers or {}


@dataclass(frozen=True, slots=True)
class ValueProblem:
    """One property value that HubSpot does not take."""

    name: str
    code: str
    message: str

    def detail(self) -> dict[str, Any]:
        return {"message": self.message, "code": self.code, "context": {"propertyName": [self.name]}}

    def result(self) -> dict[str, Any]:
        return {"isValid": False, "message": self.message, "error": self.code, "name": self.name}


def correlation() -> str:
    return str(uuid.uuid4())


def error(status: int, category: str, message: str, **more: Any) -> HubSpotError:
    body = {"status": "error", "message": message, "correlationId": correlation(), **more}
    return HubSpotError(status, {**body, "category": category})


def invalid(message: str, **more: Any) -> HubSpotError:
    return error(400, "VALIDATION_ERROR", message, **more)


def not_found(message: str = "resource not found") -> HubSpotError:
    return error(404, "OBJECT_NOT_FOUND", message)


def values_message(problems: list[ValueProblem]) -> str:
    return f"Property values were not valid: {json.dumps([problem.result() for problem in problems])}"


def values_invalid(problems: list[ValueProblem]) -> HubSpotError:
    return invalid(values_message(problems), errors=[problem.detail() for problem in problems])


def missing_scopes(scopes: list[str]) -> HubSpotError:
    detail = {
        "message": "One or more of the following scopes are required.",
        "context": {"requiredGranularScopes": scopes},
    }
    return error(
        403,
        "MISSING_SCOPES",
        "This app hasn't been granted all required scopes to make this call. "
        f"Read more about required scopes here: {SCOPES_PAGE}.",
        errors=[detail],
        links={"scopes": SCOPES_PAGE},
    )


def no_credentials() -> HubSpotError:
    return error(
        401,
        "INVALID_AUTHENTICATION",
        "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find "
        f"more details at {AUTH_PAGE}",
    )


def expired(minutes: int, at: str) -> HubSpotError:
    return error(
        401,
        "EXPIRED_AUTHENTICATION",
        f"The OAuth token used to make this call expired {minutes} minute(s) ago.",
        context={"expire time": [at]},
    )


def rate_limited(policy: str) -> HubSpotError:
    """No Retry-After is documented on API 429s; clients tell the limits apart by `policyName`."""
    period = {"TEN_SECONDLY_ROLLING": "ten_secondly_rolling", "SECONDLY": "secondly", "DAILY": "daily"}[
        policy
    ]
    body = {
        "status": "error",
        "message": f"You have reached your {period} limit.",
        "errorType": "RATE_LIMIT",
        "correlationId": correlation(),
        "policyName": policy,
        "requestId": correlation(),
    }
    return HubSpotError(429, body)


_WORDS = {401: "INVALID_AUTHENTICATION", 403: "MISSING_SCOPES", 404: "OBJECT_NOT_FOUND", 423: "LOCKED"}


def body_for(status: int) -> bytes:
    """The body a fault of this status carries."""
    if status == 429:
        return json.dumps(rate_limited("TEN_SECONDLY_ROLLING").body).encode()
    if status >= 500:
        return b'{"status":"error","message":"internal error","correlationId":"%s"}' % correlation().encode()
    category = _WORDS.get(status, "VALIDATION_ERROR")
    return json.dumps(
        error(status, category, f"{category.replace('_', ' ').lower()} (a fault)").body
    ).encode()
