"""What the card and the settings page inside HubSpot ask for.

HubSpot's proxy signs their requests and appends whose they are to the address (`portalId`, `userId`, `userEmail`,
`appId`); only that counts, because everything else was written by code that runs in somebody's browser.
https://developers.hubspot.com/docs/apps/developer-platform/add-features/ui-extensions/fetching-data
"""

from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from rest_framework import exceptions

from hubsync import flows
from portals.models import HubSpotAccount
from webhooks.serializers import CardBody, CardQuery

# ASSUMPTION(card-appended): of an older page of HubSpot's; the present one names no parameters.
APPENDED = ("portalId", "userId", "userEmail", "appId")


@dataclass(frozen=True)
class Ask:
    """One request of the card: whose, by whom, about which record and portal."""

    account: HubSpotAccount
    actor: str
    record_id: str = ""
    portal_id: int = 0


def caller(query: QueryDict) -> dict[str, Any]:
    """What HubSpot's proxy says about who asks. A name that stands there twice was written by somebody else too, and
    nobody documents which of the two HubSpot appended."""
    if doubled := [name for name in APPENDED if len(query.getlist(name)) > 1]:
        raise exceptions.ParseError(f"{', '.join(doubled)} may stand in the address once only.")
    data = CardQuery(data=query)
    data.is_valid(raise_exception=True)
    found: dict[str, Any] = data.validated_data
    return found


def ask(account: HubSpotAccount, said: dict[str, Any], body: Any) -> Ask:
    """The request as the functions behind it need it; a contact is named in the address or in the body."""
    data = CardBody(data=body)
    data.is_valid(raise_exception=True)
    record_id = data.validated_data.get("contactId") or said.get("contactId") or ""
    actor = said.get("userEmail") or f"HubSpot user {said.get('userId') or 'unknown'}"
    return Ask(account, actor, str(record_id), data.validated_data.get("portal", 0))


def answer(name: str, asked: Ask) -> dict[str, Any]:
    found: dict[str, Any] = flows.card(name)(asked)
    return found
