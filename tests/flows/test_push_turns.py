"""An account's turn at pushing: alone, ended by a spent budget, and losing no wake-up on the way."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import pytest
from django.db import connection
from django.db.models.functions import Now

from learners import enrollments, push, push_rows
from learners.models import Enrollment
from learners.push_rows import Due
from portals.clients import limiter
from tests.flows.stage import ACME, GLOBEX, Stage
from tests.flows.test_push import linked, seen, upserts


@contextmanager
def another_worker() -> Iterator[psycopg2.extensions.cursor]:
    """A database session of its own, as another worker process has."""
    other = psycopg2.connect(**{**connection.get_connection_params(), "cursor_factory": None})
    other.autocommit = True
    try:
        with other.cursor() as cursor:
            yield cursor
    finally:
        other.close()


def test_one_slice_of_an_account_at_a_time_and_the_neighbour_unhindered(stage: Stage) -> None:
    """Would catch: a busy account that takes a worker more with every sweep."""
    ours, theirs = linked(stage), linked(stage, "hank.scorpio@globex.example", "globex")
    for learner in (ours, theirs):
        enrollments.take(learner.portal, [seen(1)])
    lock = "SELECT pg_advisory_lock(hashtextextended(%s, 0))"
    with another_worker() as cursor:
        cursor.execute(lock, [f"push {ours.account.pk}"])
        for learner in (ours, theirs):
            assert push.push(learner.account, "live") is None
        assert (len(stage.records(ACME)), len(stage.records(GLOBEX))) == (0, 1)
    # The other worker is gone, and its lock with it.
    stage.wait(lambda: push.push(ours.account, "live") is None and stage.records(ACME))


def test_what_came_while_its_wake_up_was_turned_away_is_not_left_to_the_sweep(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = linked(stage)
    enrollments.take(learner.portal, [seen(1)])
    after_last_look = push_rows.done

    def done(rows: list[Due]) -> None:
        enrollments.take(learner.portal, [seen(2)])
        after_last_look(rows)

    monkeypatch.setattr(push_rows, "done", done)
    assert push.push(learner.account, "live") == 0.0
    monkeypatch.undo()
    assert push.push(learner.account, "live") is None
    assert len(stage.records()) == 2


def test_a_spent_budget_ends_the_turn_with_the_time_to_come_back(stage: Stage) -> None:
    """Would catch: every due row claimed and put off in vain, or waits that count as failures."""
    learner = linked(stage)
    enrollments.take(learner.portal, [seen(number) for number in range(1, 1201)])
    store = limiter.store()
    now = store.time()[0] * 1_000_000
    store.zadd(f"limiter:{ACME}:general", {f"call {n}": now - 2_000_000 for n in range(100)})
    wait = push.push(learner.account, "live")
    assert wait is not None
    assert 1 < wait <= 10
    assert upserts(stage) == 0
    assert (
        Enrollment.objects.filter(claim=0).count() == 1200 - 2 * push.CLAIMED
    )  # six calls' rows, claimed by 500
    assert Enrollment.objects.filter(claim=1, due_at__gt=Now()).count() == 2 * push.CLAIMED
    assert not Enrollment.objects.filter(attempts__gt=0).exists()
    stage.fresh_limits()
    stage.later(seconds=10)
    assert len(stage.records()) == 1200


def test_one_dead_contact_among_many_is_found_in_few_calls(stage: Stage) -> None:
    alive, dead = linked(stage), linked(stage, "bjorn.bergstrom@contoso.example", user_id=778)
    type(dead).objects.filter(pk=dead.pk).update(record_id="99999999")
    rows = [seen(number, user=778 if number == 40 else 777) for number in range(1, 65)]
    enrollments.take(alive.portal, rows)
    stage.work()
    stage.later(minutes=10)
    parked = Enrollment.objects.exclude(parked_reason="").get()
    assert (parked.enrollment_id, parked.due_at) == (40, None)
    assert Enrollment.objects.filter(associated_with=alive.record_id, due_at=None).count() == 63
    assert len(stage.calls_to("hubspot", "/associations/")) <= 13  # 1 + 2 for each halving of 64


def test_a_grant_that_came_too_late_to_be_used_costs_no_wait(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine a thread may get to its call late. Would catch: climbing the ladder of failures for that."""
    learner = linked(stage)
    enrollments.take(learner.portal, [seen(1)])
    monkeypatch.setattr(limiter, "STALE_GRANT_SECONDS", -1.0)
    assert push.push(learner.account, "live") == 0.0
    assert upserts(stage) == 0
    monkeypatch.undo()
    assert push.push(learner.account, "live") is None
    assert len(stage.records()) == 1
