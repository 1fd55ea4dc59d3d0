"""Runs the sandbox's LearnUpon on a free port in a thread, with a receiver for what it sends."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
import requests
from aiohttp import web

from sandbox.learnupon.routes import add_routes
from sandbox.learnupon.world import LearnUponWorld
from sandbox.mail import MailSink
from sandbox.options import Options
from sandbox.outbox import Outbox

T = TypeVar("T")
WAIT = 5
HOOK_SECRET = "hook-secret"


@dataclass
class Received:
    headers: dict[str, str]
    body: bytes

    @property
    def events(self) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = orjson.loads(self.body)["data"]
        return events


class Site:
    def __init__(self) -> None:
        self.options = Options()
        self.outbox = Outbox(self.options)
        self.mails = MailSink()
        self.now = 1_790_000_000.0
        self.world = LearnUponWorld(self.options, self.outbox, self.mails, lambda: self.now)
        self.received: list[Received] = []
        self.answers: list[int] = []
        self._got = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._session = requests.Session()

    def start(self) -> None:
        self._thread.start()
        self.world.base_url = self.run_async(self._listen())

    def stop(self) -> None:
        self.run_async(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._session.close()

    def fresh(self) -> None:
        """As at the start, for the next test."""
        self.do(self.outbox.clear)
        self.options.reset()
        self.do(self.world.reset)
        self._session.cookies.clear()
        self.received.clear()
        self.answers.clear()

    async def _listen(self) -> str:
        app = web.Application()
        add_routes(app, self.world)
        app.router.add_post("/receiver", self._receive)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def _receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        with self._got:
            self.received.append(Received(dict(request.headers), body))
            self._got.notify_all()
        return web.Response(status=self.answers.pop(0) if self.answers else 200)

    async def _close(self) -> None:
        await self.outbox.close()
        await self._runner.cleanup()

    def run_async(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(WAIT)

    def do(self, deed: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """Change the world the way the control does: on its own loop."""

        async def call() -> T:
            return deed(*arguments, **named)

        done: T = self.run_async(call())
        return done

    def wait_for(self, count: int) -> list[Received]:
        with self._got:
            assert self._got.wait_for(lambda: len(self.received) >= count, WAIT)
        return self.received

    def listen_to(self, portal: str = "acme", secret: str = HOOK_SECRET) -> None:
        self.do(self.world.set_webhook, portal, f"{self.world.base_url}/receiver", secret)

    def api(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        portal: str = "acme",
        keys: tuple[str, str] | None = None,
        **options: Any,
    ) -> requests.Response:
        held = self.world.portals[portal]
        return self._session.request(
            method,
            f"{self.world.base_url}/{portal}/api/v1{path}",
            json=body,
            auth=keys or (held.key, held.secret),
            timeout=WAIT,
            **options,
        )

    def open(self, method: str, path: str, fields: dict[str, str] | None = None) -> requests.Response:
        """A person's browser: `path` may be a whole link from a mail."""
        url = path if path.startswith("http") else self.world.base_url + path
        return self._session.request(method, url, data=fields, timeout=WAIT)
