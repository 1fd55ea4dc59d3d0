"""Wake-ups: one of a kind waits in the queue, however many ask; the next is sent once it has begun."""

import threading
import uuid
from collections.abc import Iterator

import orjson
import pytest
from celery import current_app

from portals.clients.limiter import store
from portals.lanes import Lane
from portals.models import Portal
from tests.webhooks.test_cards import send
from webhooks import nudger
from webhooks.models import Delivery
from webhooks.tasks import drain


@pytest.fixture
def account() -> Iterator[int]:
    number = uuid.uuid4().int % 2**40
    yield number
    for key in store().scan_iter(f"nudged:*:{number}"):
        store().delete(key)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[object]]]:
    calls: list[tuple[str, list[object]]] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, args, **more: calls.append((name, args)))
    return calls


def test_a_burst_puts_one_of_each_kind_into_the_queue(
    account: int, sent: list[tuple[str, list[object]]]
) -> None:
    """A thousand drains of one account stood before every push and every neighbour."""
    for _ in range(50):
        nudger._send(drain.name, Lane.LIVE, account)
        nudger._send("learners.push", Lane.LIVE, account)
    assert sent == [(drain.name, [account, Lane.LIVE]), ("learners.push", [account, Lane.LIVE])]


def test_what_comes_after_one_has_begun_is_not_missed(
    account: int, sent: list[tuple[str, list[object]]]
) -> None:
    nudger._send(drain.name, Lane.LIVE, account)
    nudger._begun(task=drain, args=(account, Lane.LIVE))
    nudger._send(drain.name, Lane.LIVE, account)
    assert len(sent) == 2


def test_a_lost_wake_up_blocks_others_for_seconds_only(account: int) -> None:
    nudger._send("learners.walk", Lane.BULK, account)
    assert 0 < store().ttl(f"nudged:learners.walk:bulk:{account}") <= nudger.QUEUED_SECONDS


def test_wake_ups_go_to_the_queue_of_their_lane(account: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Redis has them, where each worker takes from the lists it was given."""
    queues: list[str] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, queue, **more: queues.append(queue))
    for lane in Lane.values:
        nudger._send(drain.name, lane, account)
    assert queues == Lane.values


def test_a_burst_is_gathered(account: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nudger's own thread: one wake-up of a kind for many requests, and none is lost."""
    sends: list[tuple[str, str, int]] = []
    done = threading.Event()

    def send(task: str, lane: str, account_id: int) -> None:
        sends.append((task, lane, account_id))
        if lane == Lane.BULK:
            done.set()

    monkeypatch.setattr(nudger, "_send", send)
    for _ in range(1000):
        nudger.wake(account, Lane.LIVE)
    nudger.wake(account, Lane.BULK)
    assert done.wait(10)
    mine = [lane for _, lane, number in sends if number == account]
    assert set(mine) == {Lane.LIVE, Lane.BULK}
    assert len(mine) < 100


def test_a_request_does_not_wait_for_a_redis_that_hangs(
    acme_portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The nudger waits for it, in a thread of its own; what arrived is recorded and answered meanwhile."""
    hangs, ended = threading.Event(), threading.Event()
    answered_meanwhile: list[bool] = []

    def asked(*arguments: object) -> None:
        answered_meanwhile.append(hangs.wait(10))
        ended.set()

    monkeypatch.setattr(nudger, "store", asked)
    body = {
        "callbackId": "ap-1001-1-1-0", "origin": {"portalId": acme_portal.account.hub_id},
        "object": {"objectId": 100, "objectType": "CONTACT"}, "inputFields": {"portal": "acme"},
    }  # fmt: skip
    answer = send("POST", "/webhooks/hubspot/actions/user-add", body)
    hangs.set()
    assert orjson.loads(answer.content)["outputFields"]["hs_execution_state"] == "BLOCK"
    assert Delivery.objects.get().portal == acme_portal
    assert ended.wait(10)
    assert answered_meanwhile[0]
