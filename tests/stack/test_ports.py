"""Ports: a default gives way, a port somebody asked for does not."""

import socket
from collections.abc import Iterator

import pytest

from stack.errors import StackError
from stack.ports import DEFAULTS, HOST, Ports, any_free_port


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.socket() as server:
        server.bind((HOST, 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_busy_default_moves_on_and_says_so(
    busy_port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(DEFAULTS, "WEB_PORT", busy_port)
    ports = Ports({})
    assert ports.choose("WEB_PORT") > busy_port
    assert f"Port {busy_port} is in use, so WEB_PORT is" in capsys.readouterr().out
    ports.release()


def test_a_busy_port_that_was_asked_for_is_an_error_naming_the_variable(busy_port: int) -> None:
    with pytest.raises(StackError, match=rf"WEB_PORT={busy_port}: that port is in use"):
        Ports({"WEB_PORT": str(busy_port)}).choose("WEB_PORT")


@pytest.mark.parametrize("value", ["http", "0", "70000", "-1"])
def test_what_is_no_port_is_refused(value: str) -> None:
    with pytest.raises(StackError, match="is not a port number"):
        Ports({"WEB_PORT": value}).choose("WEB_PORT")


def test_two_runs_never_choose_the_same_port_before_either_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DEFAULTS, "WEB_PORT", any_free_port())
    first, second = Ports({}), Ports({})
    assert first.choose("WEB_PORT") != second.choose("WEB_PORT")
    first.release()
    second.release()
