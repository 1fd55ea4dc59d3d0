"""Numbers over all rows of a portal: counted each time while that is quick, once a minute where it is not."""

import time
from collections.abc import Callable
from typing import TypeVar, cast

from django.core.cache import cache

Counts = TypeVar("Counts")
QUICK = 0.03  # seconds; whoever has so few rows always sees the newest numbers
KEPT = 60  # seconds


def counted(key: str, count: Callable[[], Counts]) -> Counts:
    """Only sums belong in here, never a person: what is kept outlives an erasure by a minute."""
    kept = cache.get(key)
    if kept is not None:
        return cast(Counts, kept)
    began = time.monotonic()
    found = count()
    if time.monotonic() - began > QUICK:
        cache.set(key, found, KEPT)
    return found


def forget(key: str) -> None:
    cache.delete(key)
