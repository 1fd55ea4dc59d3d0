"""When to try again: one ladder for everything, from seconds to hours, with jitter."""

import random
from datetime import timedelta

from django.conf import settings

# Seconds before each further attempt; the last rung repeats.
LADDER = (2, 5, 15, 45, 120, 300, 900, 1800, 3600, 7200, 14_400)
JITTER = 0.2
ACTION_HOURS = 72  # failed attempts of an action; waits for a budget do not count
PROGRESS_HOURS = 14 * 24
# ASSUMPTION(block-expiry): what HubSpot makes of a callback after the block ran out is not published, so an action
# ends an hour before it would.
BLOCK_DAYS = 7
ANSWER_BEFORE_EXPIRY = timedelta(hours=1)
UNKNOWN_CALLBACK_SECONDS = (
    900  # a callback can overtake our own 200; after this HubSpot really does not know it
)


def delay(attempts: int) -> float:
    """Seconds until attempt number `attempts + 1`."""
    rung = LADDER[min(max(attempts, 1), len(LADDER)) - 1]
    return scaled(rung * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311  (spreading, not secrecy)


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
