"""The probes: alive is alive, ready means that database, broker and workers are."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.db import Error, InterfaceError, OperationalError, ProgrammingError, connection
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from hubsync import health
from portals.clients import limiter
from portals.models import HubSpotAccount
from tests.portals.sockets import Peer, Script, SocketServer
from webhooks import heartbeats
from webhooks.models import Delivery, Heartbeat


def ready(client: Client) -> tuple[int, dict[str, Any]]:
    answer = client.get("/readyz")
    return answer.status_code, answer.json()


def test_alive_asks_nobody(client: Client) -> None:
    """No database mark on this test: a query would fail it. Nor is the host checked: probes call by address."""
    answer = client.get("/healthz", headers={"Host": "10.0.0.7:8000"})
    assert (answer.status_code, answer.content) == (200, b"ok\n")


@pytest.fixture
def signs(db: None) -> None:
    for name in Heartbeat.Name:
        heartbeats.write(name)


WELL = {"ready": True, "database": "ok", "broker": "ok", "beat": "ok", "worker": "ok", "work": "ok"}


@pytest.mark.usefixtures("signs")
def test_ready(client: Client) -> None:
    assert ready(client) == (200, WELL)


@pytest.mark.django_db
def test_before_anything_has_ticked(client: Client) -> None:
    status, body = ready(client)
    assert (status, body["beat"], body["worker"]) == (503, "has never been seen", "has never been seen")


@pytest.mark.usefixtures("signs")
@pytest.mark.parametrize(
    ("name", "seconds", "status"),
    [("beat", 4, 200), ("beat", 8, 503), ("worker", 30, 200), ("worker", 61, 503)],
)
def test_signs_of_life_grow_old(client: Client, name: str, seconds: int, status: int) -> None:
    """Beat ticks every two seconds; workers may be busy for some slices before they take a tick."""
    Heartbeat.objects.filter(name=name).update(at=Now() - timedelta(seconds=seconds))
    assert ready(client)[0] == status


def test_a_second_sign_replaces_the_first(signs: None) -> None:
    Heartbeat.objects.update(at=Now() - timedelta(hours=1))
    heartbeats.write(Heartbeat.Name.BEAT)
    ages = heartbeats.ages()
    assert ages["beat"] < 60 < ages["worker"]


@pytest.mark.django_db
def test_whether_this_process_can_take_things_in(client: Client, settings: Settings) -> None:
    """Kubernetes asks this of each web pod: neither beat nor the broker may take all of them out of service."""
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    answer = client.get("/readyz?only=database")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "database": "ok"})


@pytest.mark.django_db
def test_a_red_probe_is_no_error_of_ours(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """Django logs every 503; each probe would be an error report."""
    assert ready(client)[0] == 503
    assert caplog.records == []


Brokers = Callable[[int], None]
Peers = Callable[[Script], SocketServer]


@pytest.fixture
def broker(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Brokers]:
    """Another Redis, by its port."""
    made: list[redis.Redis] = []

    def at(port: int) -> None:
        settings.REDIS_URL = f"redis://127.0.0.1:{port}/0"
        made.append(limiter.store.__wrapped__())
        monkeypatch.setattr(health, "store", lambda: made[0])

    yield at
    made[0].close()


@pytest.fixture
def peer() -> Iterator[Peers]:
    started: list[SocketServer] = []

    def start(script: Script) -> SocketServer:
        started.append(SocketServer(script))
        return started[-1]

    yield start
    for server in started:
        server.stop()


REPLIES = {b"HELLO": b"%1\r\n+proto\r\n:3\r\n", b"PING": b"+PONG\r\n"}


def answers(peer: Peer, times: int) -> None:
    """As Redis does, until it was asked whether it is there so many times."""
    while times > 0 and (asked := peer.connection.recv(65536)):
        command = asked.split(b"\r\n")[2]  # behind how many words there are, and how long the first is
        peer.send(REPLIES.get(command, b"+OK\r\n"))
        times -= command == b"PING"


@pytest.mark.django_db
def test_a_broker_that_is_down(client: Client, broker: Brokers) -> None:
    broker(1)
    status, body = ready(client)
    assert (status, body["ready"], body["broker"], body["database"]) == (503, False, "unreachable", "ok")


@pytest.mark.django_db
def test_a_broker_that_hangs_is_asked_once(client: Client, broker: Brokers, peer: Peers) -> None:
    """An orchestrator's probe gives up after a second or two; retries would make it time out instead of answering."""
    server = peer(Peer.hang)
    broker(server.port)
    assert ready(client)[1]["broker"] == "unreachable"
    assert server.accepted == 1


@pytest.mark.usefixtures("signs")
def test_however_often_it_is_asked_redis_accepts_one_connection(
    client: Client, broker: Brokers, peer: Peers
) -> None:
    """The address is public; each call of a stranger would else cost Redis a connection."""
    server = peer(lambda one: answers(one, 100))
    broker(server.port)
    assert [ready(client)[1]["broker"] for _ in range(5)] == ["ok"] * 5
    assert server.accepted == 1


@pytest.mark.usefixtures("signs")
def test_a_connection_that_was_kept_hides_no_hanging_broker(
    client: Client, broker: Brokers, peer: Peers
) -> None:
    def well_at_first(one: Peer) -> None:
        answers(one, 1)
        one.hang()

    broker(peer(well_at_first).port)
    assert [ready(client)[1]["broker"] for _ in range(2)] == ["ok", "unreachable"]


@pytest.mark.usefixtures("signs")
def test_a_broker_that_was_started_again_is_well_at_once(
    client: Client, broker: Brokers, peer: Peers
) -> None:
    """The connection that was kept is closed by then."""
    server = peer(lambda one: answers(one, 1))
    broker(server.port)
    assert [ready(client)[1]["broker"] for _ in range(3)] == ["ok"] * 3
    assert server.accepted == 3


@pytest.mark.django_db
@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_database_that_is_down(client: Client, monkeypatch: pytest.MonkeyPatch, error: type[Error]) -> None:
    def refuse(*args: Any) -> None:
        raise error("connection already closed: password=hunter2")

    monkeypatch.setattr(connection, "cursor", refuse)
    monkeypatch.setattr(connection, "close", lambda: None)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["database"] == "unreachable"
    assert {answer.json()[part] for part in ("beat", "worker", "work")} == {"unknown"}
    assert b"hunter2" not in answer.content


@pytest.mark.parametrize(
    ("state", "minutes", "status"),
    [("waiting", 2, 503), ("waiting", -2, 200), ("done", 2, 200), ("failed", 2, 200)],
)
def test_work_that_nobody_does(
    client: Client, signs: None, acme: HubSpotAccount, state: str, minutes: int, status: int
) -> None:
    Delivery.objects.create(
        account=acme, kind="hubspot.action.user-add", lane="actions", key="k", state=state, body={},
        due_at=timezone.now() - timedelta(minutes=minutes),
    )  # fmt: skip
    assert ready(client)[0] == status


@pytest.mark.parametrize(("lane", "status"), [("actions", 200), ("live", 503)])
def test_what_rests_with_a_disconnected_account(
    client: Client, signs: None, acme: HubSpotAccount, lane: str, status: int
) -> None:
    """One customer uninstalls with workflow steps under way: that must not take the whole service down."""
    HubSpotAccount.objects.update(state=HubSpotAccount.State.DISCONNECTED)
    Delivery.objects.create(
        account=acme, kind="hubspot.action.user-add", lane=lane, key="k", body={},
        due_at=timezone.now() - timedelta(minutes=2),
    )  # fmt: skip
    assert ready(client)[0] == status


@pytest.mark.django_db
def test_a_database_without_our_tables(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the first migration; every part is named all the same."""

    def refuse() -> None:
        raise ProgrammingError('relation "webhooks_heartbeat" does not exist')

    monkeypatch.setattr(heartbeats, "ages", refuse)
    monkeypatch.setattr(connection, "close", lambda: None)
    status, body = ready(client)
    assert (status, body["database"]) == (503, "does not answer questions")
    assert set(body) == set(WELL)
