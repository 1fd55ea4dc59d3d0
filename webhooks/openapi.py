"""What the OpenAPI document says about the webhook addresses: how they are signed, asked and answered."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    PolymorphicProxySerializer,
    extend_schema,
)

from hubsync.flows import ACTIONS, CARDS
from webhooks import answers, serializers
from webhooks.options import FIELDS

Scheme = dict[str, str]
JSON, HTML = "application/json", "text/html"


class HubSpotScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "webhooks.authentication.HubSpotSignature"
    name = "HubSpotSignature"

    def get_security_definition(self, auto_schema: object) -> Scheme:
        text = (
            "Base64 HMAC-SHA256 over method, address, body and X-HubSpot-Request-Timestamp, with the app's secret; "
            "HubSpot's older header (v2) is accepted too."
        )
        return {"type": "apiKey", "in": "header", "name": "X-HubSpot-Signature-v3", "description": text}


class CardScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "webhooks.authentication.CardSignature"
    name = "CardSignature"

    def get_security_definition(self, auto_schema: object) -> Scheme:
        text = "As HubSpotSignature, but never the older header: what a card asks must hold a time."
        return {"type": "apiKey", "in": "header", "name": "X-HubSpot-Signature-v3", "description": text}


class LearnUponScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "webhooks.authentication.LearnUponSignature"
    name = "LearnUponSignature"

    def get_security_definition(self, auto_schema: object) -> Scheme:
        text = "Hex HMAC-SHA256 over the body with the portal's webhook secret."
        return {"type": "apiKey", "in": "header", "name": "X-Webhook-Signature", "description": text}


def _refused(status: int, text: str) -> dict[Any, OpenApiResponse]:
    return {(status, JSON): OpenApiResponse(answers.Problem, text)}


BAD = _refused(
    400, "The body or the address cannot be understood, for good: sending it again changes nothing."
)
UNSIGNED = _refused(401, "The signature is missing, wrong or too old. Nothing was read or written.")
UNKNOWN = _refused(404, "There is no such address, or this HubSpot account has not installed the app.")
NOWHERE = _refused(404, "The last part of the address is no UUID. One that is nobody's is answered 401.")
LARGE = _refused(413, "The body is larger than 1 MB.")
MANY = _refused(
    429, "Too many requests without a right signature came from this address; rightly signed ones pass."
)
LATER = _refused(503, "The database does not answer. Nothing was written: send it again.")
COMMON = {**BAD, **UNSIGNED, **LARGE, **LATER}


def _path(name: str, values: Any) -> OpenApiParameter:
    return OpenApiParameter(name, str, OpenApiParameter.PATH, enum=list(values))


def _cards(method: str) -> list[str]:
    return [name.split()[1] for name in CARDS if name.startswith(f"{method} ")]


def _one_of(name: str, *shapes: Any) -> PolymorphicProxySerializer:
    return PolymorphicProxySerializer(name, shapes, resource_type_field_name=None)


ACTION = extend_schema(
    operation_id="action",
    parameters=[_path("action", ACTIONS)],
    request={JSON: serializers.ActionRequest},
    responses={200: answers.ActionAnswer, **COMMON, **UNKNOWN},
)
OPTIONS = extend_schema(
    operation_id="options",
    parameters=[_path("field", FIELDS)],
    request={JSON: serializers.OptionsRequest},
    responses={200: answers.OptionsAnswer, **COMMON, **UNKNOWN},
)
CARD_SHOWN = extend_schema(
    operation_id="card_shown",
    parameters=[_path("card", _cards("GET")), serializers.CardQuery],
    responses={
        200: _one_of("CardAnswer", answers.CardShown, answers.SettingsShown, answers.CardSaid),
        **COMMON,
        **UNKNOWN,
    },
)
CARD_PRESSED = extend_schema(
    operation_id="card_pressed",
    parameters=[_path("card", _cards("POST")), serializers.CardQuery],
    request={JSON: serializers.CardBody},
    responses={200: answers.CardSaid, **COMMON, **UNKNOWN},
)
HUBSPOT_EVENTS = extend_schema(
    operation_id="hubspot_events",
    request={JSON: serializers.HubSpotEvent(many=True)},
    responses={
        200: OpenApiResponse(None, "Recorded. What is malformed or a stranger's was left out."),
        **COMMON,
    },
)
LEARNUPON_EVENTS = extend_schema(
    operation_id="learnupon_events",
    parameters=[
        OpenApiParameter("webhook_id", OpenApiTypes.UUID, OpenApiParameter.PATH),
        OpenApiParameter(
            "X-Webhook-Type", str, OpenApiParameter.HEADER, description="What the events are about."
        ),
    ],
    request={JSON: serializers.LearnUponRequest},
    responses={200: OpenApiResponse(None, "Recorded."), **COMMON, **NOWHERE, **MANY},
)
