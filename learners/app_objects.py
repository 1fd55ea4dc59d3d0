"""An enrollment as HubSpot's app-object record has it: property names and values, and how it leaves."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from learners.models import Enrollment
from portals.clients.errors import Refused
from portals.clients.hubspot import BATCH, HubSpot
from portals.models import Course, HubSpotAccount
from portals.schema import PREFIX, PROPERTIES

KEY = f"{PREFIX}enrollment_key"
# The key is two numbers of LearnUpon's; all else says something about a person.
BLANK = {PREFIX + name: "" for name in PROPERTIES if name != "enrollment_key"}
Required = set[tuple[int, int]]  # portal, course


def required_courses(account: HubSpotAccount) -> Required:
    return set(
        Course.objects.filter(portal__account=account, required=True).values_list("portal_id", "course_id")
    )


def upsert_input(row: Enrollment, required: Required) -> dict[str, Any]:
    return {
        "id": row.key,
        "idProperty": KEY,
        "objectWriteTraceId": str(row.pk),
        "properties": properties(row, (row.portal_id, row.course_id) in required),
    }


def properties(row: Enrollment, required: bool) -> dict[str, str]:
    """The record's properties; HubSpot takes every value as a string, and an empty one clears."""
    values: dict[str, Any] = {
        "enrollment_key": row.key,
        "course_name": row.course_name or f"Course {row.course_id}",
        "course_id": row.course_id,
        "portal_name": str(row.portal),
        "status": row.status,
        "result": row.result,
        "required": required,
        "progress_percent": row.progress_percent,
        "score_percent": row.score_percent,
        "enrolled_at": row.enrolled_at,
        "started_at": row.started_at,
        "completed_at": row.completed_at,
        "last_accessed_at": row.last_accessed_at,
        "due_on": row.due_on,
        "certificate_expires_on": row.certificate_expires_on,
        "overdue": row.overdue,
        "certificate_name": row.certificate_name,
        "learner_email": row.learner.email,
        "record_id": row.learner.record_id,
    }
    return {PREFIX + name: _text(value) for name, value in values.items()}


def remove(hubspot: HubSpot, ids: Sequence[str], keys: Sequence[str]) -> None:
    """Blank, then archive, every record with one of these ids or keys that HubSpot still shows. Archived records can
    be restored for a while, and a later erasure could not reach them: so they say nothing about anybody."""
    object_type = hubspot.account.app_object_type
    living = sorted({*_living(hubspot, object_type, keys, KEY), *_living(hubspot, object_type, ids, "")})
    for part in _parts(living):
        rows = [{"id": record_id, "properties": BLANK, "objectWriteTraceId": record_id} for record_id in part]
        batch = hubspot.update(object_type, rows)
        if batch.unfinished:
            raise batch.unfinished
        if batch.errors:
            raise Refused(next(iter(batch.errors.values())).message)
        hubspot.archive(object_type, part)


def _living(hubspot: HubSpot, object_type: str, values: Sequence[str], id_property: str) -> list[str]:
    found: list[str] = []
    for part in _parts(values):
        found += hubspot.read(object_type, part, ["hs_object_id"], id_property)
    return found


def _parts(values: Sequence[str]) -> list[Sequence[str]]:
    return [values[start : start + BATCH] for start in range(0, len(values), BATCH)]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)
