"""A run whose worker died after LearnUpon had done it: its repeat tells the workflow what the run did."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from learners.models import Learner
from portals.clients.learnupon import LearnUpon
from portals.lanes import Lane
from sandbox.learnupon import groups as their_groups
from sandbox.learnupon import records as their
from tests.flows.stage import ACME, Stage
from tests.flows.test_interrupted import database_gone_at
from tests.flows.test_training import (
    AMARA,
    MARIA,
    REPORTING,
    SECURITY,
    YUKI,
    act,
    course,
    enrollments,
    group,
    linked,
    members,
)  # fmt: skip
from webhooks import claims, tasks
from webhooks.models import Delivery


def dying_before_the_end() -> AbstractContextManager[None]:
    """The worker does its work and cannot write down how it ended, which is the only thing that makes this 0."""
    return database_gone_at("webhooks_delivery", "UPDATE", "ROW WHEN (NEW.unended = 0)")


def died(stage: Stage, action: str, *records: str, **inputs: str) -> list[str]:
    """Runs whose worker died with them; their callbacks."""
    ids = stage.run(action, *records, account=ACME, inputs={"portal": "acme", **inputs})
    with dying_before_the_end():
        stage.work()
    return ids


def repeated(stage: Stage, *callbacks: str) -> list[str]:
    stage.later(hours=1)
    return [stage.outcome(stage.execution(one)) for one in callbacks]


def acme(stage: Stage) -> their.Portal:
    return stage.worlds.sandbox.worlds.learnupon.portals["acme"]


def long_ago() -> str:
    return their.stamp((timezone.now() - timedelta(days=1)).timestamp())


def in_group(stage: Stage, email: str, title: str) -> bool:
    user, (there,) = stage.user(email), stage.world("groups", portal="acme", title=title)
    return user is not None and user["id"] in members(there)


# --- what was done is told -------------------------------------------------------------------------------
def test_an_enrollment(stage: Stage) -> None:
    record, wanted = linked(stage), course(stage, REPORTING)
    assert repeated(stage, *died(stage, "enroll-in-course", record, course=wanted)) == ["enrolled"]
    assert len(enrollments(stage, MARIA, wanted)) == 1


def test_a_withdrawal(stage: Stage) -> None:
    record, wanted = linked(stage), course(stage, SECURITY)
    assert repeated(stage, *died(stage, "unenroll", record, course=wanted)) == ["unenrolled"]
    assert [row["unenrolled"] for row in enrollments(stage, MARIA, wanted)] == [True]


def test_a_new_member_of_a_group(stage: Stage) -> None:
    record, starters = linked(stage, YUKI), group(stage, "New starters")
    assert repeated(stage, *died(stage, "add-to-group", record, group=starters)) == ["added_to_group"]
    assert in_group(stage, YUKI, "New starters")


def test_a_member_taken_out_of_a_group(stage: Stage) -> None:
    record, starters = linked(stage), group(stage, "New starters")
    assert repeated(stage, *died(stage, "remove-from-group", record, group=starters)) == [
        "removed_from_group"
    ]
    assert not in_group(stage, MARIA, "New starters")


@pytest.mark.parametrize("action", ["update-learner", "user-add", "user-invite"])
def test_changed_values(stage: Stage, action: str) -> None:
    record = linked(stage)
    user = stage.user(MARIA)
    assert user is not None
    LearnUpon(stage.portals["acme"], Lane.ACTIONS).update_user(user["id"], {"first_name": "Marie"})
    assert repeated(stage, *died(stage, action, record)) == ["updated"]
    assert [row["first_name"] for row in stage.world("learnupon_users", id=user["id"])] == [
        user["first_name"]
    ]


def test_a_new_account(stage: Stage) -> None:
    record = stage.contact(AMARA)
    assert repeated(stage, *died(stage, "user-add", record)) == ["created"]
    assert len(stage.world("learnupon_users", portal="acme", email=AMARA)) == 1


def test_an_invitation(stage: Stage) -> None:
    record = stage.contact(AMARA)
    assert repeated(stage, *died(stage, "user-invite", record)) == ["invited"]
    assert len(stage.mails(AMARA)) == 1


def test_an_invitation_that_was_accepted_before_the_repeat(stage: Stage) -> None:
    (callback,) = died(stage, "user-invite", stage.contact(AMARA))
    stage.control("POST", "accept-invite", {"portal": "acme", "email": AMARA})
    stage.hear()
    Learner.objects.update(look_at=timezone.now())
    stage.work()
    assert Learner.objects.get().state == "active"
    assert repeated(stage, callback) == ["invited"]


@pytest.mark.parametrize(
    ("action", "method", "outcome"),
    [("add-to-group", "POST", "added_to_group"), ("remove-from-group", "DELETE", "removed_from_group")],
)
def test_a_group_call_whose_answer_was_lost(stage: Stage, action: str, method: str, outcome: str) -> None:
    record, chosen = linked(stage), group(stage, "Sales" if method == "POST" else "New starters")
    stage.fault("learnupon", "/group_memberships", "reset", method=method, when="after")
    told = act(stage, action, record, group=chosen)
    assert repeated(stage, told["callback_id"]) == [outcome]


def test_an_enrollment_whose_answer_and_look_up_were_lost(stage: Stage) -> None:
    record, wanted = linked(stage), course(stage, REPORTING)
    stage.fault("learnupon", "/enrollments$", "reset", method="POST", when="after")
    stage.fault("learnupon", "/enrollments/search", "status", status=503)
    told = act(stage, "enroll-in-course", record, course=wanted)
    assert told["state"] == "blocked"
    assert repeated(stage, told["callback_id"]) == ["enrolled"]


# --- what somebody else had done is not -------------------------------------------------------------------
def test_an_account_that_was_there_before(stage: Stage) -> None:
    """LearnUpon says since when; a first attempt would have linked it and said so."""
    record, user = stage.contact(MARIA), stage.user(MARIA)
    assert user is not None
    stage.worlds.do(setattr, acme(stage).users[user["id"]], "created_at", long_ago())
    assert repeated(stage, *died(stage, "user-add", record)) == ["already_exists"]


GENUINE: list[tuple[str, dict[str, str], str]] = [
    ("enroll-in-course", {"course": SECURITY}, "already_enrolled"),
    ("unenroll", {"course": REPORTING}, "not_enrolled"),
    ("add-to-group", {"group": "New starters"}, "already_in_group"),
    ("remove-from-group", {"group": "Sales"}, "not_in_group"),
    ("user-add", {}, "already_exists"),
]


@pytest.mark.parametrize(("action", "inputs", "outcome"), GENUINE)
def test_what_was_so_before_the_run(stage: Stage, action: str, inputs: dict[str, str], outcome: str) -> None:
    record = linked(stage)
    find: dict[str, Callable[[Stage, str], str]] = {"course": course, "group": group}
    chosen = {name: find[name](stage, value) for name, value in inputs.items()}
    assert repeated(stage, *died(stage, action, record, **chosen)) == [outcome]


def test_an_invitation_that_was_open_before_the_run(stage: Stage) -> None:
    record = stage.contact(AMARA)
    stage.add(record, action="user-invite")
    assert repeated(stage, *died(stage, "user-invite", record)) == ["already_invited"]
    assert len(stage.mails(AMARA)) == 1


def test_a_neighbour_in_the_dead_worker_s_hands(stage: Stage) -> None:
    """Would catch: a whole slice that is told it did what was so already, because its worker died with another."""
    first, second, sales = linked(stage, YUKI), linked(stage), group(stage, "New starters")
    callbacks = died(stage, "add-to-group", first, second, group=sales)
    assert Delivery.objects.filter(state="waiting", unended=1).count() == 2
    assert repeated(stage, *callbacks) == ["added_to_group", "already_in_group"]


def test_an_enrollment_made_long_before_the_worker_died_asking(stage: Stage) -> None:
    """LearnUpon says since when: that the run had asked is not enough."""
    record, wanted = linked(stage), course(stage, REPORTING)
    (callback,) = died(stage, "enroll-in-course", record, course=wanted)
    (row,) = enrollments(stage, MARIA, wanted)
    stage.worlds.do(setattr, acme(stage).enrollments[row["id"]], "date_enrolled", long_ago())
    assert repeated(stage, callback) == ["already_enrolled"]


def test_what_learnupon_declined_was_not_done_by_the_run(stage: Stage) -> None:
    """It said to come back later, and meanwhile somebody else did it."""
    record, starters = linked(stage, YUKI), group(stage, "New starters")
    stage.fault("learnupon", "/group_memberships", "status", status=429, method="POST", when="before")
    told = act(stage, "add-to-group", record, group=starters)
    assert told["state"] == "blocked"
    join(stage, YUKI, int(starters))
    stage.fresh_limits()
    assert repeated(stage, told["callback_id"]) == ["already_in_group"]


def join(stage: Stage, email: str, group_id: int) -> None:
    world, portal, user = stage.worlds.sandbox.worlds.learnupon, acme(stage), stage.user(email)
    assert user is not None
    there, member = portal.groups[group_id], portal.users[user["id"]]
    stage.worlds.do(their_groups.join, world, portal, there, member, enroll=False)


def test_a_worker_that_was_taken_for_dead_asks_no_more(stage: Stage) -> None:
    record, wanted = linked(stage), course(stage, REPORTING)
    stage.run("enroll-in-course", record, inputs={"portal": "acme", "course": wanted})
    slow = claims.claim(stage.accounts[ACME].pk, Lane.ACTIONS, 10)
    Delivery.objects.filter(state="waiting").update(claim=F("claim") + 1)
    tasks.work(slow, time.monotonic() + 10)
    assert enrollments(stage, MARIA, wanted) == []
    stage.later(hours=1)
    assert len(enrollments(stage, MARIA, wanted)) == 1
