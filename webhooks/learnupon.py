"""LearnUpon's v2 webhooks, read: up to ten events of one type, each a delivery of its own."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from django.utils import timezone
from rest_framework import exceptions

from hubsync.flows import FLOWS
from portals.lanes import Lane
from portals.models import Portal
from portals.numbers import is_id
from webhooks import intake
from webhooks.intake import Arrival

# LearnUpon sends ten at most. Whoever has a portal of their own can sign more, and each becomes a row.
MOST_EVENTS = 500


def events(data: Any, webhook_type: str, portal: Portal) -> list[Arrival]:
    """The events of one request. Types nobody handles are acknowledged and left: LearnUpon's list is not public."""
    if not isinstance(data, dict) or not isinstance(data.get("data"), list):
        raise exceptions.ParseError('An object with a list under "data" is expected.')
    if len(data["data"]) > MOST_EVENTS:
        raise exceptions.ParseError(f"At most {MOST_EVENTS} events are taken at once.")
    kind = f"learnupon.{webhook_type}"
    if kind not in FLOWS:
        return []
    return [_event(event, kind, portal) for event in data["data"] if isinstance(event, dict)]


def _event(event: dict[str, Any], kind: str, portal: Portal) -> Arrival:
    # LearnUpon promises neither order nor single delivery; nothing in the signed body but the event itself is its
    # identity, and the retried request may carry other neighbours.
    digest = hashlib.sha256(orjson.dumps(event, option=orjson.OPT_SORT_KEYS)).hexdigest()
    user = event.get("user") if isinstance(event.get("user"), dict) else {}
    return Arrival(
        account_id=portal.account_id,
        portal_id=portal.pk,
        kind=kind,
        lane=Lane.LIVE,
        key=intake.key(kind, portal.pk, digest),
        occurred_at=moment(event.get("eventCreated")),
        learnupon_user_id=whole((user or {}).get("userId", event.get("userId"))),
        enrollment_id=whole(event.get("enrollmentId")),
        body=event,
    )


def whole(value: Any) -> int | None:
    return value if is_id(value) else None


def moment(value: Any) -> datetime | None:
    """An ISO time in UTC, which it is where it names no zone. Anything else is no time, and neither is one outside of
    UTC's years: PostgreSQL would keep it and Python could never read the row again."""
    try:
        parsed = datetime.fromisoformat(value) if isinstance(value, str) else None
        if parsed is None or parsed.tzinfo is None:
            return parsed and parsed.replace(tzinfo=UTC)
        return parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def heard_from(portal: Portal) -> None:
    """Remember that the portal's webhooks work, at most once a minute: a row written by every request would be what
    every request waits for."""
    now = timezone.now()
    if portal.last_event_at is None or now - portal.last_event_at > timedelta(minutes=1):
        Portal.objects.filter(pk=portal.pk).update(last_event_at=now)
