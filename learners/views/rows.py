"""Rows of the pages: what a delivery or an enrollment is, in words a person can act on."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from learners.models import Enrollment
from learners.outcomes import OUTCOMES
from learners.views.wording import kind_name, learner_url, record_url
from portals import reasons
from portals.models import Portal
from webhooks.models import Delivery

SOON = timedelta(seconds=settings.CLAIM_SECONDS)


@dataclass(frozen=True)
class DeliveryRow:
    delivery: Delivery
    what: str
    became: str
    record_url: str
    learner_url: str

    @property
    def next_try(self) -> datetime | None:
        waits = self.delivery.state == Delivery.State.WAITING
        return self.delivery.due_at if waits and self.delivery.reason else None

    @property
    def why(self) -> str:
        return reasons.title(self.delivery.why)

    @property
    def advice(self) -> str:
        """What to do next. What is kept no longer cannot be tried again."""
        return reasons.advice(self.delivery.why) if self.delivery.body is not None else ""

    @property
    def tryable(self) -> bool:
        """claims.tryable(), of a row in hand."""
        row = self.delivery
        failed = row.state == Delivery.State.FAILED
        later = row.state == Delivery.State.WAITING and row.due_at > timezone.now() + SOON
        return row.body is not None and (failed or later)


def delivery_rows(portal: Portal, deliveries: Iterable[Delivery]) -> list[DeliveryRow]:
    return [
        DeliveryRow(
            delivery=row,
            what=kind_name(row.kind),
            became=outcome_title(row),
            record_url=record_url(portal.account, row.record_type, row.record_id),
            learner_url=learner_url(portal, row.learnupon_user_id),
        )
        for row in deliveries
    ]


def outcome_title(delivery: Delivery) -> str:
    if delivery.outcome == "folded":  # its reason says all
        return ""
    known = OUTCOMES.get(delivery.outcome)
    return known.title if known else delivery.outcome.replace("_", " ").capitalize()


def sync_state(row: Enrollment) -> tuple[str, str]:
    """A state name for the colour and the words: every enrollment is in sync, waiting, failing or ended."""
    if row.parked_reason and row.due_at is None:
        return "failing", "Not in HubSpot"
    if row.due_at is not None:
        return "waiting", "Waiting"
    if row.pushed_version == row.version:
        return "in_sync", "In HubSpot"
    return "", "Kept here only"
