"""How long pages take over HTTP, as a browser next to the server sees it."""

import math
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import requests

from stack.bench.addresses import LIVE
from stack.errors import StackError

TIMEOUT = (5, 60)
LIVE_EVERY = 0.3  # seconds between two views of a page that reads a vendor
UNREAD = "could not be read just now"  # what such a page says instead when its vendor refuses


@dataclass(frozen=True)
class Timing:
    p50: float  # milliseconds
    p95: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Timing":
        return cls(1000 * statistics.median(seconds), 1000 * nearest_rank(seconds, 0.95))


def nearest_rank(values: Sequence[float], part: float) -> float:
    return sorted(values)[math.ceil(part * len(values)) - 1]


class Visitor:
    """A signed-in browser. Each request has a connection of its own, so that all web processes get their share."""

    def __init__(self, home: str, cookies: Mapping[str, str]) -> None:
        self._home = home
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy for addresses on this machine
        self._session.headers["Connection"] = "close"
        self._session.cookies.update(cookies)
        self._number = 0

    def seconds(self, address: str) -> float:
        # Somebody else each time: what may be guessed is limited by address.
        caller = {"X-Forwarded-For": f"10.0.{self._number >> 8}.{self._number & 255}"}
        self._number += 1
        began = time.perf_counter()
        answer = self._session.get(
            f"{self._home}{address}", headers=caller, timeout=TIMEOUT, allow_redirects=False
        )
        took = time.perf_counter() - began
        if answer.status_code != 200 or UNREAD in answer.text:
            raise StackError(f"{address} was answered {answer.status_code}, and is not what was to be timed.")
        return took

    def timings(self, addresses: Mapping[str, str], times: int) -> dict[str, Timing]:
        """Each page `times` times in a row, the first view of it among them."""
        return {name: self._timing(name, address, times) for name, address in addresses.items()}

    def _timing(self, name: str, address: str, times: int) -> Timing:
        found = []
        for _ in range(times):
            if name in LIVE:
                time.sleep(LIVE_EVERY)
            found.append(self.seconds(address))
        return Timing.of(found)
