"""How long progress takes from the moment we know it to HubSpot, today, portal by portal."""

from datetime import datetime, time
from zoneinfo import ZoneInfo

from django.db import connection
from django.utils import timezone

from portals.models import HubSpotAccount

# A percentile, which the ORM cannot say. What was written again unchanged has an old `changed_at` and says nothing.
P95 = """
SELECT portal_id, percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM pushed_at - changed_at))
FROM learners_enrollment
WHERE account_id = %s AND pushed_at >= %s AND changed_at >= %s AND pushed_at >= changed_at
GROUP BY portal_id
"""


def midnight(zone: ZoneInfo | None) -> datetime:
    """When today began there."""
    return timezone.make_aware(datetime.combine(timezone.localdate(timezone=zone), time.min), zone)


def p95(account: HubSpotAccount, since: datetime) -> list[tuple[int, float]]:
    """Portal and seconds within which 95 of 100 changes since that moment stood in HubSpot."""
    with connection.cursor() as cursor:
        cursor.execute(P95, [account.pk, since, since])
        return [(portal, float(seconds)) for portal, seconds in cursor.fetchall()]


def span(seconds: float) -> str:
    """A time as people say it."""
    if seconds < 1:
        return "a second"
    for limit, size, name in ((90, 1, "second"), (90 * 60, 60, "minute"), (36 * 3600, 3600, "hour")):
        if seconds < limit:
            number = max(1, round(seconds / size))
            return f"{number} {name}{'' if number == 1 else 's'}"
    return f"{round(seconds / 86400)} days"
