"""Enrollments on their way to HubSpot: in batches, row by row where HubSpot balks, and never lost on the way."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from learners import enrollments, push
from learners.models import Enrollment, Learner
from learners.observations import Observation
from portals.clients.hubspot import HubSpot
from portals.models import HubSpotAccount
from tests.flows.stage import ACME, GLOBEX, Row, Stage

AMARA, BJORN = "amara.abara@northwind.example", "bjorn.bergstrom@contoso.example"
START = datetime(2026, 1, 5, 9, tzinfo=UTC)


def linked(stage: Stage, email: str = AMARA, portal: str = "acme", user_id: int = 777) -> Learner:
    """A linked learner, as an earlier action left it."""
    where = stage.portals[portal]
    return Learner.objects.create(
        account=where.account, portal=where, record_type=where.record_type, email=email, state="active",
        record_id=stage.contact(email, where.account.hub_id), learnupon_user_id=user_id,
        checked_at=datetime.now(UTC),
    )  # fmt: skip


def seen(enrollment: int, user: int = 777, minutes: int = 0, **fields: object) -> Observation:
    values = {"status": "in_progress", "result": "", "course_name": f"Course {enrollment}", **fields}
    return Observation(enrollment, user, 5, START + timedelta(minutes=minutes), False, values)


def by_key(stage: Stage, account: int = ACME) -> dict[str, Row]:
    return {row["properties"]["enrollment_key"]: row for row in stage.records(account)}


def upserts(stage: Stage) -> int:
    return len(stage.calls_to("hubspot", "/batch/upsert"))


def test_250_rows_go_in_three_calls_and_one_of_associations(stage: Stage) -> None:
    learner = linked(stage)
    enrollments.take(learner.portal, [seen(number) for number in range(1, 251)])
    stage.work()
    assert len(stage.records()) == 250
    assert upserts(stage) == 3
    assert len(stage.calls_to("hubspot", "/associations/")) == 1
    assert not Enrollment.objects.exclude(associated_with=learner.record_id).exists()
    assert not Enrollment.objects.exclude(due_at=None).exists()
    stage.work()
    assert upserts(stage) == 3


def test_a_page_seen_again_unchanged_writes_nothing(stage: Stage) -> None:
    learner = linked(stage)
    enrollments.take(learner.portal, [seen(1), seen(2)])
    stage.work()
    enrollments.take(learner.portal, [seen(1, minutes=5), seen(2, minutes=5), seen(1, minutes=5)])
    stage.work()
    assert upserts(stage) == 1


def test_a_row_hubspot_refuses_is_parked_and_its_neighbours_are_written(stage: Stage) -> None:
    """Both of HubSpot's ways to refuse: the one row of a 207, and the whole batch as a 400 that names it."""
    learner = linked(stage)
    rows = [seen(number) for number in range(1, 31)]
    rows[11].fields["progress_percent"] = float("inf")  # a number for us, none for HubSpot
    enrollments.take(learner.portal, rows)
    stage.work()
    assert len(stage.records()) == 29
    parked = Enrollment.objects.get(enrollment_id=12)
    assert parked.parked_reason
    assert parked.due_at is None
    assert not Enrollment.objects.exclude(enrollment_id=12).exclude(due_at=None).exists()
    enrollments.take(learner.portal, [seen(12, minutes=5, progress_percent=50.0)])
    stage.work()
    assert len(stage.records()) == 30
    assert Enrollment.objects.get(enrollment_id=12).parked_reason == ""


def test_retrying_parked_rows_is_one_account_s_own(stage: Stage) -> None:
    ours, theirs = linked(stage), linked(stage, "hank.scorpio@globex.example", "globex")
    for learner in (ours, theirs):
        enrollments.take(learner.portal, [seen(1)])
    Enrollment.objects.update(due_at=None, parked_reason="refused")
    assert push.retry(ours.account) == 1
    stage.work()
    assert (len(stage.records(ACME)), len(stage.records(GLOBEX))) == (1, 0)


@pytest.mark.parametrize("refused", [False, True])
def test_a_change_during_the_call_goes_next_time(stage: Stage, *, refused: bool) -> None:
    """Also when HubSpot refuses what was sent: the change may be just what makes it right."""
    learner = linked(stage)
    first = float("inf") if refused else 10.0
    enrollments.take(learner.portal, [seen(1, progress_percent=first)])
    stage.fault("hubspot", "/batch/upsert", "delay", seconds=0.4, when="after")
    pushing = threading.Thread(target=push_in_thread, args=(learner.account,))
    pushing.start()
    stage.wait(lambda: upserts(stage) or fault_hits(stage))
    enrollments.take(learner.portal, [seen(1, minutes=5, progress_percent=60.0)])
    pushing.join()
    stage.work()
    assert by_key(stage)["1:1"]["properties"]["progress_percent"] == "60"
    row = Enrollment.objects.get()
    assert (row.version, row.parked_reason, row.due_at) == (row.pushed_version, "", None)


def fault_hits(stage: Stage) -> int:
    return sum(int(row["hits"]) for row in stage.control("GET", "faults")["faults"])


def push_in_thread(account: HubSpotAccount) -> None:
    try:
        push.push(account, "live")
    finally:
        connection.close()


@pytest.mark.parametrize("kind", ["status", "reset", "truncate"])
def test_an_upsert_without_an_answer_ends_as_one_associated_record(stage: Stage, kind: str) -> None:
    learner = linked(stage)
    enrollments.take(learner.portal, [seen(1), seen(2)])
    stage.fault("hubspot", "/batch/upsert", kind, when="after")
    stage.work()
    stage.later(minutes=10)
    assert set(by_key(stage)) == {"1:1", "1:2"}
    assert tied_to(stage, learner.record_id) == 2
    assert not Enrollment.objects.exclude(due_at=None).exists()


def tied_to(stage: Stage, record_id: str, account: int = ACME) -> int:
    ours = {row["id"] for row in stage.records(account)}
    rows = stage.world("associations", account=account)
    pairs = [{str(row["fromObjectId"]), str(row["toObjectId"])} for row in rows]
    return len({next(iter(pair & ours)) for pair in pairs if record_id in pair and pair & ours})


def test_an_association_without_an_answer_is_made_in_the_end(stage: Stage) -> None:
    learner = linked(stage)
    enrollments.take(learner.portal, [seen(1)])
    stage.fault("hubspot", "/associations/", "status", status=503, when="before")
    stage.work()
    assert tied_to(stage, learner.record_id) == 0
    stage.later(minutes=10)
    assert tied_to(stage, learner.record_id) == 1
    assert upserts(stage) == 1  # what was written is not written again


def test_a_merge_moves_link_and_association(stage: Stage) -> None:
    learner = linked(stage)
    enrollments.take(learner.portal, [seen(1)])
    stage.work()
    survivor = stage.new_contact(email="survivor@x.example")
    body = {"account": ACME, "contact_id": survivor, "merged_id": learner.record_id}
    stage.control("POST", "merge", body)
    stage.settle()
    assert Learner.objects.get().record_id == survivor
    assert tied_to(stage, survivor) == 1
    (record,) = stage.records()
    assert record["properties"]["record_id"] == survivor


def test_a_refused_association_of_users_is_remembered(stage: Stage) -> None:
    portal = stage.connect_users()
    users = stage.world("users", account=ACME)
    learner = Learner.objects.create(
        account=portal.account, portal=portal, record_type="user", record_id=users[0]["id"], state="active",
        learnupon_user_id=9, checked_at=datetime.now(UTC), email="u@acme.example",
    )  # fmt: skip
    for number in (1, 2):
        enrollments.take(portal, [seen(number, user=9)])
        stage.work()
    assert len(stage.records()) == 2
    assert not HubSpotAccount.objects.get(hub_id=ACME).user_associations
    assert len(stage.calls_to("hubspot", "/associations/")) == 1
    assert not Enrollment.objects.exclude(due_at=None).exists()
    assert {row["properties"]["record_id"] for row in stage.records()} == {learner.record_id}


def test_one_dead_contact_costs_the_others_no_association(stage: Stage) -> None:
    alive, dead = linked(stage), linked(stage, BJORN, user_id=778)
    Learner.objects.filter(pk=dead.pk).update(record_id="99999999")
    enrollments.take(alive.portal, [seen(1), seen(2, user=778), seen(3)])
    stage.work()
    stage.later(minutes=10)
    assert tied_to(stage, alive.record_id) == 2
    parked = Enrollment.objects.get(enrollment_id=2)
    assert (parked.due_at, parked.parked_reason != "") == (None, True)


def test_an_unfinished_enrollment_that_was_withdrawn_leaves_hubspot_a_finished_one_stays(
    stage: Stage,
) -> None:
    learner = linked(stage)
    done: dict[str, Any] = {"status": "completed", "result": "passed"}
    enrollments.take(learner.portal, [seen(1), seen(2, **done)])
    stage.work()
    enrollments.take(
        learner.portal, [seen(1, minutes=5, unenrolled=True), seen(2, minutes=5, unenrolled=True, **done)]
    )
    stage.work()
    assert set(by_key(stage)) == {"1:2"}
    assert Enrollment.objects.get().enrollment_id == 2


def test_an_enrollment_withdrawn_after_a_lost_answer_leaves_hubspot_too(stage: Stage) -> None:
    learner = linked(stage)
    enrollments.take(learner.portal, [seen(1)])
    stage.fault("hubspot", "/batch/upsert", "reset", when="after")
    stage.work()
    enrollments.take(learner.portal, [seen(1, minutes=5, unenrolled=True)])
    stage.later(minutes=10)
    assert stage.records() == []
    assert not Enrollment.objects.exists()


def test_a_record_archived_by_hand_comes_back_with_its_association(stage: Stage) -> None:
    """HubSpot makes a new record for the key; what we knew about the old one is no longer true of it."""
    learner = linked(stage)
    enrollments.take(learner.portal, [seen(1)])
    stage.work()
    old = Enrollment.objects.get().hubspot_id
    HubSpot(learner.account, "actions").archive(learner.account.app_object_type, [old])
    assert stage.records() == []
    enrollments.take(learner.portal, [seen(1, minutes=5, progress_percent=70.0)])
    stage.work()
    assert len(stage.records()) == 1
    assert tied_to(stage, learner.record_id) == 1


def test_without_the_app_object_everything_waits_and_says_why(stage: Stage) -> None:
    learner = linked(stage)
    HubSpotAccount.objects.filter(hub_id=ACME).update(app_object_type="")
    stage.fault("hubspot", "/crm-object-schemas/", "status", status=404, times=2)
    enrollments.take(learner.portal, [seen(1)])
    stage.work()
    row = Enrollment.objects.get()
    assert "not deployed" in row.parked_reason
    assert row.due_at is not None
    stage.mend()
    stage.later(hours=1)
    assert len(stage.records()) == 1
    assert Enrollment.objects.get().parked_reason == ""


def test_two_tenants_with_the_same_numbers_stay_apart(stage: Stage) -> None:
    ours, theirs = linked(stage), linked(stage, "hank.scorpio@globex.example", "globex")
    theirs.portal.__class__.objects.filter(pk=theirs.portal.pk).update(number=1)
    enrollments.take(ours.portal, [seen(1, progress_percent=10.0)])
    enrollments.take(theirs.portal, [seen(1, progress_percent=90.0)])
    stage.work()
    assert by_key(stage, ACME)["1:1"]["properties"]["progress_percent"] == "10"
    assert by_key(stage, GLOBEX)["1:1"]["properties"]["progress_percent"] == "90"
