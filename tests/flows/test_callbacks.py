"""Telling HubSpot how blocked actions ended: in batches, until it has heard, whatever it makes of one of them."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import Settings

from portals.lanes import Lane
from portals.models import HubSpotAccount
from tests.flows.stage import ACME, Stage
from webhooks import callbacks, intake, tasks
from webhooks.intake import Arrival
from webhooks.models import Delivery


def finished(stage: Stage, *callback_ids: str) -> None:
    """Deliveries that are worked, and whose callbacks HubSpot may or may not know."""
    for callback_id in callback_ids:
        intake.record(
            [
                Arrival(account_id=stage.accounts[ACME].pk, kind="hubspot.action.user-add", lane=Lane.ACTIONS, key=callback_id,
                         body={}, callback_id=callback_id, tell="owed", state="done", outcome="created",
                         outputs={"outcome": "created"}, done_at=timezone.now())
            ]
        )  # fmt: skip
    Delivery.objects.filter(tell_due_at=None).update(tell_due_at=timezone.now())


def test_fifty_results_are_told_in_one_call(stage: Stage) -> None:
    contacts = [stage.new_contact(email=f"p{number}@x.example") for number in range(50)]
    Delivery.objects.all().delete()
    ids = stage.run("user-add", *contacts)
    Delivery.objects.update(
        state="done", outcome="created", outputs={"outcome": "created"}, tell_due_at=timezone.now()
    )
    stage.work()
    assert {stage.execution(one)["completions"] for one in ids[:3]} == {1}
    assert len(stage.calls_to("hubspot", "/callbacks")) == 1


def test_one_unknown_callback_costs_the_others_nothing(stage: Stage) -> None:
    (known,) = stage.run("user-add", stage.contact("amara.abara@northwind.example"))
    Delivery.objects.update(
        state="done", outcome="created", outputs={"outcome": "created"}, tell_due_at=timezone.now()
    )
    finished(stage, "ap-unknown")
    stage.work()
    assert stage.execution(known)["state"] == "completed"
    assert Delivery.objects.get(callback_id=known).tell == "told"
    assert Delivery.objects.get(callback_id="ap-unknown").tell == "owed"


def test_one_unknown_callback_among_many_is_found_by_halves(stage: Stage) -> None:
    """Would catch: a call for each of the others."""
    ids = stage.run("user-add", *(stage.new_contact(email=f"h{number}@x.example") for number in range(63)))
    finished(stage, "ap-unknown")
    Delivery.objects.update(
        state="done", outcome="created", outputs={"outcome": "created"}, tell_due_at=timezone.now()
    )
    callbacks.tell(stage.accounts[ACME])
    assert Delivery.objects.filter(tell="told").count() == len(ids) == 63
    assert Delivery.objects.get(tell="owed").callback_id == "ap-unknown"
    # The whole; two halves of each refused batch, of 64 to 2.
    assert len(stage.calls_to("hubspot", "/callbacks")) == 1 + 2 * 6


def test_those_told_without_an_answer_do_not_delay_the_new_ones(stage: Stage) -> None:
    """Would catch: a search by halves among callbacks that HubSpot has heard and knows no more."""
    before = stage.run("user-add", *(stage.new_contact(email=f"b{number}@x.example") for number in range(8)))
    ended = {"state": "done", "outcome": "created", "outputs": {"outcome": "created"}}
    Delivery.objects.update(**ended, tell_due_at=timezone.now())
    stage.fault("hubspot", "/callbacks", "reset", when="after")
    callbacks.tell(stage.accounts[ACME])
    new = stage.run("user-add", *(stage.new_contact(email=f"n{number}@x.example") for number in range(8)))
    Delivery.objects.update(**ended, tell_due_at=timezone.now())
    calls = len(stage.calls_to("hubspot", "/callbacks"))
    callbacks.tell(stage.accounts[ACME])
    assert {stage.execution(one)["state"] for one in [*before, *new]} == {"completed"}
    assert Delivery.objects.filter(tell="told", callback_id__in=new).count() == 8
    assert len(stage.calls_to("hubspot", "/callbacks")) - calls == 1 + 1 + 8


def test_telling_one_by_one_ends_with_the_slice(stage: Stage, settings: Settings) -> None:
    finished(stage, "ap-1")
    finished(stage, "ap-2")
    settings.SLICE_SECONDS = 0
    callbacks.tell(stage.accounts[ACME])
    assert len(stage.calls_to("hubspot", "/callbacks/2026-09/ap-")) == 1
    first, second = Delivery.objects.order_by("tell_due_at")
    assert (first.tell_attempts, second.tell_attempts) == (0, 1)
    stage.wait(lambda: Delivery.objects.filter(tell_due_at__lte=Now()).exists())
    callbacks.tell(stage.accounts[ACME])
    assert len(stage.calls_to("hubspot", "/callbacks/2026-09/ap-")) == 2


def test_an_unknown_callback_is_tried_for_a_quarter_of_an_hour(stage: Stage) -> None:
    """It can overtake our own 200."""
    finished(stage, "ap-unknown")
    stage.work()
    for _ in range(5):
        stage.later(minutes=2)
    assert Delivery.objects.get().tell == "owed"
    stage.later(minutes=6)
    assert Delivery.objects.get().tell == "unknown"
    calls = len(stage.calls_to("hubspot", "/callbacks"))
    stage.later(days=1)
    assert len(stage.calls_to("hubspot", "/callbacks")) == calls


@pytest.mark.parametrize(("kind", "when"), [("status", "before"), ("reset", "after"), ("truncate", "after")])
def test_a_callback_without_an_answer_is_repeated_until_heard(stage: Stage, kind: str, when: str) -> None:
    stage.fault("hubspot", "/callbacks", kind, when=when, status=502)
    (callback,) = stage.run("user-add", stage.contact("amara.abara@northwind.example"))
    stage.work()
    for _ in range(4):
        stage.later(minutes=10)
    row = Delivery.objects.get()
    told = stage.execution(callback)
    assert (told["state"], stage.outcome(told)) == ("completed", "created")
    assert row.tell in ("told", "unknown")
    assert row.tell_due_at is None
    assert len(stage.calls_to("learnupon", "/users", "POST")) == 1  # done once, however often it is told


def test_one_callback_that_failed_often_does_not_hold_up_its_batch_for_hours(stage: Stage) -> None:
    """Workflows stand still until HubSpot has heard."""
    stage.fault("hubspot", "/callbacks", "status", status=503, times=2)
    stage.run("user-add", *[stage.new_contact(email=f"t{number}@x.example") for number in range(2)])
    Delivery.objects.filter(pk=Delivery.objects.earliest("pk").pk).update(tell_attempts=12)
    tasks.sweep()
    waits = [row.tell_due_at - timezone.now() for row in Delivery.objects.all() if row.tell_due_at]
    assert len(waits) == 2
    assert max(waits) < timedelta(minutes=7)


def test_tellers_never_share_a_callback(stage: Stage) -> None:
    ids = stage.run("user-add", *(stage.new_contact(email=f"p{number}@x.example") for number in range(30)))
    Delivery.objects.update(
        state="done", outcome="created", outputs={"outcome": "created"}, tell_due_at=timezone.now()
    )

    def tell() -> None:
        try:
            callbacks.tell(HubSpotAccount.objects.get(hub_id=ACME))
        finally:
            connection.close()

    threads = [threading.Thread(target=tell) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stage.work()
    assert {row["completions"] for row in stage.world("callbacks")} == {1}
    assert Delivery.objects.filter(tell="told").count() == len(ids)
