"""How an enrollment moves: learning in the portal, an admin's mark, or the sandbox's control. Nothing is final."""

from datetime import date, timedelta
from typing import TYPE_CHECKING

from sandbox.learnupon.errors import COMPLETION_FAILED, PERCENTAGE_NOT_WANTED, Problem
from sandbox.learnupon.records import FINISHED, STATUSES, Enrollment, Portal, stamp
from sandbox.learnupon.wire import Call, Reply, text, whole

if TYPE_CHECKING:
    from sandbox.learnupon.world import LearnUponWorld

CERTIFICATE_DAYS = 365


def move(
    world: "LearnUponWorld",
    portal: Portal,
    enrollment: Enrollment,
    status: str,
    percentage: float | None = None,
    percentage_complete: float | None = None,
) -> None:
    if not isinstance(status, str) or status not in STATUSES:
        raise Problem(400, f"status is one of {', '.join(sorted(STATUSES))}")
    if enrollment.unenrolled:
        raise Problem(409, "the learner is no longer enrolled")
    if not (_is_share(percentage) and _is_share(percentage_complete)):
        raise Problem(400, "percentage and percentage_complete lie between 0 and 100")
    before, now = enrollment.status, stamp(world.clock())
    enrollment.status, enrollment.updated_at = status, now
    if status != "not_started":
        enrollment.date_started = enrollment.date_started or now
        enrollment.date_lastaccessed = now
    if percentage is not None or status not in FINISHED:
        enrollment.percentage = percentage
    if percentage_complete is not None:
        enrollment.percentage_complete = percentage_complete
    elif status in FINISHED:
        enrollment.percentage_complete = 100
    _close_or_reopen(enrollment, now, newly=before not in FINISHED)
    world.announcer.enrollment_updated(portal, enrollment)
    if status in FINISHED and status != before:
        world.announcer.completed(portal, enrollment)


def _is_share(value: object) -> bool:
    if isinstance(value, bool):
        return False
    return value is None or (isinstance(value, (int, float)) and 0 <= value <= 100)


def _close_or_reopen(enrollment: Enrollment, now: str, *, newly: bool) -> None:
    """A completed course that is launched again has no completion date any more (observed)."""
    if enrollment.status not in FINISHED:
        enrollment.date_completed = None
        enrollment.cert_expires_at = None
    elif newly or enrollment.date_completed is None:
        enrollment.date_completed = now
    if enrollment.course.certificate and enrollment.status in ("completed", "passed"):
        ends = date.fromisoformat(now[:10]) + timedelta(days=CERTIFICATE_DAYS)
        enrollment.cert_expires_at = ends.isoformat()


def mark_complete(world: "LearnUponWorld", portal: Portal, call: Call) -> Reply:
    """A mark over the API leaves `percentage_complete` null, as was seen on real completed rows."""
    fields = call.wrapped("Markcomplete")
    enrollment = portal.enrollments.get(whole(fields.get("enrollment_id")) or 0)
    status, percentage = text(fields.get("status")), fields.get("percentage")
    if enrollment is None or status not in FINISHED or enrollment.status in FINISHED or enrollment.unenrolled:
        raise Problem(400, COMPLETION_FAILED)
    if status == "completed" and percentage is not None:
        raise Problem(400, PERCENTAGE_NOT_WANTED)
    move(world, portal, enrollment, status, percentage)
    enrollment.percentage_complete = None
    return Reply({"id": enrollment.id}, status=201)
