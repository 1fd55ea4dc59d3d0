"""How a step is judged: by conditions on what is there, polled until a deadline, never by sleeping a while."""

import time
from collections.abc import Callable
from typing import TypeVar

POLL_SECONDS = 0.1
DEADLINE = 30.0
Found = TypeVar("Found")


class CheckFailed(Exception):
    """A step did not end as it must; the text says what was found instead."""


def expect(condition: object, otherwise: str) -> None:
    if not condition:
        raise CheckFailed(otherwise)


def until(
    look: Callable[[], Found | None], what: str, *, watch: Callable[[], None], seconds: float = DEADLINE
) -> Found:
    """The first true thing `look` gives. `watch` raises when a process died, so that nobody waits in vain."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        watch()
        if time.monotonic() > deadline:
            raise CheckFailed(f"after {seconds:g} s still not: {what}")
        time.sleep(POLL_SECONDS)
