"""The probes: alive is alive, ready means that database, broker and workers are."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import Error, InterfaceError, OperationalError, connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from portals.models import HubSpotAccount
from tests.portals.sockets import Peer, SocketServer
from webhooks.models import Delivery


def ready(client: Client) -> tuple[int, dict[str, Any]]:
    answer = client.get("/readyz")
    return answer.status_code, answer.json()


def test_alive_asks_nobody(client: Client) -> None:
    """No database mark on this test: a query would fail it. Nor is the host checked: probes call by address."""
    answer = client.get("/healthz", headers={"Host": "10.0.0.7:8000"})
    assert (answer.status_code, answer.content) == (200, b"ok\n")


@pytest.mark.django_db
def test_ready(client: Client) -> None:
    assert ready(client) == (200, {"ready": True, "database": "ok", "broker": "ok", "work": "ok"})


@pytest.mark.django_db
def test_a_broker_that_is_down(client: Client, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    status, body = ready(client)
    assert (status, body["ready"], body["broker"], body["database"]) == (503, False, "unreachable", "ok")


@pytest.mark.django_db
def test_a_broker_that_hangs_is_asked_once(client: Client, settings: Settings) -> None:
    """An orchestrator's probe gives up after a second or two; retries would make it time out instead of answering."""
    server = SocketServer(Peer.hang)
    settings.REDIS_URL = f"redis://127.0.0.1:{server.port}/0"
    try:
        assert ready(client)[1]["broker"] == "unreachable"
        assert server.accepted == 1
    finally:
        server.stop()


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
    assert answer.json()["work"] == "unknown"
    assert b"hunter2" not in answer.content


@pytest.mark.parametrize(
    ("state", "minutes", "status"),
    [("waiting", 2, 503), ("waiting", -2, 200), ("done", 2, 200), ("failed", 2, 200)],
)
def test_work_that_nobody_does(
    client: Client, acme: HubSpotAccount, state: str, minutes: int, status: int
) -> None:
    Delivery.objects.create(
        account=acme, kind="hubspot.action.user-add", lane="actions", key="k", state=state, body={},
        due_at=timezone.now() - timedelta(minutes=minutes),
    )  # fmt: skip
    assert ready(client)[0] == status
