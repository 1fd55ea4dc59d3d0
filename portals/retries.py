"""When to try again: one ladder for everything, from seconds to hours, with jitter."""

import random
from datetime import timedelta
from typing import Protocol

from django.conf import settings

# Seconds before each further attempt; the last rung repeats.
LADDER = (2, 5, 15, 45, 120, 300, 900, 1800, 3600, 7200, 14_400)
JITTER = 0.2  # upwards only, so that the ladder never ends early
ACTION_HOURS = 72  # failed attempts of an action; waits for a budget do not count
PROGRESS_HOURS = 14 * 24
# ASSUMPTION(block-expiry): what HubSpot makes of a callback after the block ran out is not published, so an action
# ends an hour before it would.
BLOCK_DAYS = 7
ANSWER_BEFORE_EXPIRY = timedelta(hours=1)
# What our own code fails on so often, or what so many workers die with one after the other, waits for a person: about
# half an hour of failing, a quarter of an hour of dying.
POISON_ATTEMPTS = 8
UNKNOWN_CALLBACK_SECONDS = (
    900  # a callback can overtake our own 200; after this HubSpot really does not know it
)


class Trouble(Protocol):
    """What went wrong, as an error of a client or a result of a flow says it."""

    @property
    def after(self) -> float: ...
    @property
    def counts(self) -> bool: ...


def wait(attempts: int, trouble: Trouble) -> float:
    """Seconds to wait after failed attempt number `attempts`. A wait that is nobody's failure is as long as it was
    said to be. A failure climbs the ladder, and is not tried before the vendor's own time is over; that is kept to
    the second, while fault tests shrink the ladder."""
    if not trouble.counts:
        return max(trouble.after, 0.0)
    return max(trouble.after, delay(attempts))


def delay(attempts: int) -> float:
    """Seconds after failed attempt number `attempts`."""
    rung = LADDER[min(max(attempts, 1), len(LADDER)) - 1]
    return scaled(rung * random.uniform(1, 1 + JITTER))  # noqa: S311  (spreading, not secrecy)


def scaled(seconds: float) -> float:
    return seconds * float(settings.RETRY_SCALE)


def attempts_in(hours: int) -> int:
    """How many attempts the ladder makes in that time: attempts are counted rather than hours, because time spent
    waiting for a budget is not a failure."""
    left, attempts = hours * 3600.0, 1
    while left > 0:
        left -= LADDER[min(attempts, len(LADDER)) - 1]
        attempts += 1
    return attempts


ACTION_ATTEMPTS = attempts_in(ACTION_HOURS)
PROGRESS_ATTEMPTS = attempts_in(PROGRESS_HOURS)
