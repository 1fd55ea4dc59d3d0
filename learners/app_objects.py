"""An enrollment as HubSpot's app-object record has it: property names and values."""

from datetime import datetime
from typing import Any

from learners.models import Enrollment
from portals.models import Course, HubSpotAccount
from portals.schema import PREFIX

KEY = f"{PREFIX}enrollment_key"
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
