"""HubSpot's requests, read: an action call becomes one delivery, an array of events one each."""

from datetime import UTC, datetime
from typing import Any

from rest_framework import exceptions

from hubsync.flows import HUBSPOT_EVENTS
from portals.clients.errors import Reason
from portals.lanes import Lane
from portals.numbers import is_id, whole
from webhooks import intake
from webhooks.callers import Caller
from webhooks.intake import Arrival
from webhooks.models import Delivery

KEPT = ("primaryObjectId", "mergedObjectIds", "newObjectId", "propertyName", "propertyValue")  # of an event
RECORD_TYPES = {"CONTACT": "contact", "0-1": "contact", "USER": "user", "0-115": "user"}
PRIVACY = "contact.privacyDeletion"  # waits behind no other event of its account


def action(name: str, data: dict[str, Any], caller: Caller) -> Arrival:
    """One workflow action call. Its callback id is what makes a repeat the same delivery; editor test runs have one
    too. A portal that is not this account's is answered at once, for good."""
    inputs, enrolled = data["inputFields"], data["object"]
    portal_id, problem = caller.portal(str(inputs.get("portal") or ""))
    arrival = Arrival(
        account_id=caller.account_id,
        portal_id=portal_id,
        kind=f"hubspot.action.{name}",
        lane=Lane.ACTIONS,
        key=intake.key("action", caller.hub_id, name, data["callbackId"]),
        record_type=RECORD_TYPES.get(str(enrolled.get("objectType", "CONTACT")).upper(), ""),
        record_id=str(enrolled["objectId"]),
        callback_id=str(data["callbackId"]),
        body={
            "inputs": inputs,
            "properties": enrolled.get("properties") or {},
            "workflow": (data.get("context") or {}).get("workflowId"),
        },
        tell=Delivery.Tell.OWED.value if caller.waits else Delivery.Tell.NOTHING.value,
    )
    if problem:
        intake.answered_now(arrival, "portal_not_connected", problem, ok=False, why=Reason.CONFIGURATION)
        arrival.body = None
    return arrival


def answer(delivery: Delivery | Arrival) -> dict[str, Any]:
    """What HubSpot reads: the outcome when it is known, else that the workflow should wait.
    https://developers.hubspot.com/docs/api-reference/latest/automation/workflow-actions/custom-action-reference"""
    if delivery.state == Delivery.State.WAITING and delivery.tell == Delivery.Tell.OWED:
        return {"outputFields": {"hs_execution_state": "BLOCK", "hs_expiration_duration": "P7D"}}
    if delivery.state == Delivery.State.WAITING:
        return {"outputFields": {"hs_execution_state": "SUCCESS", "outcome": "accepted"}}
    return {"outputFields": output_fields(delivery)}


def output_fields(delivery: Delivery | Arrival) -> dict[str, str]:
    """A finished delivery as the output fields of its workflow step; every value is a string."""
    done = delivery.state == Delivery.State.DONE
    state = "SUCCESS" if done else "FAIL_CONTINUE"
    return {"hs_execution_state": state, **{name: str(value) for name, value in delivery.outputs.items()}}


def events(data: Any) -> list[Arrival]:
    """An array of up to 100 events of any accounts. What is malformed, unknown or a stranger's is left out: one bad
    event must not cost the others."""
    if not isinstance(data, list):
        raise exceptions.ParseError("An array of events is expected.")
    readable = [event for event in data if isinstance(event, dict) and _whole(event.get("portalId"))]
    accounts = intake.account_ids({int(event["portalId"]) for event in readable})
    made = []
    for event in readable:
        hub_id = int(event["portalId"])
        account_id = accounts.get(hub_id)
        kind = str(event.get("subscriptionType") or event.get("eventType") or "")
        if account_id and kind in HUBSPOT_EVENTS and _whole(event.get("objectId")):
            made.append(_event(event, kind, hub_id, account_id))
    return made


def _event(event: dict[str, Any], kind: str, hub_id: int, account_id: int) -> Arrival:
    occurred = event.get("occurredAt")
    # `eventId` alone is not unique, says HubSpot.
    identity = (
        event.get("subscriptionId"),
        event.get("eventId"),
        event["objectId"],
        occurred,
        event.get("propertyName"),
    )
    return Arrival(
        account_id=account_id,
        kind=f"hubspot.{kind}",
        lane=Lane.PRIVACY if kind == PRIVACY else Lane.LIVE,
        key=intake.key("event", hub_id, kind, *identity),
        occurred_at=_moment(occurred),
        record_type="contact",
        record_id=str(int(event["objectId"])),
        body={name: event[name] for name in KEPT if name in event},
    )


def _whole(value: Any) -> bool:
    """A positive number HubSpot could have meant as an id."""
    return is_id(value) or (isinstance(value, str) and whole(value) is not None)


def _moment(stamp: Any) -> datetime | None:
    if _whole(stamp) and int(stamp) < 10**14:
        return datetime.fromtimestamp(int(stamp) / 1000, UTC)
    return None
