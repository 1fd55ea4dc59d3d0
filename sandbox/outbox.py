"""What the worlds send to Hubsync: queued, signed anew for each attempt, retried, and disturbed on demand."""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
from yarl import URL

from sandbox.errors import ControlError
from sandbox.options import Options

# HubSpot's `maxConcurrentRequests` of our webhooks file; LearnUpon's figure is not known.
CONCURRENT = 10
SHUFFLE_SECONDS = 1.0
ANSWER_KEPT = 65_536
ACKNOWLEDGED_KEPT = 200_000  # the last requests that got a 2xx

Headers = Mapping[str, str] | Callable[[int], Mapping[str, str]]
Body = bytes | Callable[[int], bytes]
Answer = tuple[int | None, bytes, Mapping[str, str]]


def not_taken(status: int | None) -> bool:
    """Anything but a 2xx is tried again."""
    return status is None or not 200 <= status < 300


@dataclass(frozen=True)
class Delivery:
    service: str
    url: str
    body: Body
    headers: Headers
    schedule: Sequence[float]
    timeout: float
    on_answer: Callable[[int | None, bytes], None] | None
    retry_on: Callable[[int | None], bool]
    retry_after_unit: float | None
    may_be_lost: bool


@dataclass
class Rates:
    duplicate: float = 0.0
    shuffle: float = 0.0
    drop: float = 0.0


class Outbox:
    """`on_answer` is called once per delivery, with the answer that ended it (None: nobody answered)."""

    def __init__(self, options: Options) -> None:
        self.rates = Rates()
        # Address and body of what the receiver answered for with a 2xx: it must not be lost there.
        self.acknowledged: deque[tuple[str, bytes]] = deque(maxlen=ACKNOWLEDGED_KEPT)
        self._options = options
        self._random = random.Random(1)  # noqa: S311 - repeatable disturbance, not a secret
        self._tasks: set[asyncio.Task[None]] = set()
        self._lanes: dict[str, asyncio.Semaphore] = {}
        self._session: aiohttp.ClientSession | None = None

    @property
    def under_way(self) -> int:
        return len(self._tasks)

    def set_rates(self, rates: Mapping[str, Any]) -> None:
        for name, rate in rates.items():
            if not hasattr(self.rates, name) or not isinstance(rate, int | float) or not 0 <= rate <= 1:
                raise ControlError(400, "rates are duplicate, shuffle and drop, each from 0 to 1")
        for name, rate in rates.items():
            setattr(self.rates, name, float(rate))

    def post(
        self,
        *,
        service: str,
        url: str,
        body: Body,
        headers: Headers,
        schedule: Sequence[float],
        timeout: float,
        on_answer: Callable[[int | None, bytes], None] | None = None,
        retry_on: Callable[[int | None], bool] = not_taken,
        retry_after_unit: float | None = None,
        may_be_lost: bool = True,
    ) -> None:
        """Queue one delivery. `retry_after_unit`: seconds in one unit of Retry-After, None to ignore it.

        `may_be_lost`: a dropped delivery is gone for good; otherwise only its first attempt is.
        """
        delivery = Delivery(
            service, url, body, headers, schedule, timeout, on_answer, retry_on, retry_after_unit, may_be_lost
        )
        dropped = self._happens(self.rates.drop)
        if not (dropped and may_be_lost):
            self._start(delivery, dropped=dropped)
        if self._happens(self.rates.duplicate):
            self._start(delivery, dropped=False)

    def clear(self) -> None:
        self.rates = Rates()
        self.acknowledged.clear()
        self._random.seed(1)
        for task in self._tasks:
            task.cancel()

    async def close(self) -> None:
        self.clear()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def _happens(self, rate: float) -> bool:
        return rate > 0 and self._random.random() < rate

    def _start(self, delivery: Delivery, *, dropped: bool) -> None:
        task = asyncio.get_running_loop().create_task(self._deliver(delivery, dropped))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, delivery: Delivery, dropped: bool) -> None:
        if self._happens(self.rates.shuffle):
            await asyncio.sleep(self._random.random() * SHUFFLE_SECONDS)
        answer: Answer = (None, b"", {}) if dropped else await self._attempt(delivery, 0)
        for attempt, wait in enumerate(delivery.schedule, start=1):
            if not delivery.retry_on(answer[0]):
                break
            await asyncio.sleep(_wait(delivery, answer, wait) * self._options.time_scale)
            answer = await self._attempt(delivery, attempt)
        if delivery.on_answer is not None:
            delivery.on_answer(answer[0], answer[1])

    async def _attempt(self, delivery: Delivery, attempt: int) -> Answer:
        lane = self._lanes.setdefault(delivery.service, asyncio.Semaphore(CONCURRENT))
        async with lane:
            body = delivery.body(attempt) if callable(delivery.body) else delivery.body
            headers = delivery.headers(attempt) if callable(delivery.headers) else delivery.headers
            try:
                answer = await self._send(delivery.url, body, headers, delivery.timeout)
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
                return None, b"", {}
        if not not_taken(answer[0]):
            self.acknowledged.append((delivery.url, body))
        return answer

    async def _send(self, url: str, body: bytes, headers: Mapping[str, str], timeout: float) -> Answer:
        if self._session is None:
            # A kept connection that the other side closes would look like an answer that never came.
            connector = aiohttp.TCPConnector(force_close=True)
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        whole = aiohttp.ClientTimeout(total=timeout)
        # The address goes out as it was signed, without yarl's own quoting.
        async with self._session.post(
            URL(url, encoded=True), data=body, headers=dict(headers), timeout=whole, allow_redirects=False
        ) as response:
            return response.status, (await response.content.read(ANSWER_KEPT)), response.headers


def _wait(delivery: Delivery, answer: Answer, planned: float) -> float:
    asked = answer[2].get("Retry-After", "")
    if delivery.retry_after_unit is None or not asked.isdecimal():
        return planned
    return int(asked) * delivery.retry_after_unit
