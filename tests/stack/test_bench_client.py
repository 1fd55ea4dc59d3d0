"""The bench's own client: it counts what it should, whatever the server does, and its requests are what HubSpot sends."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice

import orjson
import pytest

from stack.bench import requests
from stack.bench.client import Client
from stack.environment import CLIENT_SECRET
from webhooks import serializers, signatures

Answer = Callable[[socket.socket, bytes], None]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
ERROR = b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n"
REQUEST = b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"


class Server:
    """Takes every connection in a thread of its own and gives each request to `answer`."""

    def __init__(self) -> None:
        self.answer: Answer = lambda line, request: line.sendall(OK)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.home = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[line], daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with line, suppress(OSError):  # the client, or `answer`, has closed it
            while request := line.recv(65536):
                self.answer(line, request)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()
    yield found
    found.close()


def test_answers_in_pieces_and_wrong_ones_are_counted(server: Server) -> None:
    given = iter([OK, ERROR, OK, ERROR])

    def answer(line: socket.socket, request: bytes) -> None:
        content = next(given)
        line.sendall(content[:20])
        line.sendall(content[20:])

    server.answer = answer
    load = Client(server.home).closed_loop(iter([REQUEST] * 4), seconds=30, connections=1)
    assert (len(load.took), load.wrong) == (4, 2)


def test_an_open_loop_waits_for_no_answer(server: Server) -> None:
    """The first is answered when the last has come: a client that waited would never send it."""
    together = threading.Barrier(40)

    def answer(line: socket.socket, request: bytes) -> None:
        together.wait(20)
        line.sendall(OK)

    server.answer = answer
    load = Client(server.home).open_loop([REQUEST] * 40, rate=10_000)
    assert (len(load.took), load.wrong) == (40, 0)


def test_a_server_that_closes_its_connections_loses_nothing(server: Server) -> None:
    worked: list[bytes] = []

    def answer(line: socket.socket, request: bytes) -> None:
        worked.append(request)
        line.sendall(OK)
        line.close()

    server.answer = answer
    load = Client(server.home).closed_loop(iter([REQUEST] * 20), seconds=30, connections=3)
    assert (len(load.took), load.wrong, len(worked)) == (20, 0, 20)


def test_requests_are_signed_and_plain_and_no_two_alike() -> None:
    home = "http://127.0.0.1:8000"
    made = [
        *islice(requests.actions(home, 1001, "acme", first=5), 3),
        *islice(requests.events(home, 1001, first=5), 2),
    ]
    bodies = []
    for raw in made:
        head, _, body = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        method, path, _ = first.split(" ")
        now = int(headers["X-HubSpot-Request-Timestamp"])
        assert signatures.hubspot_ok([CLIENT_SECRET], method, home + path, body, headers, now)
        assert int(headers["Content-Length"]) == len(body)
        bodies.append(orjson.loads(body))
    assert all(serializers._plain(body) for body in bodies[:3])
    assert len({body["callbackId"] for body in bodies[:3]}) == 3
    assert len({event["eventId"] for events in bodies[3:] for event in events}) == 2 * requests.EVENTS_MOST
