"""What is fuzzed: a running Hubsync, the accounts and portals it knows, and its document aimed at them."""

import copy
import json
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
STRANGER = 4242  # a HubSpot account that has not installed the app
CONTACTS = ["1", "501", "9223372036854775807", "0"]
WEBHOOK_TYPES = ["course_completion", "enrollment_created", "enrollment_updated", "no_such_type"]


@dataclass(frozen=True)
class Target:
    url: str
    document: Json
    client_secret: str
    accounts: tuple[int, ...]
    webhook_secrets: dict[str, str]  # the unguessable part of a portal's address -> the portal's secret
    portals: tuple[str, ...]  # subdomains

    def aimed(self) -> Json:
        """The document with the numbers and names that exist here in place of "any number", "any name": otherwise
        hardly a request would come past the question whose it is."""
        document = copy.deepcopy(self.document)
        shapes = document["components"]["schemas"]
        accounts = {"type": "integer", "enum": [*self.accounts, STRANGER]}
        for shape in shapes.values():
            if "portalId" in shape.get("properties", {}):
                shape["properties"]["portalId"] = accounts
        inputs = {
            "portal": {"enum": [*self.portals, "", "elsewhere"]},
            "group": {},
            "course": {},
            "access": {},
        }
        shapes["ActionRequest"]["properties"]["inputFields"]["properties"] = inputs
        for parameter in _parameters(document):
            if parameter["name"] == "portalId":
                parameter["schema"] = accounts
            elif parameter["name"] == "webhook_id":
                parameter["schema"] = {"type": "string", "enum": list(self.webhook_secrets)}
            elif parameter["name"] == "X-Webhook-Type":
                parameter["schema"] = {"type": "string", "enum": WEBHOOK_TYPES}
            elif parameter["name"] == "contactId":
                parameter["schema"] = {"type": "string", "enum": CONTACTS}
        made: Json = json.loads(json.dumps(document))
        return made


def _parameters(document: Json) -> list[Json]:
    return [
        parameter
        for operations in document["paths"].values()
        for operation in operations.values()
        for parameter in operation.get("parameters", [])
    ]
