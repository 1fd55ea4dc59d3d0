"""Whose turn it is: people to be forgotten first, then people who wait, then news; and accounts in turns."""

from typing import Any

import pytest
from celery import Task
from django.test import override_settings

from gdpr.models import Erasure
from portals import tombstones
from portals.lanes import RANK, Lane
from portals.models import HubSpotAccount
from stack.application import EVERY_LANE, WORKERS
from tests.flows.stage import ACME, GLOBEX, Stage
from tests.flows.test_claims import some
from tests.flows.test_push import linked
from tests.flows.test_requests import event
from webhooks import claims, hubspot, intake, nudger, tasks
from webhooks.models import Delivery

Sent = list[tuple[str, int, str]]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """What would stand in the queues: (queue, account, lane), in order."""
    calls: Sent = []

    def apply(task: Task[Any, Any], args: tuple[int, str], queue: str, **options: object) -> None:
        calls.append((queue, *args))

    monkeypatch.setattr(Task, "apply_async", apply)
    monkeypatch.setattr(
        nudger, "wake", lambda account_id, lane, *task: calls.append((lane, account_id, lane))
    )
    return calls


def waiting(account: HubSpotAccount, lane: str) -> int:
    return Delivery.objects.filter(account=account, lane=lane, state=Delivery.State.WAITING).count()


def test_a_privacy_deletion_waits_behind_no_other_event_of_its_account(stage: Stage) -> None:
    account, theirs = stage.accounts[ACME], stage.accounts[GLOBEX]
    learner, other = linked(stage), linked(stage, "hank.scorpio@globex.example", "globex")
    some(account, 250)
    some(theirs, 3)
    intake.record(hubspot.events([event("contact.privacyDeletion", object_id=int(learner.record_id))]))
    tasks.drain(account.pk, Lane.PRIVACY)
    assert Erasure.objects.get().account == account
    assert tombstones.record_is_erased(account, "contact", learner.record_id)
    assert not tombstones.record_is_erased(theirs, "contact", other.record_id)
    # One of the others was about the same person.
    assert (waiting(account, Lane.LIVE), waiting(theirs, Lane.LIVE)) == (249, 3)


def test_the_second_pass_and_the_vendors_share_wait_in_the_same_lane(stage: Stage, sent: Sent) -> None:
    account, learner = stage.accounts[ACME], linked(stage)
    intake.record(hubspot.events([event("contact.privacyDeletion", object_id=int(learner.record_id))]))
    sent.clear()
    tasks.drain(account.pk, Lane.PRIVACY)
    assert ("privacy", account.pk, "privacy") in sent  # gdpr.steps


def test_every_lane_has_a_queue_of_its_own(stage: Stage, sent: Sent) -> None:
    account, theirs = stage.accounts[ACME], stage.accounts[GLOBEX]
    for lane in Lane.values:
        some(account, 2, lane, lane)
    some(theirs, 1, Lane.BULK)
    sent.clear()
    tasks.sweep()
    wanted = [(lane, account.pk, lane) for lane in Lane.values] + [("bulk", theirs.pk, "bulk")]
    assert sorted(sent) == sorted(wanted)


def test_no_lane_can_fill_the_worker_of_a_higher_one() -> None:
    """As make starts them; tests/deploy_checks.py holds the containers to the same."""
    assert sorted(WORKERS.values()) == ["bulk", "live", "privacy,actions"]
    assert sorted(EVERY_LANE.split(",")) == sorted(Lane.values)


def test_the_order_of_the_lanes() -> None:
    assert sorted(RANK, key=RANK.__getitem__) == ["privacy", "actions", "live", "bulk"] == Lane.values


def test_accounts_take_turns(stage: Stage, sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slice that is over goes to the end of its queue, behind a neighbour who asked for little."""
    account, theirs = stage.accounts[ACME], stage.accounts[GLOBEX]
    monkeypatch.setitem(tasks.SLICE, Lane.LIVE, 10)
    some(account, 100)
    some(theirs, 1)
    queue: Sent = [("live", account.pk, "live"), ("live", theirs.pk, "live")]
    worked: list[int] = []
    with override_settings(SLICE_SECONDS=-1):
        while queue:
            _, number, lane = queue.pop(0)
            sent.clear()
            before = waiting(account, Lane.LIVE) + waiting(theirs, Lane.LIVE)
            tasks.drain(number, lane)
            worked += [number] * (before - waiting(account, Lane.LIVE) - waiting(theirs, Lane.LIVE))
            queue += sent
    assert set(worked[: 1 + worked.index(theirs.pk)]) == {account.pk, theirs.pk}
    assert worked.index(theirs.pk) <= 10
    assert (worked.count(account.pk), worked.count(theirs.pk)) == (100, 1)


@pytest.mark.parametrize("lane", Lane.values)
def test_a_lane_is_claimed_alone(stage: Stage, lane: str) -> None:
    account = stage.accounts[ACME]
    for each in Lane.values:
        some(account, 2, each, each)
    rows = claims.claim(account.pk, lane, 10)
    assert {row.lane for row in rows} == {lane}
    assert len(rows) == 2
