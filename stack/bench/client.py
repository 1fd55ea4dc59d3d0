"""A lean HTTP client on kept connections: prebuilt requests out, statuses in, and when each was answered.

One thread and one selector, because whatever the client uses of the machine is missing at the server.
"""

import selectors
import socket
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from stack.errors import StackError

CONNECTIONS = 16  # at once, in a closed loop: as many as our web processes have threads
GIVE_UP = 30.0  # seconds for the last answers
HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length:"


@dataclass
class Load:
    """What came back. `took` counts from when a request was due to be sent, whether or not it could be."""

    took: list[float] = field(default_factory=list)
    wrong: int = 0  # answers that were not 200
    seconds: float = 0.0
    cpu: float = 0.0  # the client's own part of one core

    @property
    def per_second(self) -> float:
        return len(self.took) / self.seconds


class _Line:
    """One kept connection, with at most one request under way."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        self.fresh()

    def fresh(self) -> None:
        self.socket = socket.create_connection(self.address, timeout=GIVE_UP)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.due = 0.0
        self.request = b""
        self.got = b""

    def send(self, request: bytes, due: float) -> None:
        self.due, self.request, self.got = due, request, b""
        self.socket.sendall(request)

    def receive(self) -> int | None:
        """The status once the answer is whole; 0 when the server closed the connection instead."""
        try:
            part = self.socket.recv(65536)
        except ConnectionError:
            part = b""
        self.got += part
        if not part:
            return 0
        head, found, body = self.got.partition(HEAD_END)
        if not found:
            return None
        at = head.lower().index(LENGTH) + len(LENGTH)
        length = int(head[at:].split(b"\r\n", 1)[0])
        return int(head[9:12]) if len(body) >= length else None


class Client:
    def __init__(self, home: str) -> None:
        parts = urlsplit(home)
        self._address = (parts.hostname or "", parts.port or 80)
        self._selector = selectors.DefaultSelector()
        self._idle: deque[_Line] = deque()
        self._load = Load()
        self._busy = 0

    def closed_loop(self, requests: Iterator[bytes], seconds: float, connections: int = CONNECTIONS) -> Load:
        """As many as are answered, each connection sending its next request when the last one is answered."""
        self._open(connections)
        began, used = time.perf_counter(), time.process_time()
        end = began + seconds
        while time.perf_counter() < end:
            while self._idle:
                if (request := next(requests, None)) is None:
                    return self._finish(began, used)
                self._send(request, time.perf_counter())
            self._receive(GIVE_UP)
        return self._finish(began, used)

    def open_loop(self, requests: Sequence[bytes], rate: float) -> Load:
        """All of them, at their times, whether or not earlier ones are answered: a slow server gets no rest."""
        self._open(CONNECTIONS)
        began, used = time.perf_counter(), time.process_time()
        for number, request in enumerate(requests):
            due = began + number / rate
            while (wait := due - time.perf_counter()) > 0:
                self._receive(wait)
            if not self._idle:
                self._open(1)
            self._send(request, due)
        return self._finish(began, used)

    def _open(self, number: int) -> None:
        for _ in range(number):
            line = _Line(self._address)
            self._idle.append(line)
            self._selector.register(line.socket, selectors.EVENT_READ, line)

    def _send(self, request: bytes, due: float) -> None:
        self._busy += 1
        line = self._idle.popleft()
        try:
            line.send(request, due)
        except ConnectionError:
            self._again(line, request, due)

    def _again(self, line: _Line, request: bytes, due: float) -> None:
        """The server may close a kept connection at any time between two requests; the request was not worked."""
        self._selector.unregister(line.socket)
        line.socket.close()
        line.fresh()
        self._selector.register(line.socket, selectors.EVENT_READ, line)
        line.send(request, due)

    def _receive(self, patience: float) -> None:
        for key, _ in self._selector.select(patience):
            line: _Line = key.data
            if not line.request:  # closed while idle
                self._idle.remove(line)
                self._selector.unregister(line.socket)
                line.socket.close()
                continue
            status = line.receive()
            if status == 0 and not line.got:
                self._again(line, line.request, line.due)
            elif status is not None:
                self._answered(line, status)

    def _answered(self, line: _Line, status: int) -> None:
        self._load.took.append(time.perf_counter() - line.due)
        self._load.wrong += status != 200
        line.request = b""
        self._busy -= 1
        self._idle.append(line)

    def _finish(self, began: float, used: float) -> Load:
        deadline = time.perf_counter() + GIVE_UP
        while self._busy:
            if time.perf_counter() > deadline:
                raise StackError(f"{self._busy} requests were not answered in {GIVE_UP:g} s.")
            self._receive(0.1)
        self._load.seconds = time.perf_counter() - began
        self._load.cpu = (time.process_time() - used) / self._load.seconds
        for key in list(self._selector.get_map().values()):
            key.data.socket.close()
        self._selector.close()
        return self._load
