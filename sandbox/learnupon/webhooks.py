"""Webhooks v2: signed batches of up to 10 events of one type, retried for 72 hours.

Only `course_completion` is known to exist; the other types are sent under `assumed_events`.
Sources: docs.learnupon.com/webhooks/v2 and receivers written against it.
"""

import asyncio
import hashlib
import hmac
import uuid
from typing import TYPE_CHECKING, Any

import orjson

from sandbox.learnupon.records import FINISHED, Enrollment, Portal, User, stamp

if TYPE_CHECKING:
    from sandbox.learnupon.world import LearnUponWorld

BATCH_EVENTS = 10
# Completions this close together ride in one request. A real window is not known.
BATCH_SECONDS = 0.02
TIMEOUT_SECONDS = 10.0
# LearnUpon says 72 hours and not how often: quick at first, hourly in the end.
SCHEDULE = (5.0, 30.0, 120.0, 600.0, *([3600.0] * 71))


def sign(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class Announcer:
    """Collects events per portal and type, and hands full or ripe batches to the outbox."""

    def __init__(self, world: "LearnUponWorld") -> None:
        self._world = world
        self._waiting: dict[tuple[str, str], list[dict[str, Any]]] = {}

    def clear(self) -> None:
        self._waiting.clear()

    def completed(self, portal: Portal, enrollment: Enrollment) -> None:
        self._add(portal, "course_completion", self._enrollment_event, enrollment)

    def enrolled(self, portal: Portal, enrollment: Enrollment) -> None:
        self._assumed(portal, "enrollment_created", enrollment)

    def enrollment_updated(self, portal: Portal, enrollment: Enrollment) -> None:
        self._assumed(portal, "enrollment_updated", enrollment)

    def unenrolled(self, portal: Portal, enrollment: Enrollment) -> None:
        self._assumed(portal, "enrollment_deleted", enrollment)

    def user_updated(self, portal: Portal, user: User) -> None:
        if self._world.options.assumed_events:
            self._add(portal, "user_updated", self._user_event, user)

    def _assumed(self, portal: Portal, kind: str, enrollment: Enrollment) -> None:
        if self._world.options.assumed_events:
            self._add(portal, kind, self._enrollment_event, enrollment)

    def _add(self, portal: Portal, kind: str, event: Any, subject: Any) -> None:
        if not portal.webhook_url:
            return
        key = (portal.subdomain, kind)
        batch = self._waiting.setdefault(key, [])
        if not batch:
            asyncio.get_running_loop().call_later(BATCH_SECONDS, self._flush, key)
        batch.append(event(subject))

    def _flush(self, key: tuple[str, str]) -> None:
        events = self._waiting.pop(key, [])
        portal = self._world.portals.get(key[0])
        if portal is None or not portal.webhook_url:
            return
        for start in range(0, len(events), BATCH_EVENTS):
            self._post(portal, key[1], events[start : start + BATCH_EVENTS])

    def _post(self, portal: Portal, kind: str, events: list[dict[str, Any]]) -> None:
        body = orjson.dumps({"data": events})
        headers = {
            "Content-Type": "application/json",
            "X-Webhook-Signature": sign(portal.webhook_secret, body),
            "X-Webhook-Type": kind,
            "X-Webhook-ID": str(uuid.uuid4()),
        }
        self._world.outbox.post(
            service="learnupon",
            url=portal.webhook_url,
            body=body,
            headers=headers,
            schedule=SCHEDULE,
            timeout=TIMEOUT_SECONDS,
        )

    def _created(self) -> str:
        return _millis(stamp(self._world.clock())) or ""

    def _user_event(self, user: User) -> dict[str, Any]:
        return {"user": _user(user), "enabled": user.enabled, "eventCreated": self._created()}

    def _enrollment_event(self, enrollment: Enrollment) -> dict[str, Any]:
        """The documented `course_completion` event; it carries no course name."""
        course = enrollment.course
        credits = [{"name": "hours", "number": str(course.credits)}] if course.credits else []
        return {
            "courseId": course.id,
            "enrollmentId": enrollment.id,
            "courseReferenceCode": course.reference_code,
            "dateEnrolled": _millis(enrollment.date_enrolled),
            "dateStarted": _millis(enrollment.date_started),
            "dateCompleted": _millis(enrollment.date_completed),
            "enrollmentStatus": enrollment.status,
            "percentage": enrollment.percentage,
            "user": _user(enrollment.user),
            "credits": credits,
            "modules": _modules(enrollment),
            "eventCreated": self._created(),
        }


def _modules(enrollment: Enrollment) -> list[dict[str, Any]]:
    status = "completed" if enrollment.status in FINISHED else enrollment.status
    return [
        {"id": enrollment.course.id * 100 + number, "name": name, "type": "page", "status": status}
        for number, name in enumerate(enrollment.course.modules, start=1)
    ]


def _user(user: User) -> dict[str, Any]:
    return {"userId": user.id, "username": user.username or None, "email": user.email}


def _millis(when: str | None) -> str | None:
    return when and when[:-1] + ".000Z"
