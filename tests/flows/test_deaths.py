"""Deliveries that kill their workers: real Celery workers, killed by the work itself or stopped from outside."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from celery import current_app
from django.db import connection
from django.db.models.functions import Now

from portals import retries
from portals.lanes import Lane
from portals.models import HubSpotAccount
from webhooks import claims, endings, intake
from webhooks.intake import Arrival
from webhooks.models import Delivery
from webhooks.results import Done, Later

WAIT = 60
POISON, SLOW = "13", "14"
ROOT = Path(__file__).parents[2]
WORKER = [
    *(sys.executable, "-m", "celery", "-A", "hubsync", "worker", "-I", "tests.flows.deadly", "-Q", "live"),
    *("-c", "1", "-n", "deadly@%h", "--loglevel", "warning", "--without-gossip", "--without-mingle"),
]


@pytest.fixture
def account(transactional_db: None, acme: HubSpotAccount) -> HubSpotAccount:
    return acme


@pytest.fixture
def worker(account: HubSpotAccount, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker on the tests' own database and Redis."""
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    more = {
        "DATABASE_URL": database.geturl(),
        "POISON": POISON,
        "SLOW": SLOW,
        "AT_WORK": str(tmp_path / "at-work"),
    }
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(WORKER, cwd=ROOT, env=os.environ | more, stdout=log, stderr=log)
        yield process
        process.send_signal(signal.SIGQUIT)  # a cold end
        process.wait(WAIT)


def some(account: HubSpotAccount, *record_ids: str) -> None:
    intake.record(
        [
            Arrival(account_id=account.pk, kind="hubspot.contact.deletion", lane=Lane.LIVE, key=f"x-{record_id}",
                    record_type="contact", record_id=record_id, body={})
            for record_id in record_ids
        ]
    )  # fmt: skip


def wake(account: HubSpotAccount) -> None:
    current_app.send_task("webhooks.drain", args=[account.pk, Lane.LIVE], queue=Lane.LIVE)


def wait(ready: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT
    while not ready():
        assert time.monotonic() < end, list(Delivery.objects.values("record_id", "state", "unended", "claim"))
        time.sleep(0.05)


def time_out(*record_ids: str) -> None:
    """The claims on these run out."""
    Delivery.objects.filter(record_id__in=record_ids, state=Delivery.State.WAITING).update(due_at=Now())


# --- real workers ----------------------------------------------------------------------------------------
def test_a_delivery_that_kills_its_workers_is_set_aside_and_its_neighbours_go_on(
    account: HubSpotAccount, worker: subprocess.Popen[bytes]
) -> None:
    """Would catch: a row that is taken again for ever, and neighbours given up for it."""
    innocent = ("11", "12", "15", "16")
    some(account, *innocent, POISON)
    deaths = retries.POISON_ATTEMPTS - 1
    for death in range(1, deaths + 1):
        wake(account)
        wait(lambda death=death: Delivery.objects.get(record_id=POISON).unended == death)  # type: ignore[misc]
        time_out(POISON, *(innocent if death <= 2 else ()))
    wake(account)
    wait(lambda: not Delivery.objects.filter(state="waiting").exists())
    poison = Delivery.objects.get(record_id=POISON)
    assert (poison.state, poison.outcome, poison.why) == ("failed", "expired", "internal")
    assert poison.reason.startswith(f"Hubsync's workers died {deaths} times")
    neighbours = Delivery.objects.filter(record_id__in=innocent)
    # Taken twice with the poison and once alone.
    assert {(row.state, row.outcome, row.claim, row.unended) for row in neighbours} == {
        ("done", "moved", 3, 0)
    }


def test_a_worker_that_is_asked_to_end_finishes_what_it_has_in_hand(
    account: HubSpotAccount, worker: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    """Would catch: a deploy that counts as a death."""
    some(account, SLOW)
    wake(account)
    wait((tmp_path / "at-work").exists)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(WAIT) == 0
    row = Delivery.objects.get()
    assert (row.state, row.claim, row.unended) == ("done", 1, 0)


# --- what is taken with what -----------------------------------------------------------------------------
def taken(account: HubSpotAccount) -> list[str]:
    return [row.record_id for row in claims.claim(account.pk, Lane.LIVE, 10)]


def test_what_two_workers_died_with_is_taken_alone_in_its_turn(account: HubSpotAccount) -> None:
    some(account, "1", "2")
    assert taken(account) == ["1", "2"]  # and dies
    some(account, "3", "4")
    time_out("1", "2")
    assert taken(account) == ["3", "4"]  # older, and nobody died with them
    assert taken(account) == ["1", "2"]  # with their like: somebody may have stopped the first one
    some(account, "5")
    time_out("1", "2")
    assert [taken(account) for _ in range(4)] == [["5"], ["1"], ["2"], []]


def test_a_claim_that_ends_in_any_way_clears_its_delivery(account: HubSpotAccount) -> None:
    """Would catch: deaths added up over days, until one that was only ever unlucky is given up."""
    some(account, "1", "2", "3")
    taken(account)
    time_out("1", "2", "3")
    taken(account)
    time_out("1", "2", "3")
    for end in (Later("down"), Done("moved")):
        (row,) = claims.claim(account.pk, Lane.LIVE, 10)
        assert row.unended == 3
        endings.write([(row, end)])
        row.refresh_from_db()
        assert row.unended == 0
    (row,) = claims.claim(account.pk, Lane.LIVE, 10)
    claims.release([row])  # no time for it: this claim was no death, the one before still is
    row.refresh_from_db()
    assert row.unended == 2
