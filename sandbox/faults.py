"""Faults that a test asks for: which calls they meet, and how the answer is spoilt."""

import asyncio
import math
import random
import re
import socket
import struct
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from sandbox.errors import ControlError

KINDS = ("status", "delay", "reset", "truncate", "drip")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
# The body this vendor sends with a status.
VendorBody = Callable[[int], bytes]


@dataclass
class Fault:
    service: str
    path: str
    kind: str
    status: int = 503
    seconds: float = 1.0
    rate: float = 1.0
    times: int | None = None
    lasts: float | None = None  # seconds from now on; None: until it is taken away
    when: str = "before"
    method: str | None = None
    account: int | str | None = None  # only calls for this HubSpot account, or LearnUpon subdomain
    headers: dict[str, str] | None = None
    body: Any = None
    hits: int = 0

    def __post_init__(self) -> None:
        if self.service not in ("hubspot", "learnupon", "*") or self.kind not in KINDS:
            raise ControlError(400, f"service is hubspot, learnupon or *; kind is one of {', '.join(KINDS)}")
        if self.when not in ("before", "after") or not 0 <= self.rate <= 1:
            raise ControlError(400, "when is before or after; rate is from 0 to 1")
        self._over = math.inf if self.lasts is None else time.monotonic() + self.lasts
        try:
            self._pattern = re.compile(self.path)
        except re.error as error:
            raise ControlError(400, f"path is not a regular expression: {error}") from error

    def meets(self, service: str, request: web.Request, account: object) -> bool:
        if (self.times is not None and self.hits >= self.times) or time.monotonic() > self._over:
            return False
        if self.account is not None and self.account != account:
            return False
        if self.service not in (service, "*") or (self.method or request.method) != request.method:
            return False
        return self._pattern.search(request.path) is not None

    def as_dict(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}


class Faults:
    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._random = random.Random(1)  # noqa: S311 - repeatable disturbance, not a secret

    def add(self, wanted: Mapping[str, Any]) -> Fault:
        try:
            fault = Fault(**{**wanted, "path": wanted.get("path", ""), "hits": 0})
        except TypeError as error:
            raise ControlError(400, f"not a fault: {error}") from error
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        self._faults.clear()
        self._random.seed(1)

    def rows(self) -> list[dict[str, Any]]:
        return [fault.as_dict() for fault in self._faults]

    def strike(self, service: str, request: web.Request, account: object) -> Fault | None:
        """The first fault that meets this call, counted."""
        for fault in self._faults:
            if fault.meets(service, request, account) and self._random.random() < fault.rate:
                fault.hits += 1
                return fault
        return None


async def apply(fault: Fault, request: web.Request, handler: Handler, body: VendorBody) -> web.StreamResponse:
    """`after`: the handler has done its work and only its answer is lost."""
    if fault.kind == "delay":
        return await _delayed(fault, request, handler)
    if fault.kind == "drip":
        return await _dripped(fault, request, await handler(request))
    answer = await handler(request) if fault.when == "after" else None
    if fault.kind == "reset":
        return reset(request)
    if fault.kind == "truncate":
        return await _truncated(request, answer if answer is not None else await handler(request))
    return _status(fault, body)


def _status(fault: Fault, body: VendorBody) -> web.Response:
    content = body(fault.status) if fault.body is None else orjson.dumps(fault.body)
    return web.Response(
        status=fault.status, body=content, content_type="application/json", headers=fault.headers
    )


async def _delayed(fault: Fault, request: web.Request, handler: Handler) -> web.StreamResponse:
    if fault.when == "before":
        await asyncio.sleep(fault.seconds)
        return await handler(request)
    answer = await handler(request)
    await asyncio.sleep(fault.seconds)
    return answer


def reset(request: web.Request) -> web.Response:
    """End the connection with a TCP reset: no linger, then close."""
    if request.transport is not None:
        connection = request.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
    return web.Response(status=500)


def _content(answer: web.StreamResponse) -> bytes:
    return answer.body if isinstance(answer, web.Response) and isinstance(answer.body, bytes) else b"{}"


async def _truncated(request: web.Request, answer: web.StreamResponse) -> web.StreamResponse:
    """Promise more than is sent, then close."""
    content = _content(answer)
    cut = web.StreamResponse(status=answer.status)
    cut.content_type = "application/json"
    cut.content_length = len(content) + 512
    cut.force_close()
    await cut.prepare(request)
    await cut.write(content[: len(content) // 2])
    if request.transport is not None:
        request.transport.close()
    return cut


async def _dripped(fault: Fault, request: web.Request, answer: web.StreamResponse) -> web.StreamResponse:
    """Send the true answer, a few bytes at a time over `seconds`: each read comes back in time."""
    content = _content(answer)
    slow = web.StreamResponse(status=answer.status)
    slow.content_type = "application/json"
    slow.content_length = len(content)
    await slow.prepare(request)
    step = max(1, len(content) // 20)
    for start in range(0, len(content), step):
        await asyncio.sleep(fault.seconds * step / max(1, len(content)))
        await slow.write(content[start : start + step])
    await slow.write_eof()
    return slow
