"""The further actions: courses, groups, access and progress of somebody who is linked, over signed requests."""

from typing import Any

import pytest

from learners import training
from learners.models import Enrollment, Learner
from portals.clients.learnupon import LearnUpon
from portals.lanes import Lane
from portals.models import HubSpotAccount
from sandbox.learnupon import enrollments as their_enrollments
from tests.flows.stage import ACME, GLOBEX, Row, Stage
from webhooks.models import Delivery

MARIA, YUKI, AMARA = "maria.lopez@acme.example", "yuki.tanaka@acme.example", "amara.abara@northwind.example"
SECURITY, REPORTING, DRAFT = "Information security", "Advanced reporting", "Unfinished course"


def course(stage: Stage, name: str, portal: str = "acme") -> str:
    return str(next(row["id"] for row in stage.world("courses", portal=portal, name=name)))


def group(stage: Stage, title: str, portal: str = "acme") -> str:
    return str(next(row["id"] for row in stage.world("groups", portal=portal, title=title)))


def linked(stage: Stage, email: str = MARIA) -> str:
    """The record of somebody whose account is linked."""
    rows = stage.world("contacts", account=ACME)
    record = next((str(row["id"]) for row in rows if row["properties"].get("email") == email), "")
    record = record or stage.new_contact(email=email)
    stage.add(record)
    return record


def act(stage: Stage, action: str, record: str, portal: str = "acme", **inputs: str) -> Row:
    """Run one action about one record to its end."""
    account = GLOBEX if portal == "globex" else ACME
    (told,) = stage.add(record, action=action, account=account, inputs={"portal": portal, **inputs})
    return told


def enrollments(stage: Stage, email: str, course_id: str) -> list[Row]:
    user = stage.user(email)
    assert user is not None
    return stage.world("enrollments", portal="acme", user_id=user["id"], course_id=int(course_id))


def in_hubspot(stage: Stage, course_id: str) -> list[Row]:
    return [row["properties"] for row in stage.records() if row["properties"]["course_id"] == course_id]


# --- courses ---------------------------------------------------------------------------------------------
def test_enrolling_reaches_learnupon_and_hubspot(stage: Stage) -> None:
    record, wanted = linked(stage), course(stage, REPORTING)
    told = act(stage, "enroll-in-course", record, course=wanted)
    assert (told["state"], stage.outcome(told)) == ("completed", "enrolled")
    assert len(enrollments(stage, MARIA, wanted)) == 1
    (row,) = in_hubspot(stage, wanted)
    assert (row["status"], row["course_name"]) == ("not_started", REPORTING)


def test_somebody_enrolled_already_is_not_a_failure(stage: Stage) -> None:
    """LearnUpon says so with a refusal, which must not look like one in the workflow's history."""
    record, wanted = linked(stage), course(stage, SECURITY)
    told = act(stage, "enroll-in-course", record, course=wanted)
    assert (told["state"], stage.outcome(told)) == ("completed", "already_enrolled")
    assert len(enrollments(stage, MARIA, wanted)) == 1


@pytest.mark.parametrize("kind", ["reset", "status"])
def test_an_enrollment_without_an_answer_is_looked_up_not_repeated(stage: Stage, kind: str) -> None:
    record, wanted = linked(stage), course(stage, REPORTING)
    stage.fault("learnupon", "/enrollments$", kind, status=502, method="POST", when="after")
    told = act(stage, "enroll-in-course", record, course=wanted)
    assert (told["state"], stage.outcome(told)) == ("completed", "enrolled")
    assert len(enrollments(stage, MARIA, wanted)) == 1
    assert len(in_hubspot(stage, wanted)) == 1


def test_an_enrollment_that_never_arrived_is_made_later(stage: Stage) -> None:
    record, wanted = linked(stage), course(stage, REPORTING)
    stage.fault("learnupon", "/enrollments$", "status", status=503, method="POST", when="before")
    told = act(stage, "enroll-in-course", record, course=wanted)
    assert told["state"] == "blocked"
    stage.later(minutes=1)
    assert stage.outcome(stage.execution(told["callback_id"])) == "enrolled"
    assert len(enrollments(stage, MARIA, wanted)) == 1


def test_a_step_without_a_usable_course_says_what_is_missing(stage: Stage) -> None:
    record = linked(stage)
    for given in ({}, {"course": ""}, {"course": "abc"}, {"course": "٣"}, {"course": "9" * 30}):
        told = act(stage, "enroll-in-course", record, **given)
        assert (told["state"], stage.outcome(told)) == ("failed", "refused")
        assert "course" in told["output_fields"]["message"]
    assert stage.calls_to("learnupon", "/enrollments", "POST") == []


def test_a_course_that_does_not_exist_is_refused_with_learnupon_s_words(stage: Stage) -> None:
    record = linked(stage)
    told = act(stage, "enroll-in-course", record, course="99999999")
    assert (told["state"], stage.outcome(told)) == ("failed", "refused")
    assert "course not found" in told["output_fields"]["message"]
    assert Learner.objects.get().state_reason == ""  # nothing is wrong with the learner


def test_withdrawing_an_open_enrollment_archives_its_record(stage: Stage) -> None:
    record, wanted = linked(stage), course(stage, SECURITY)
    assert len(in_hubspot(stage, wanted)) == 1
    told = act(stage, "unenroll", record, course=wanted)
    assert (told["state"], stage.outcome(told)) == ("completed", "unenrolled")
    assert [row["unenrolled"] for row in enrollments(stage, MARIA, wanted)] == [True]
    assert in_hubspot(stage, wanted) == []
    assert stage.outcome(act(stage, "unenroll", record, course=wanted)) == "not_enrolled"


def test_a_finished_enrollment_is_not_withdrawn(stage: Stage) -> None:
    record = linked(stage)
    (done,) = [row for row in in_hubspot_all(stage) if row["status"] == "completed"]
    told = act(stage, "unenroll", record, course=done["course_id"])
    assert stage.outcome(told) == "not_enrolled"
    assert [row["unenrolled"] for row in enrollments(stage, MARIA, done["course_id"])] == [False]
    assert in_hubspot(stage, done["course_id"]) == [done]


def in_hubspot_all(stage: Stage) -> list[Row]:
    return [row["properties"] for row in stage.records()]


def test_a_withdrawal_without_an_answer_still_leaves_hubspot(stage: Stage) -> None:
    """The repeat finds nothing left to withdraw, but the record must go all the same."""
    record, wanted = linked(stage), course(stage, SECURITY)
    stage.fault("learnupon", r"/enrollments/\d+$", "reset", method="DELETE", when="after")
    act(stage, "unenroll", record, course=wanted)
    stage.later(minutes=1)
    assert stage.deliveries()[-1].state == "done"
    assert in_hubspot(stage, wanted) == []


def test_enrolled_again_after_a_withdrawal(stage: Stage) -> None:
    record, wanted = linked(stage), course(stage, SECURITY)
    act(stage, "unenroll", record, course=wanted)
    told = act(stage, "enroll-in-course", record, course=wanted)
    assert stage.outcome(told) == "enrolled"
    assert len(in_hubspot(stage, wanted)) == 1


def test_what_a_pending_invitee_is_enrolled_in_waits_for_the_acceptance(stage: Stage) -> None:
    record, wanted, other = stage.contact(AMARA), course(stage, REPORTING), course(stage, SECURITY)
    stage.add(record, action="user-invite")
    for number in (wanted, wanted, other):
        told = act(stage, "enroll-in-course", record, course=number)
        assert (told["state"], stage.outcome(told)) == ("completed", "queued")
    assert stage.outcome(act(stage, "unenroll", record, course=other)) == "unenrolled"
    stage.control("POST", "accept-invite", {"portal": "acme", "email": AMARA})
    stage.hear()
    stage.later(minutes=11)
    assert len(enrollments(stage, AMARA, wanted)) == 1
    assert enrollments(stage, AMARA, other) == []
    assert len(in_hubspot(stage, wanted)) == 1
    assert Learner.objects.get().queued_courses == []


def test_a_queued_course_that_is_refused_is_said_and_costs_the_others_nothing(stage: Stage) -> None:
    record, wanted = stage.contact(AMARA), course(stage, REPORTING)
    stage.add(record, action="user-invite")
    for number in ("1", wanted):  # there is no course 1
        act(stage, "enroll-in-course", record, course=number)
    stage.control("POST", "accept-invite", {"portal": "acme", "email": AMARA})
    stage.hear()
    stage.later(minutes=11)
    assert len(enrollments(stage, AMARA, wanted)) == 1
    learner = Learner.objects.get()
    assert (learner.queued_courses, learner.state) == ([], "active")
    assert "Course 1" in learner.state_reason


def test_a_queued_course_comes_when_the_invitee_is_added_instead(stage: Stage) -> None:
    record, wanted = stage.contact(AMARA), course(stage, REPORTING)
    stage.add(record, action="user-invite")
    act(stage, "enroll-in-course", record, course=wanted)
    stage.add(record)
    assert len(enrollments(stage, AMARA, wanted)) == 1
    assert len(in_hubspot(stage, wanted)) == 1


# --- groups ----------------------------------------------------------------------------------------------
def test_a_group_s_courses_come_along(stage: Stage) -> None:
    record, sales = linked(stage, YUKI), group(stage, "New starters")
    before = len(stage.records())
    told = act(stage, "add-to-group", record, group=sales)
    assert (told["state"], stage.outcome(told)) == ("completed", "added_to_group")
    user = stage.user(YUKI)
    assert user is not None
    (there,) = stage.world("groups", portal="acme", title="New starters")
    assert user["id"] in members(there)
    assert len(stage.records()) == before + 1  # of its two courses she has one already
    assert stage.outcome(act(stage, "add-to-group", record, group=sales)) == "already_in_group"


def members(row: Row) -> set[int]:
    return {int(number) for number in row["user_ids"]}


def test_taken_out_of_a_group_the_enrollments_stay(stage: Stage) -> None:
    record, starters = linked(stage), group(stage, "New starters")
    before = in_hubspot_all(stage)
    told = act(stage, "remove-from-group", record, group=starters)
    assert (told["state"], stage.outcome(told)) == ("completed", "removed_from_group")
    (there,) = stage.world("groups", portal="acme", title="New starters")
    user = stage.user(MARIA)
    assert user is not None
    assert user["id"] not in members(there)
    assert in_hubspot_all(stage) == before
    assert stage.outcome(act(stage, "remove-from-group", record, group=starters)) == "not_in_group"


@pytest.mark.parametrize("action", ["add-to-group", "remove-from-group"])
def test_a_group_call_without_an_answer_ends_once(stage: Stage, action: str) -> None:
    record, chosen = linked(stage), group(stage, "Sales" if action == "add-to-group" else "New starters")
    method = "POST" if action == "add-to-group" else "DELETE"
    stage.fault("learnupon", "/group_memberships", "reset", method=method, when="after")
    told = act(stage, action, record, group=chosen)
    stage.later(minutes=1)
    assert stage.execution(told["callback_id"])["state"] == "completed"
    if action == "add-to-group":  # what the group brought is here although its answer was lost
        assert len(in_hubspot(stage, course(stage, "Customer conversations"))) == 1


def test_a_group_that_does_not_exist(stage: Stage) -> None:
    record = linked(stage)
    assert stage.outcome(act(stage, "add-to-group", record, group="99999999")) == "refused"
    assert stage.outcome(act(stage, "remove-from-group", record, group="99999999")) == "not_in_group"
    assert stage.outcome(act(stage, "add-to-group", record)) == "refused"


# --- access and progress ---------------------------------------------------------------------------------
def test_access_is_taken_and_given_back(stage: Stage) -> None:
    record = linked(stage)
    for access, outcome, enabled in (
        ("disable", "access_disabled", False),
        ("enable", "access_enabled", True),
    ):
        told = act(stage, "set-access", record, access=access)
        user = stage.user(MARIA)
        assert user is not None
        assert (told["state"], stage.outcome(told), user["enabled"]) == ("completed", outcome, enabled)
        assert len(stage.records()) == 3  # history stays
    assert stage.outcome(act(stage, "set-access", record, access="maybe")) == "refused"


@pytest.mark.parametrize("enabled", [True, False])
def test_an_admin_s_access_is_not_changed_from_hubspot(stage: Stage, enabled: bool) -> None:
    """Who edits contacts would else lock the portal's admins out, or let back in one who was shut out."""
    record, learnupon = linked(stage), LearnUpon(stage.portals["acme"], Lane.ACTIONS)
    user = stage.user(MARIA)
    assert user is not None
    access = "disable" if enabled else "enable"
    learnupon.update_user(user["id"], {"user_type": "admin", "enabled": enabled})
    told = act(stage, "set-access", record, access=access)
    assert (told["state"], stage.outcome(told)) == ("failed", "refused")
    assert Delivery.objects.filter(kind="hubspot.action.set-access").latest("pk").reason == training.ADMINS
    assert learnupon.user(user["id"])["enabled"] is enabled
    learnupon.update_user(user["id"], {"user_type": "manager"})
    act(stage, "set-access", record, access=access)
    assert learnupon.user(user["id"])["enabled"] is not enabled


def test_progress_comes_as_outputs_a_workflow_can_branch_on(stage: Stage) -> None:
    record = linked(stage)
    (done,) = [row for row in in_hubspot_all(stage) if row["status"] == "completed"]
    told = act(stage, "look-up-progress", record, course=done["course_id"])
    said = told["output_fields"]
    assert stage.outcome(told) == "progress_found"
    assert (said["course_status"], said["course_result"], said["score_percent"]) == (
        "completed",
        "passed",
        "92",
    )
    assert said["completed_on"] == done["completed_at"][:10]
    assert all(isinstance(value, str) for value in said.values())
    none = act(stage, "look-up-progress", record, course=course(stage, REPORTING))
    assert (none["state"], stage.outcome(none)) == ("completed", "not_enrolled")


def test_progress_looked_up_reaches_hubspot_too(stage: Stage) -> None:
    record, wanted = linked(stage), course(stage, SECURITY)
    user = stage.user(MARIA)
    assert user is not None
    (row,) = enrollments(stage, MARIA, wanted)
    portal = stage.worlds.sandbox.worlds.learnupon.portals["acme"]
    theirs = portal.enrollments[row["id"]]
    stage.worlds.do(setattr, theirs, "percentage_complete", 61)
    told = act(stage, "look-up-progress", record, course=wanted)
    assert told["output_fields"]["progress_percent"] == "61"
    assert in_hubspot(stage, wanted)[0]["progress_percent"] == "61"


def test_of_several_tries_the_newest_is_looked_up(stage: Stage) -> None:
    record, wanted = linked(stage), course(stage, SECURITY)
    worlds = stage.worlds.sandbox.worlds.learnupon
    portal = worlds.portals["acme"]
    (row,) = enrollments(stage, MARIA, wanted)
    stage.worlds.do(setattr, portal.enrollments[row["id"]], "status", "failed")
    user = stage.user(MARIA)
    assert user is not None

    def again() -> Any:
        return their_enrollments.add(worlds, portal, portal.users[user["id"]], portal.courses[int(wanted)])

    stage.worlds.do(again)
    told = act(stage, "look-up-progress", record, course=wanted)
    assert told["output_fields"]["course_status"] == "not_started"
    assert Enrollment.objects.filter(course_id=int(wanted)).count() == 2


def test_an_unenrolling_without_an_answer_is_no_other_outcome(stage: Stage) -> None:
    record, wanted = linked(stage), course(stage, REPORTING)
    act(stage, "enroll-in-course", record, course=wanted)
    stage.fault("learnupon", "/enrollments/", "reset", method="DELETE", when="after")
    told = act(stage, "unenroll", record, course=wanted)
    stage.later(minutes=1)
    assert stage.outcome(stage.execution(told["callback_id"])) == "unenrolled"
    assert in_hubspot(stage, wanted) == []


def test_the_day_of_completion_is_the_account_s(stage: Stage) -> None:
    record, wanted = linked(stage), course(stage, REPORTING)
    act(stage, "enroll-in-course", record, course=wanted)
    HubSpotAccount.objects.update(time_zone="Pacific/Auckland")
    there = stage.worlds.sandbox.worlds.learnupon.portals["acme"].enrollments
    row = there[Enrollment.objects.get(course_id=int(wanted)).enrollment_id]
    stage.worlds.do(setattr, row, "status", "passed")
    stage.worlds.do(setattr, row, "date_completed", "2026-03-04T23:30:00Z")
    told = act(stage, "look-up-progress", record, course=wanted)
    assert told["output_fields"]["completed_on"] == "2026-03-05"
