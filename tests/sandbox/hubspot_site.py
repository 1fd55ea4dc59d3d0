"""Runs the whole sandbox on free ports in a thread, with a stand-in for Hubsync that keeps what it is sent."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import orjson
import requests
from aiohttp import web

from sandbox.hubspot.oauth import REQUIRED, conditional_scopes
from sandbox.options import Configuration
from sandbox.server import Sandbox

T = TypeVar("T")
WAIT = 5.0
APP_ID = 4711
KIND = f"a{APP_ID}_course_enrollment"
PREFIX = f"a{APP_ID}_"
CLIENT = {"client_id": "the-client", "client_secret": "the-secret"}


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


class HubSpotSite:
    def __init__(self) -> None:
        self.received: list[Received] = []
        # What the stand-in answers, in turn; then 200 with an empty object.
        self.answers: list[tuple[int, Any, dict[str, str]]] = []
        self.http = requests.Session()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self) -> None:
        self._thread.start()
        self.run(self._start())

    def stop(self) -> None:
        self.run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self.http.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(WAIT)

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_post("/{path:.*}", self._receive)
        self._hubsync = web.AppRunner(app)
        await self._hubsync.setup()
        await web.TCPSite(self._hubsync, "127.0.0.1", 0).start()
        self.public_url = f"http://127.0.0.1:{self._hubsync.addresses[0][1]}"
        settings = Configuration(0, 0, 0, self.public_url, APP_ID, *CLIENT.values())
        self.sandbox = Sandbox(settings)
        await self.sandbox.start()

    async def _stop(self) -> None:
        await self.sandbox.stop()
        await self._hubsync.cleanup()

    async def _receive(self, request: web.Request) -> web.Response:
        self.received.append(Received(request.raw_path, dict(request.headers), await request.read()))
        status, body, headers = self.answers.pop(0) if self.answers else (200, {}, {})
        return web.json_response(body, status=status, headers=headers)

    def fresh(self) -> None:
        self.control("POST", "reset")
        self.received.clear()
        self.answers.clear()

    def url(self, path: str) -> str:
        return self.sandbox.hubspot_url + path

    def control(self, method: str, name: str, body: Any = None) -> Any:
        answer = self.http.request(method, self.url(f"/_sandbox/{name}"), json=body, timeout=WAIT)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def world(self, *parts: str) -> Any:
        return self.control("GET", f"world?only={','.join(parts)}")

    def wait(self, ready: Callable[[], T]) -> T:
        """The first true answer, within a few seconds."""
        end = time.monotonic() + WAIT
        while time.monotonic() < end:
            found = ready()
            if found:
                return found
            time.sleep(0.01)
        raise AssertionError("it did not happen")

    @property
    def all_scopes(self) -> str:
        return " ".join([*REQUIRED, *conditional_scopes(self.sandbox.worlds.hubspot)])

    def authorize(self, **query: str) -> requests.Response:
        asked = {
            "client_id": CLIENT["client_id"],
            "redirect_uri": f"{self.public_url}/oauth/hubspot/callback",
            "scope": self.all_scopes,
            "state": "a state",
            "_account": "1001",
            **query,
        }
        return self.http.get(self.url("/oauth/authorize"), params=asked, allow_redirects=False, timeout=WAIT)

    def code(self, **query: str) -> str:
        return parse_qs(urlsplit(self.authorize(**query).headers["Location"]).query)["code"][0]

    def token(self, **form: str) -> requests.Response:
        redirect = {"redirect_uri": f"{self.public_url}/oauth/hubspot/callback"}
        return self.http.post(
            self.url("/oauth/2026-09/token"), data={**CLIENT, **redirect, **form}, timeout=WAIT
        )

    def install(self, account: int = 1001, scope: str | None = None) -> "Api":
        code = self.code(_account=str(account), scope=scope or self.all_scopes)
        grant = self.token(grant_type="authorization_code", code=code).json()
        return Api(self, grant["access_token"], grant["refresh_token"])


@dataclass
class Api:
    """Calls as one installed account."""

    site: HubSpotSite
    access_token: str
    refresh_token: str

    def __call__(self, method: str, path: str, body: Any = None) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.access_token}"}
        return self.site.http.request(method, self.site.url(path), json=body, headers=headers, timeout=WAIT)

    def ok(self, method: str, path: str, body: Any = None) -> Any:
        answer = self(method, path, body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def upsert(self, *rows: dict[str, str], traced: bool = False) -> requests.Response:
        """Rows of unprefixed properties with their `key`."""
        inputs = [
            {
                "id": row["key"],
                "idProperty": f"{PREFIX}enrollment_key",
                "properties": {PREFIX + name: value for name, value in row.items() if name != "key"},
                **({"objectWriteTraceId": row["key"]} if traced else {}),
            }
            for row in rows
        ]
        return self("POST", f"/crm/objects/2026-09/{KIND}/batch/upsert", {"inputs": inputs})
