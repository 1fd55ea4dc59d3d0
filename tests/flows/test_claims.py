"""Who works on what: claims among threads, and claims that are lost."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from portals import retries
from portals.clients.errors import Reason
from portals.lanes import Lane
from portals.models import HubSpotAccount
from portals.tokens import mark_disconnected
from tests.flows.stage import ACME, GLOBEX, Stage
from webhooks import claims, endings, intake, tasks
from webhooks.intake import Arrival
from webhooks.models import Delivery
from webhooks.results import Done, Later, Result


def some(account: HubSpotAccount, count: int, lane: str = Lane.LIVE, prefix: str = "x") -> None:
    intake.record(
        [
            Arrival(account_id=account.pk, kind="hubspot.contact.deletion", lane=lane, key=f"{prefix}-{account.hub_id}-{number}",
                     record_type="contact", record_id=str(number), body={})
            for number in range(count)
        ]
    )  # fmt: skip


def test_workers_never_share_a_delivery(stage: Stage) -> None:
    account = stage.accounts[ACME]
    some(account, 300)
    taken: list[int] = []
    together = threading.Barrier(4)

    def worker() -> None:
        try:
            together.wait()
            while rows := claims.claim(account.pk, Lane.LIVE, 7):
                taken.extend(row.pk for row in rows)
        finally:
            connection.close()

    threads = [threading.Thread(target=worker) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 300


def test_what_waits_for_a_connection_is_not_taken_from_a_worker(stage: Stage) -> None:
    """Claimed just after the account was connected again, and before the sweep that wakes what waits for that."""
    account = stage.accounts[ACME]
    some(account, 1)
    Delivery.objects.update(why=Reason.DISCONNECTED)
    (mine,) = claims.claim(account.pk, Lane.LIVE, 10)
    claims.resume_reconnected()
    assert claims.claim(account.pk, Lane.LIVE, 10) == []
    assert claims.write(mine, Done("folded"))


def test_a_claim_is_of_one_account_and_lane_oldest_first(stage: Stage) -> None:
    acme, globex = stage.accounts[ACME], stage.accounts[GLOBEX]
    some(acme, 3)
    some(acme, 2, Lane.ACTIONS, "a")
    some(globex, 2)
    rows = claims.claim(acme.pk, Lane.LIVE, 2)
    assert {row.account_id for row in rows} == {acme.pk}
    assert [row.pk for row in rows] == sorted(row.pk for row in rows)
    assert len(claims.claim(acme.pk, Lane.LIVE, 10)) == 1
    assert len(claims.claim(globex.pk, Lane.LIVE, 10)) == 2


def test_a_lost_claim_changes_nothing(stage: Stage) -> None:
    account = stage.accounts[ACME]
    some(account, 1)
    (late,) = claims.claim(account.pk, Lane.LIVE, 1)
    assert claims.claim(account.pk, Lane.LIVE, 1) == []
    Delivery.objects.update(due_at=timezone.now())  # the claim's end
    (now,) = claims.claim(account.pk, Lane.LIVE, 1)
    assert not claims.write(late, Done("paused"))
    assert not claims.write(late, Later("again"))
    claims.release([late])
    assert claims.claim(account.pk, Lane.LIVE, 1) == []  # still the second worker's
    assert claims.write(now, Done("moved", "By the second."))
    assert not claims.write(now, Done("paused"))
    row = Delivery.objects.get()
    assert (row.state, row.outcome, row.attempts) == ("done", "moved", 1)


def test_many_results_are_written_at_once_each_under_its_own_claim(stage: Stage) -> None:
    account = stage.accounts[ACME]
    some(account, 5)
    rows = claims.claim(account.pk, Lane.LIVE, 5)
    lost, done, failed, later, forgotten = rows
    Delivery.objects.filter(pk=lost.pk).update(claim=F("claim") + 1)
    Delivery.objects.update(reason="before", correlation_id="c", tell="owed")
    results: list[Result] = [Done("moved", "Yes."), Done("moved", "It did.", {"more": "ü\"'"}), Done("refused", "No.", ok=False),
               Later("down", why=Reason.DISCONNECTED), Done("not_linked", forget=True)]  # fmt: skip
    assert endings.write(list(zip(rows, results, strict=True))) == {row.pk for row in rows[1:]}
    for row in rows:
        row.refresh_from_db()
    assert (lost.state, lost.reason, lost.attempts, lost.done_at) == ("waiting", "before", 0, None)
    assert (done.state, done.outcome, done.attempts) == ("done", "moved", 1)
    assert done.outputs == {"outcome": "moved", "message": "It did.", "more": "ü\"'"}
    assert (failed.state, failed.why, failed.reason, failed.record_id) == ("failed", "refused", "No.", "2")
    assert (later.state, later.why, later.attempts, later.outputs) == ("waiting", "disconnected", 1, {})
    assert (later.tell_due_at, later.done_at, later.body) == (None, None, {})
    assert later.due_at > timezone.now()
    assert later.first_tried_at
    assert (forgotten.body, forgotten.record_id, forgotten.outputs) == (None, "", {"outcome": "erased"})
    assert all(row.done_at and row.tell_due_at for row in (done, failed, forgotten))


def test_a_flow_that_breaks_costs_only_the_one_that_breaks_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those that had ended but were not written yet, which are worked once more."""

    def flow(deliveries: list[Delivery]) -> Iterator[tuple[Delivery, Result]]:
        for delivery in deliveries:
            yield delivery, Done("moved") if delivery.record_id != "3" else Done(broken())

    def broken() -> str:
        raise ValueError

    monkeypatch.setattr("webhooks.tasks.flow", lambda kind: flow)
    some(stage.accounts[ACME], 6)
    tasks.drain(stage.accounts[ACME].pk, Lane.LIVE)
    assert Delivery.objects.filter(state="done", attempts=1).count() == 5
    left = Delivery.objects.get(state="waiting")
    assert (left.record_id, left.attempts) == ("3", 1)


def test_what_was_given_back_is_due_at_once(stage: Stage) -> None:
    account = stage.accounts[ACME]
    some(account, 3)
    rows = claims.claim(account.pk, Lane.LIVE, 3)
    claims.release(rows[1:])
    assert {row.pk for row in claims.claim(account.pk, Lane.LIVE, 3)} == {row.pk for row in rows[1:]}
    assert not Delivery.objects.exclude(attempts=0).exists()


def test_the_ladder_climbs_and_the_vendor_s_own_wait_is_kept(stage: Stage) -> None:
    account = stage.accounts[ACME]
    some(account, 1)
    waits = []
    for _ in range(5):
        Delivery.objects.update(due_at=timezone.now())
        (row,) = claims.claim(account.pk, Lane.LIVE, 1)
        claims.write(row, Later("down"))
        waits.append((Delivery.objects.get().due_at - timezone.now()).total_seconds())
    assert all(rung * 0.9 < wait < rung * 1.25 for rung, wait in zip(retries.LADDER, waits, strict=False))
    Delivery.objects.update(due_at=timezone.now())
    (row,) = claims.claim(account.pk, Lane.LIVE, 1)
    claims.write(row, Later("full", after=77.0, counts=False))
    after = Delivery.objects.get()
    assert 70 < (after.due_at - timezone.now()).total_seconds() < 78
    assert after.attempts == 5


def test_an_action_ends_before_hubspot_stops_waiting(stage: Stage) -> None:
    account = stage.accounts[ACME]
    intake.record(
        [
            Arrival(
                account_id=account.pk,
                kind="hubspot.action.user-add",
                lane=Lane.ACTIONS,
                key="k",
                body={},
                tell="owed",
            )
        ]
    )
    Delivery.objects.update(received_at=timezone.now() - timedelta(days=6, hours=22, minutes=59))
    (row,) = claims.claim(account.pk, Lane.ACTIONS, 1)
    claims.write(row, Later("full", after=30.0, counts=False))
    assert Delivery.objects.get().state == "waiting"
    Delivery.objects.update(due_at=timezone.now())
    (row,) = claims.claim(account.pk, Lane.ACTIONS, 1)
    claims.write(row, Later("full", after=90.0, counts=False))
    ended = Delivery.objects.get()
    assert (ended.state, ended.outcome) == ("failed", "expired")
    assert ended.tell_due_at is not None


def test_a_lane_of_a_disconnected_account_rests_and_goes_on(stage: Stage) -> None:
    account = stage.accounts[ACME]
    (callback,) = stage.run("user-add", stage.contact("amara.abara@northwind.example"))
    mark_disconnected(account, "BAD_REFRESH_TOKEN")
    stage.later(days=1)
    assert stage.calls_to("learnupon", "/users") == []
    assert Delivery.objects.get().attempts == 0
    installed = stage.grant_again(ACME)
    assert installed.connected
    stage.later(minutes=1)
    assert stage.outcome(stage.execution(callback)) == "created"


def test_retry_by_hand_works_a_failed_delivery_again(stage: Stage) -> None:
    contact = stage.contact("former.colleague@acme.example")
    stage.add(contact)
    row = Delivery.objects.get()
    assert row.outcome == "disabled"
    portal = stage.worlds.sandbox.worlds.learnupon.portals["acme"]
    stage.worlds.do(setattr, portal.by_email["former.colleague@acme.example"], "enabled", True)
    assert claims.retry(row)
    stage.work()
    assert Delivery.objects.get().outcome == "already_exists"
    Delivery.objects.update(claim=F("claim"), body=None)
    assert not claims.retry(Delivery.objects.get())  # an erased one cannot be worked again
