"""How long what waits for LearnUpon's allowance will wait, said before anybody asks."""

import math
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min
from django.utils import timezone

from portals.clients import pace
from portals.lanes import Lane
from portals.models import Portal
from webhooks.models import Delivery

CALLS_EACH = 2  # what adding or inviting somebody usually costs
WAITING = "Waiting for LearnUpon's"  # how the reason begins (portals/clients/pace.py)


@dataclass(frozen=True)
class Wait:
    count: int
    minutes: int
    until: datetime  # when the first of them is tried


def wait_of(portal: Portal) -> Wait | None:
    """What waits for the allowance of a portal, and about how many minutes it takes; None when nothing does."""
    waiting = Delivery.objects.filter(
        account=portal.account_id, portal=portal, state=Delivery.State.WAITING, reason__startswith=WAITING
    ).aggregate(count=Count("pk"), first=Min("due_at"))
    if not waiting["count"]:
        return None
    first = max(waiting["first"], timezone.now())
    minutes = (first - timezone.now()).total_seconds() / 60 + _minutes(portal, waiting["count"])
    return Wait(waiting["count"], max(1, math.ceil(minutes)), first)


def _minutes(portal: Portal, count: int) -> float:
    return count * CALLS_EACH / pace.per_minute(portal.host, Lane.ACTIONS)
