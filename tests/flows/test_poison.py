"""Rows our own code fails on: set aside after a while, their neighbours untouched, and worked again when asked."""

import pytest

from learners import actions, enrollments, people, provisioning, push, runs
from learners.models import Enrollment, Learner
from portals import retries
from portals.clients.batches import Batch, Row
from portals.clients.hubspot import HubSpot
from tests.flows.stage import Stage
from tests.flows.test_push import linked, seen
from webhooks import claims
from webhooks.models import Delivery

POISON = 13


def test_a_delivery_that_breaks_our_code_is_set_aside_and_its_neighbours_go_on(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Would catch: one bad row that holds up its slice for 72 hours, or is given up at the first mistake."""
    contacts = [stage.new_contact(email=f"p{number}@northwind.example") for number in range(5)]
    add = provisioning.add

    def breaks(learner: Learner, person: people.Person, run: runs.Run) -> object:
        if learner.record_id == contacts[2]:
            raise ZeroDivisionError
        return add(learner, person, run)

    monkeypatch.setattr(actions, "user_add", actions._action(breaks, linked=False))  # type: ignore[arg-type]
    monkeypatch.setattr("webhooks.tasks.flow", lambda kind: actions.user_add)
    ours = stage.run("user-add", *contacts)
    stage.work()
    row = Delivery.objects.get(record_id=contacts[2])
    assert (row.state, row.why) == ("waiting", "internal")
    assert row.attempts >= 1
    assert Delivery.objects.filter(outcome="created").count() == 4
    for _ in range(retries.POISON_ATTEMPTS):
        stage.later(hours=5)
    row.refresh_from_db()
    assert (row.state, row.outcome, row.why, row.attempts) == ("failed", "expired", "internal", 8)
    told = stage.execution(ours[2])
    assert (told["state"], told["completions"]) == ("failed", 1)
    monkeypatch.undo()
    monkeypatch.setattr("celery.Task.apply_async", lambda task, args=(), **options: task(*args))
    assert claims.retry(row)
    stage.work()
    row.refresh_from_db()
    assert (row.state, row.outcome, row.why, row.tell) == ("done", "created", "", "told")
    assert stage.execution(ours[2])["completions"] == 1  # HubSpot was told once, and stays told


def test_a_row_whose_answer_breaks_our_code_is_found_by_halving(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = linked(stage)
    enrollments.take(learner.portal, [seen(number) for number in range(1, 65)])
    upsert = HubSpot.upsert

    def breaks(hubspot: HubSpot, object_type: str, inputs: list[Row]) -> Batch:
        batch = upsert(hubspot, object_type, inputs)
        if any(f':{POISON}"' in row.body for row in inputs):
            raise ZeroDivisionError
        return batch

    monkeypatch.setattr(HubSpot, "upsert", breaks)
    stage.work()
    only_the_poison_is_parked(stage, 64)
    monkeypatch.undo()
    monkeypatch.setattr("celery.Task.apply_async", lambda task, args=(), **options: task(*args))
    assert push.retry(learner.account) == 1
    stage.work()
    assert not Enrollment.objects.exclude(parked_reason="").exists()


def only_the_poison_is_parked(stage: Stage, count: int) -> None:
    parked = Enrollment.objects.exclude(parked_reason="").get()
    assert (parked.enrollment_id, parked.due_at, parked.why) == (POISON, None, "internal")
    assert Enrollment.objects.filter(due_at=None, parked_reason="").count() == count - 1


def test_a_mistake_with_every_row_sets_few_aside(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would catch: a bad release that parks a million rows for somebody to bring back."""
    learner = linked(stage)
    enrollments.take(learner.portal, [seen(number) for number in range(1, 301)])

    def breaks(hubspot: HubSpot, object_type: str, inputs: list[Row]) -> Batch:
        raise ZeroDivisionError

    monkeypatch.setattr(HubSpot, "upsert", breaks)
    push.push(learner.account, "live")
    parked = Enrollment.objects.filter(due_at=None).count()
    assert parked <= push.MOST_MISTAKES + push.FLIGHTS
    monkeypatch.undo()
    monkeypatch.setattr("celery.Task.apply_async", lambda task, args=(), **options: task(*args))
    stage.later(minutes=1)
    assert len(stage.records()) == 300 - parked
