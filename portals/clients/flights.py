"""Several calls under way at once. Only the wire is concurrent: what came back is recorded one by one, by the thread
that began the calls.
"""

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import Any, TypeVar

from django.db import OperationalError, connections

from portals.clients.errors import Mistake, VendorError

T = TypeVar("T")
logger = logging.getLogger(__name__)


class Flights:
    """`with Flights(6) as flights:` waits at its end for the calls that are under way still."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._pool = ThreadPoolExecutor(most, thread_name_prefix="flight")
        self._under_way: dict[Future[Any], Callable[[], None]] = {}
        self._about: dict[Future[Any], frozenset[int]] = {}

    def __enter__(self) -> "Flights":
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.shutdown()

    @property
    def free(self) -> bool:
        return len(self._under_way) < self._most

    @property
    def under_way(self) -> int:
        return len(self._under_way)

    @property
    def about(self) -> frozenset[int]:
        """The rows that calls under way are about."""
        return frozenset().union(*self._about.values())

    def start(
        self,
        call: Callable[[], T],
        landed: Callable[[T], None],
        failed: Callable[[VendorError], None],
        about: Iterable[int] = (),
    ) -> None:
        """Make a call about these rows; `land` then passes what it brought to `landed`, or the vendor's error to
        `failed`."""
        flight = self._pool.submit(copy_context().run, _made, call)

        def settle() -> None:
            try:
                brought = flight.result()
            except VendorError as error:
                failed(error)
            else:
                landed(brought)

        self._under_way[flight], self._about[flight] = settle, frozenset(about)

    def land(self) -> None:
        """Wait for the next call to end, and record every one that has."""
        ended, _ = wait(self._under_way, return_when=FIRST_COMPLETED)
        for flight in ended:
            del self._about[flight]
            self._under_way.pop(flight)()


def _made(call: Callable[[], T]) -> T:
    try:
        return call()
    except (VendorError, OperationalError):
        raise
    except Exception:
        logger.exception("call failed")
        raise Mistake("Hubsync made a mistake with this one.") from None
    finally:
        connections.close_all()  # this thread's own, should the call have renewed a token
