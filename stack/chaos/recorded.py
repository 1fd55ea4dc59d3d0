"""What must hold of everything the worlds sent and Hubsync answered for with a 2xx: it stands here, and once."""

import hashlib

import orjson

from stack.chaos.database import Row
from stack.chaos.facts import LOST, Check, Checker, Facts

EVENTS, PROGRESS, ACTIONS = "/webhooks/hubspot/events", "/webhooks/learnupon/", "/webhooks/hubspot/actions/"


def events_recorded(facts: Facts) -> Check:
    """Each event by the identity that webhooks/hubspot.py and webhooks/learnupon.py give it."""
    known = {row["key"] for row in facts.deliveries}
    acknowledged: dict[str, str] = {}
    for request in facts.acknowledged:
        if EVENTS in request["url"]:
            acknowledged |= {_hubspot_key(event): event["subscriptionType"] for event in request["body"]}
        elif PROGRESS in request["url"]:
            portal = facts.portal_of_hook[request["url"].rpartition("/")[2]]
            acknowledged |= {_learnupon_key(portal, event): "completion" for event in request["body"]["data"]}
    wrong = [f"{what} {key[:8]}" for key, what in acknowledged.items() if key not in known]
    return Check("acknowledged events recorded", len(acknowledged), wrong, LOST)


def runs_recorded(facts: Facts) -> Check:
    known = {row["callback_id"] for row in facts.deliveries}
    asked = {r["body"]["callbackId"] for r in facts.acknowledged if ACTIONS in r["url"]}
    return Check("acknowledged workflow runs recorded", len(asked), sorted(asked - known), LOST)


def _hubspot_key(event: Row) -> str:
    kind, account = event["subscriptionType"], event["portalId"]
    identity = [event.get(n) for n in ("subscriptionId", "eventId", "objectId", "occurredAt", "propertyName")]
    return _key("event", account, kind, *identity)


def _learnupon_key(portal: int, event: Row) -> str:
    digest = hashlib.sha256(orjson.dumps(event, option=orjson.OPT_SORT_KEYS)).hexdigest()
    return _key("learnupon.course_completion", portal, digest)


def _key(*parts: object) -> str:
    return hashlib.sha256(":".join(str(part) for part in parts).encode()).hexdigest()


CHECKS: tuple[Checker, ...] = (runs_recorded, events_recorded)
