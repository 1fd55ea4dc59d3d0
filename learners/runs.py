"""One run of a workflow's action: what it was given, and what an earlier attempt of it may have done already.

An attempt whose worker died, or whose answer was lost, may have reached LearnUpon. The delivery says so from before
LearnUpon is asked, so that its repeat tells the workflow what the run did, not what it then found.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from portals.clients.errors import Unclear, VendorError
from webhooks import claims
from webhooks.learnupon import moment
from webhooks.models import Delivery

CLOCKS_APART = timedelta(minutes=10)  # how far LearnUpon's clock and ours may differ


class Run:
    """What a step gets: `inputs` of the workflow's step, and `earlier` where an attempt before this one has asked."""

    def __init__(self, delivery: Delivery) -> None:
        self.inputs: dict[str, Any] = (delivery.body or {}).get("inputs") or {}
        self.earlier: datetime | None = delivery.asked_at
        self._delivery = delivery

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Around what the run is for, and nothing else. When LearnUpon clearly says no, it has not been asked."""
        if self._delivery.asked_at:
            yield
            return
        claims.ask(self._delivery, timezone.now())
        try:
            yield
        except Unclear:
            raise
        except VendorError:
            claims.ask(self._delivery, None)
            raise

    def did(self, at: datetime | None) -> bool:
        """Whether an earlier attempt wrote this moment of a learner."""
        return bool(at and self.earlier and at >= self.earlier)

    def made(self, said: Any) -> bool:
        """Whether what LearnUpon dates so can be this run's work; without a date, having asked must do."""
        asked, at = self._delivery.asked_at, moment(said)
        return bool(asked and (at is None or at >= asked - CLOCKS_APART))
