"""The sandbox on free ports in a thread, a mail server that dies in the middle, and an empty budget."""

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from django.conf import settings

from portals.clients import breaker, limiter
from sandbox.options import Configuration
from sandbox.server import Sandbox

T = TypeVar("T")
WAIT = 30.0  # generous: it is only waited for when something is wrong, or the machine is busy


class Worlds:
    """The sandbox on free ports, on a loop of its own."""

    def __init__(self, public_url: str) -> None:
        secret = settings.HUBSPOT_CLIENT_SECRETS[0]
        app = (int(settings.HUBSPOT_APP_ID), settings.HUBSPOT_CLIENT_ID, secret)
        self.sandbox = Sandbox(Configuration(0, 0, 0, public_url, *app))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self) -> None:
        self._thread.start()
        self.run(self.sandbox.start())

    def stop(self) -> None:
        self.run(self.sandbox.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(WAIT)

    def do(self, deed: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """Change or read the worlds on their own loop."""

        async def call() -> T:
            return deed(*arguments, **named)

        return self.run(call())

    @property
    def quiet(self) -> bool:
        """Nothing is on its way to Hubsync, nor gathered to be sent. Asked on the worlds' own loop: from here something
        could be seen in neither place, just as it goes from the one to the other."""
        return self.do(self._quiet)

    def _quiet(self) -> bool:
        worlds = self.sandbox.worlds
        gathered = worlds.hubspot.events._waiting or any(worlds.learnupon.announcer._waiting.values())
        return not gathered and worlds.outbox.under_way == 0


@contextmanager
def deaf_mail_server() -> Iterator[int]:
    """A mail server that takes a whole mail and dies before it says so; its port."""
    with _mail_server(_swallow) as port:
        yield port


@contextmanager
def declining_mail_server() -> Iterator[int]:
    """A mail server that takes one connection and nobody's mail for the time being; its port."""
    with _mail_server(partial(_swallow, recipient=b"451 greylisted, come back later\r\n")) as port:
        yield port


@contextmanager
def _mail_server(speak: Callable[[socket.socket], None]) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=speak, args=(listener,), daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.close()
    thread.join()


def _swallow(listener: socket.socket, recipient: bytes = b"250 ok\r\n") -> None:
    """Speak SMTP up to the end of the mail's text, then hang up."""
    connection, _ = listener.accept()
    with connection, connection.makefile("rwb") as talk:
        talk.write(b"220 deaf\r\n")
        talk.flush()
        for line in talk:
            if line == b".\r\n":
                return
            if line.upper().startswith(b"RCPT"):
                talk.write(recipient)
            elif line.upper().startswith((b"EHLO", b"MAIL", b"RSET")):
                talk.write(b"250 ok\r\n")
            elif line.upper().startswith(b"DATA"):
                talk.write(b"354 go on\r\n")
            talk.flush()


def fresh_limiter() -> None:
    """An empty budget whose epoch is long past, in this suite's own Redis database."""
    store = limiter.store()
    for pattern in ("limiter:*", "pace:*", "breaker*"):
        if keys := list(store.scan_iter(pattern)):
            store.delete(*keys)
    seconds, micro = store.time()
    store.set("limiter:epoch", (seconds - 60) * 1_000_000 + micro)


def hurry_breakers(seconds: float) -> None:
    """As much later by the clock of the breakers."""
    store = limiter.store()
    for key in store.smembers(breaker.OPEN):
        store.hincrbyfloat(key, "until", -seconds * 1e6)
