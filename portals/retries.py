"""When to try again: one ladder for everything, from seconds to hours, with jitter, and who climbs which part of it."""

import random
from dataclasses import dataclass
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
# A callback can overtake our own 200; after this HubSpot really does not know it.
UNKNOWN_CALLBACK_SECONDS = 900


class Trouble(Protocol):
    """What went wrong, as an error of a client or a result of a flow says it."""

    @property
    def after(self) -> float: ...
    @property
    def counts(self) -> bool: ...


@dataclass(frozen=True)
class Climb:
    """A part of the ladder: it begins at rung `first`, and rung `last` repeats. Rungs count from 1."""

    first: int = 1
    last: int = len(LADDER)

    def rung(self, attempts: int) -> int:
        """Seconds after failed attempt number `attempts`, before any chance."""
        return LADDER[min(self.first + max(attempts, 1) - 1, self.last) - 1]

    def delay(self, attempts: int) -> float:
        """Seconds after failed attempt number `attempts`."""
        return scaled(self.rung(attempts) * random.uniform(1, 1 + JITTER))  # noqa: S311  (spreading, not secrecy)

    def delays(self) -> list[float]:
        """Every wait in turn; the last one repeats."""
        return [self.delay(attempts) for attempts in range(1, self.last - self.first + 2)]

    def wait(self, attempts: int, trouble: Trouble) -> float:
        """Seconds to wait after failed attempt number `attempts`. A wait that is nobody's failure is as long as it was
        said to be. A failure climbs, and is not tried before the vendor's own time is over; that is kept to the
        second, while fault tests shrink the ladder."""
        if not trouble.counts:
            return max(trouble.after, 0.0)
        return max(trouble.after, self.delay(attempts))

    def attempts_in(self, hours: int) -> int:
        """How many attempts are made in that time: attempts are counted rather than hours, because time spent waiting
        for a budget is not a failure."""
        left, attempts = hours * 3600.0, 1
        while left > 0:
            left -= self.rung(attempts)
            attempts += 1
        return attempts


def scaled(seconds: float) -> float:
    return seconds * float(settings.RETRY_SCALE)


WHOLE = Climb()
wait, delay = WHOLE.wait, WHOLE.delay
# A breaker stays open from 15 seconds to five minutes: one call then asks for everybody who waits.
BREAKER = Climb(first=3, last=6)
# Up to five minutes: a workflow stands still until HubSpot has heard.
CALLBACK = Climb(last=6)
# Up to a quarter of an hour, as far apart as walks begin: one call a portal, and nobody else's walk waits for it.
WALK = Climb(first=3, last=7)
# A learner's own enrollments: the walks bring the same, so there is time.
READ = Climb(first=4)
# From five minutes: a server that greylists looks at who comes back too soon (RFC 5321, 4.5.4.1).
DECLINED_MAIL = Climb(first=6)

ACTION_ATTEMPTS = WHOLE.attempts_in(ACTION_HOURS)
PROGRESS_ATTEMPTS = WHOLE.attempts_in(PROGRESS_HOURS)
MAIL_ATTEMPTS = DECLINED_MAIL.attempts_in(ACTION_HOURS)
