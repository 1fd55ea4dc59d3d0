"""The actions about a linked learner's courses, groups and access."""

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

from django.db.models import F
from django.utils import timezone

from learners import claims, enrollments
from learners.models import Enrollment, Learner
from learners.observations import from_rest
from learners.outcomes import done
from learners.people import Person
from learners.runs import Run
from portals.clients.errors import NotFound, Refused, Unclear
from portals.clients.learnupon import AlreadyThere, DataRejected, LearnUpon, is_admin
from portals.conversion import as_date
from portals.lanes import Lane
from webhooks.results import Done

ADMINS = "Access was left as it is, because this account is an admin's: change it in LearnUpon."


def enroll_in_course(learner: Learner, person: Person, run: Run) -> Done:
    """Enroll the learner; somebody who has not accepted the invitation yet is enrolled when they do."""
    course_id = chosen(run, "course")
    if learner.state == Learner.State.PENDING:
        claims.save(learner, queued_courses=sorted({*learner.queued_courses, course_id}))
        return done("queued")
    learnupon = LearnUpon(learner.portal, Lane.ACTIONS)
    return done(enroll(learnupon, learner, course_id, run), learner)


def enroll(learnupon: LearnUpon, learner: Learner, course_id: int, run: Run | None = None) -> str:
    """Enroll, and say how it ended. LearnUpon's words for "enrolled already" are not published (learnupon.md 1.6) and
    a lost answer has none, so both are looked up."""
    user_id, code = int(learner.learnupon_user_id or 0), "enrolled"
    try:
        with run.asking() if run else nullcontext():
            learnupon.enroll(user_id, course_id)
    except (AlreadyThere, DataRejected, Unclear):
        there = [row for row in _read(learnupon, learner) if _under_way(row, course_id)]
        if not there:
            raise
        if not (run and any(run.made(row.get("date_enrolled")) for row in there)):
            code = "already_enrolled"
    claims.save(learner, read_due_at=timezone.now())
    return code


def _read(learnupon: LearnUpon, learner: Learner) -> list[dict[str, Any]]:
    """The learner's enrollments as they are now, folded in on the way."""
    page = learnupon.enrollments_of_user(int(learner.learnupon_user_id or 0))
    enrollments.take(learner.portal, [seen for row in page.rows if (seen := from_rest(row, page.as_of))])
    return page.rows


def _under_way(row: dict[str, Any], course_id: int) -> bool:
    return row.get("course_id") == course_id and not row.get("unenrolled")


def enroll_queued(learnupon: LearnUpon, learner: Learner) -> None:
    """Do what was asked for while the invitation was still open."""
    while learner.queued_courses:
        course_id, *rest = learner.queued_courses
        try:
            enroll(learnupon, learner, course_id)
        except Refused as refusal:
            claims.save(learner, state_reason=f"Course {course_id}: {refusal.message}"[:300])
        claims.save(learner, queued_courses=rest)


def unenroll(learner: Learner, person: Person, run: Run) -> Done:
    """Withdraw the learner from a course; a finished enrollment is kept as history."""
    course_id = chosen(run, "course")
    if learner.state == Learner.State.PENDING:
        claims.save(learner, queued_courses=[c for c in learner.queued_courses if c != course_id])
        return done("unenrolled")
    learnupon = LearnUpon(learner.portal, Lane.ACTIONS)
    rows = list(_open(learnupon, learner, course_id))
    try:
        for row in rows:
            with run.asking():
                learnupon.unenroll(int(row["id"]))
    except (NotFound, Unclear):  # done all the same, if nothing is open any more
        if any(_open(learnupon, learner, course_id)):
            raise
    if rows:
        claims.save(learner, read_due_at=timezone.now())
    return done("unenrolled" if rows or run.earlier else "not_enrolled", learner)


def _open(learnupon: LearnUpon, learner: Learner, course_id: int) -> Iterator[dict[str, Any]]:
    for row in _read(learnupon, learner):
        if _under_way(row, course_id) and row.get("status") in (
            "not_started",
            "in_progress",
            "pending_review",
        ):
            yield row


def add_to_group(learner: Learner, person: Person, run: Run) -> Done:
    """Put the learner into a group; LearnUpon then enrolls them in the group's courses."""
    learnupon = LearnUpon(learner.portal, Lane.ACTIONS)
    group_id, user_id = chosen(run, "group"), int(learner.learnupon_user_id or 0)
    there = group_id in learnupon.groups_of_user(user_id)
    try:
        if not there:
            with run.asking():
                learnupon.add_to_group(user_id, group_id)
    except AlreadyThere:
        there = True
    claims.save(learner, read_due_at=timezone.now())  # also after an earlier call whose answer was lost
    return done("already_in_group" if there and not run.earlier else "added_to_group", learner)


def remove_from_group(learner: Learner, person: Person, run: Run) -> Done:
    """Take the learner out of a group; their enrollments stay."""
    learnupon = LearnUpon(learner.portal, Lane.ACTIONS)
    group_id, user_id = chosen(run, "group"), int(learner.learnupon_user_id or 0)
    there = group_id in learnupon.groups_of_user(user_id)
    try:
        if there:
            with run.asking():
                learnupon.remove_from_group(user_id, group_id)
    except NotFound:
        there = False
    return done("removed_from_group" if there or run.earlier else "not_in_group", learner)


def set_access(learner: Learner, person: Person, run: Run) -> Done:
    """Disable or enable the learner's account; disabling keeps everything they did. An admin's is left alone: whoever
    may edit a contact could else lock the portal's admins out, or let one in again whose login was taken away."""
    access = str(run.inputs.get("access") or "")
    if access not in ("enable", "disable"):
        raise DataRejected(
            "Choose in the workflow step whether access is enabled or disabled.", code="access"
        )
    learnupon, user_id = LearnUpon(learner.portal, Lane.ACTIONS), int(learner.learnupon_user_id or 0)
    if is_admin(learnupon.user(user_id)):
        return done("refused", learner, reason=ADMINS)
    learnupon.update_user(user_id, {"enabled": access == "enable"})
    return done("access_enabled" if access == "enable" else "access_disabled", learner)


def look_up_progress(learner: Learner, person: Person, run: Run) -> Done:
    """Read the learner's progress in a course now, as outputs a workflow can branch on."""
    course_id = chosen(run, "course")
    _read(LearnUpon(learner.portal, Lane.ACTIONS), learner)
    newest = (
        Enrollment.objects.filter(learner=learner, course_id=course_id, unenrolled=False)
        .order_by(F("enrolled_at").desc(nulls_last=True), "-enrollment_id")
        .first()
    )
    if newest is None:
        return done("not_enrolled", learner)
    result = done("progress_found", learner)
    result.outputs.update(progress_outputs(newest, learner.account.time_zone))
    return result


def progress_outputs(row: Enrollment, time_zone: str = "UTC") -> dict[str, str]:
    """Status, result, percentages and the account's day of completion as strings; empty where there is none."""
    completed = row.completed_at and as_date(row.completed_at.isoformat(), time_zone)
    return {
        "course_status": row.status,
        "course_result": row.result,
        "progress_percent": "" if row.progress_percent is None else f"{row.progress_percent:g}",
        "score_percent": "" if row.score_percent is None else f"{row.score_percent:g}",
        "completed_on": completed.isoformat() if completed else "",
    }


def chosen(run: Run, name: str) -> int:
    """The course or group chosen in the workflow step."""
    value = str(run.inputs.get(name) or "")
    if not value.isascii() or not value.isdigit() or len(value) > 18:
        raise DataRejected(f"Choose a {name} in the workflow step.", code=name)
    return int(value)
