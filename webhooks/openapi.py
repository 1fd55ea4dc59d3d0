"""How our two ways of signing show in the OpenAPI document."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension

Scheme = dict[str, str]


class HubSpotScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "webhooks.authentication.HubSpotSignature"
    name = "HubSpotSignature"

    def get_security_definition(self, auto_schema: object) -> Scheme:
        text = "HMAC-SHA256 over method, address, body and timestamp; HubSpot's older header is accepted too."
        return {"type": "apiKey", "in": "header", "name": "X-HubSpot-Signature-v3", "description": text}


class LearnUponScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "webhooks.authentication.LearnUponSignature"
    name = "LearnUponSignature"

    def get_security_definition(self, auto_schema: object) -> Scheme:
        text = "Hex HMAC-SHA256 over the body with the portal's webhook secret."
        return {"type": "apiKey", "in": "header", "name": "X-Webhook-Signature", "description": text}
