"""What LearnUpon says about an enrollment, read into our words: whole rows over REST, parts by webhook.

REST speaks snake_case, webhooks camelCase (learnupon.md 1.13 and 2.2); `percentage` is the score,
`percentage_complete` the progress.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from learners.models import Enrollment
from webhooks.learnupon import moment, whole

STATUS: dict[str, tuple[str, str]] = {
    "not_started": (Enrollment.Status.NOT_STARTED, Enrollment.Result.NONE),
    "in_progress": (Enrollment.Status.IN_PROGRESS, Enrollment.Result.NONE),
    "pending_review": (Enrollment.Status.IN_PROGRESS, Enrollment.Result.PENDING_REVIEW),
    "completed": (Enrollment.Status.COMPLETED, Enrollment.Result.NONE),
    "passed": (Enrollment.Status.COMPLETED, Enrollment.Result.PASSED),
    "failed": (Enrollment.Status.COMPLETED, Enrollment.Result.FAILED),
}


@dataclass(frozen=True)
class Observation:
    """Fields of one enrollment as of a moment of LearnUpon's clock; `whole` when it is all there is."""

    enrollment_id: int
    user_id: int
    course_id: int
    as_of: datetime
    whole: bool
    fields: dict[str, Any]


def day(value: Any) -> date | None:
    try:
        return date.fromisoformat(str(value)[:10]) if value else None
    except ValueError:
        return None


def percent(value: Any) -> float | None:
    try:
        number = float(value) if value is not None else None
    except (TypeError, ValueError, OverflowError):
        return None
    return number if number is not None and math.isfinite(number) else None


def text(value: Any) -> str:
    return str(value or "")[:255]


# our field -> (REST's name, the webhook's name, how to read it)
NAMES: dict[str, tuple[str, str, Callable[[Any], Any]]] = {
    "course_name": ("course_name", "courseName", lambda v: str(v or "")[:500]),
    "score_percent": ("percentage", "percentage", percent),
    "progress_percent": ("percentage_complete", "percentageComplete", percent),
    "enrolled_at": ("date_enrolled", "dateEnrolled", moment),
    "started_at": ("date_started", "dateStarted", moment),
    "completed_at": ("date_completed", "dateCompleted", moment),
    "last_accessed_at": ("date_lastaccessed", "dateLastAccessed", moment),
    "due_on": ("calculated_due_date", "dueDate", day),
    "certificate_name": ("certificate_name", "certificationName", text),
    "certificate_expires_on": ("cert_expires_at", "certExpiresAt", day),
    "overdue": ("is_overdue", "isOverdue", bool),
    "unenrolled": ("unenrolled", "unenrolled", bool),
}


def from_rest(row: dict[str, Any], as_of: datetime) -> Observation | None:
    """A row of `enrollments/search`; None when it lacks what makes it an enrollment."""
    status = STATUS.get(str(row.get("status")))
    ids = _ids(row.get("id"), row.get("user_id"), row.get("course_id"))
    if status is None or ids is None:
        return None
    fields = {name: read(row.get(rest)) for name, (rest, _, read) in NAMES.items()}
    fields["due_on"] = fields["due_on"] or day(row.get("due_date"))
    fields["status"], fields["result"] = status
    return Observation(*ids, as_of, True, fields)


def _ids(*values: Any) -> tuple[int, int, int] | None:
    """Enrollment, user and course; None unless all three are numbers that can be one."""
    found = [number for value in values if (number := whole(value))]
    return (found[0], found[1], found[2]) if len(found) == 3 else None


def from_webhook(event: dict[str, Any], received_at: datetime) -> Observation | None:
    """An event's enrollment: only the fields it carries. Without `eventCreated` it is as of its arrival."""
    user = event.get("user") if isinstance(event.get("user"), dict) else {}
    user_id = (user or {}).get("userId", event.get("userId"))
    ids = _ids(event.get("enrollmentId"), user_id, event.get("courseId"))
    if ids is None:
        return None
    fields = {name: read(event[hook]) for name, (_, hook, read) in NAMES.items() if hook in event}
    if status := STATUS.get(str(event.get("enrollmentStatus"))):
        fields["status"], fields["result"] = status
    as_of = moment(event.get("eventCreated")) or received_at
    return Observation(*ids, as_of, False, fields)
