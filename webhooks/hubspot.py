"""HubSpot's requests, read: an action call becomes one delivery, an array of events one each."""

from datetime import UTC, datetime
from typing import Any

from rest_framework import exceptions

from hubsync.flows import HUBSPOT_EVENTS
from portals.clients.errors import Reason
from portals.lanes import Lane
from portals.models import HubSpotAccount, Portal
from webhooks import intake
from webhooks.models import Delivery

RECORD_TYPES = {"CONTACT": "contact", "0-1": "contact", "USER": "user", "0-115": "user"}
NO_PORTAL = (
    "Choose a LearnUpon portal in this workflow step: this HubSpot account has several or none connected."
)
OTHER_PORTAL = "The LearnUpon portal named in this workflow step is not connected to this HubSpot account."


def action(name: str, data: dict[str, Any], account: HubSpotAccount) -> Delivery:
    """One workflow action call. Its callback id is what makes a repeat the same delivery; editor test runs have one
    too. A portal that is not this account's is answered at once, for good."""
    portal, problem = _portal(account, str(data["inputFields"].get("portal") or ""))
    delivery = Delivery(
        account=account,
        portal=portal,
        kind=f"hubspot.action.{name}",
        lane=Lane.ACTIONS,
        key=intake.key("action", account.hub_id, name, data["callbackId"]),
        record_type=RECORD_TYPES.get(str(data["object"].get("objectType", "CONTACT")).upper(), ""),
        record_id=str(data["object"]["objectId"]),
        callback_id=str(data["callbackId"]),
        body={
            "inputs": data["inputFields"],
            "properties": data["object"].get("properties") or {},
            "workflow": (data.get("context") or {}).get("workflowId"),
        },
        tell=Delivery.Tell.OWED,
    )
    if problem:
        intake.answered_now(delivery, "portal_not_connected", problem, ok=False, why=Reason.CONFIGURATION)
        delivery.body = None
    elif not account.has_scopes("automation"):
        delivery.tell = Delivery.Tell.NOTHING
    return delivery


def _portal(account: HubSpotAccount, subdomain: str) -> tuple[Portal | None, str]:
    portals = list(Portal.objects.live().filter(account=account).only("id", "subdomain", "record_type"))
    if not subdomain:
        return (portals[0], "") if len(portals) == 1 else (None, NO_PORTAL)
    for portal in portals:
        if portal.subdomain == subdomain.strip().casefold():
            return portal, ""
    return None, OTHER_PORTAL


def answer(delivery: Delivery) -> dict[str, Any]:
    """What HubSpot reads: the outcome when it is known, else that the workflow should wait.
    https://developers.hubspot.com/docs/api-reference/latest/automation/workflow-actions/custom-action-reference"""
    if delivery.state == Delivery.State.WAITING and delivery.tell == Delivery.Tell.OWED:
        return {"outputFields": {"hs_execution_state": "BLOCK", "hs_expiration_duration": "P7D"}}
    if delivery.state == Delivery.State.WAITING:
        return {"outputFields": {"hs_execution_state": "SUCCESS", "outcome": "accepted"}}
    return {"outputFields": output_fields(delivery)}


def output_fields(delivery: Delivery) -> dict[str, str]:
    """A finished delivery as the output fields of its workflow step; every value is a string."""
    done = delivery.state == Delivery.State.DONE
    state = "SUCCESS" if done else "FAIL_CONTINUE"
    return {"hs_execution_state": state, **{name: str(value) for name, value in delivery.outputs.items()}}


def events(data: Any) -> list[Delivery]:
    """An array of up to 100 events of any accounts. What is malformed, unknown or a stranger's is left out: one bad
    event must not cost the others."""
    if not isinstance(data, list):
        raise exceptions.ParseError("An array of events is expected.")
    readable = [event for event in data if isinstance(event, dict) and _whole(event.get("portalId"))]
    accounts = intake.accounts(int(event["portalId"]) for event in readable)
    made = []
    for event in readable:
        account = accounts.get(int(event["portalId"]))
        kind = str(event.get("subscriptionType") or event.get("eventType") or "")
        if account and kind in HUBSPOT_EVENTS and _whole(event.get("objectId")):
            made.append(_event(event, kind, account))
    return made


def _event(event: dict[str, Any], kind: str, account: HubSpotAccount) -> Delivery:
    occurred = event.get("occurredAt")
    # `eventId` alone is not unique, says HubSpot.
    identity = (
        event.get("subscriptionId"),
        event.get("eventId"),
        event["objectId"],
        occurred,
        event.get("propertyName"),
    )
    names = ("primaryObjectId", "mergedObjectIds", "newObjectId", "propertyName", "propertyValue")
    return Delivery(
        account=account,
        kind=f"hubspot.{kind}",
        lane=Lane.LIVE,
        key=intake.key("event", account.hub_id, kind, *identity),
        occurred_at=_moment(occurred),
        record_type="contact",
        record_id=str(int(event["objectId"])),
        body={name: event[name] for name in names if name in event},
    )


def _whole(value: Any) -> bool:
    """A positive number HubSpot could have meant as an id."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return True
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63


def _moment(stamp: Any) -> datetime | None:
    if _whole(stamp) and int(stamp) < 10**14:
        return datetime.fromtimestamp(int(stamp) / 1000, UTC)
    return None
