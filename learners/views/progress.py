"""How far a walk is, how fast it goes and what it found, in words and numbers for the backfill page."""

import math
from dataclasses import dataclass

from django.utils import timezone

from learners.models import Walk
from portals.clients import pace
from portals.lanes import Lane

PAGE = 500  # rows of one of LearnUpon's answers
# What linking counts -> what it means, in the order in which the page says it.
COUNTS = {
    "accounts": "Accounts in LearnUpon",
    "would_link": "Would be linked to the HubSpot record with the same e-mail",
    "linked": "Linked; nothing to change",
    "linked_and_updated": "Linked and brought up to date",
    "linked_before": "Linked already",
    "without_record": "No HubSpot record with this e-mail; stored nowhere",
    "disabled": "Disabled in LearnUpon",
    "conflicts": "Need a decision of yours",
    "erased": "Asked to be forgotten; left alone",
}


@dataclass(frozen=True)
class Progress:
    walk: Walk

    @property
    def done(self) -> int:
        return max(self.walk.courses_total - len(self.walk.courses), 0)

    @property
    def per_minute(self) -> int:
        """Rows read in a minute, since the start."""
        return round(self.walk.rows_seen / self._minutes) if self._minutes else 0

    @property
    def minutes_left(self) -> int | None:
        """As many minutes as the courses still to read would take at the speed so far."""
        if not self.done or not self.walk.courses or self.walk.state != Walk.State.RUNNING:
            return None
        return max(1, math.ceil(self._minutes * len(self.walk.courses) / self.done))

    @property
    def _minutes(self) -> float:
        return (timezone.now() - self.walk.started_at).total_seconds() / 60

    @property
    def counts(self) -> list[tuple[str, str, int]]:
        """Code, words and number of all that was counted."""
        return [
            (code, words, n) for code, words in COUNTS.items() if (n := int(self.walk.counts.get(code, 0)))
        ]


@dataclass(frozen=True)
class Estimate:
    """What linking would cost, as a preview counted it."""

    requests: int
    minutes: int


def estimate(preview: Walk) -> Estimate:
    """LearnUpon is asked for each page of its users, and once for each account whose data must be written."""
    pages = math.ceil(preview.rows_seen / PAGE)
    requests = pages + int(preview.counts.get("would_link", 0))
    return Estimate(requests, max(1, math.ceil(requests / pace.per_minute(preview.portal.host, Lane.BULK))))
