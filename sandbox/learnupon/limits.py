"""LearnUpon's allowance per portal: calls a minute (an option) and 500,000 a week, as observed on real portals."""

from sandbox.learnupon.records import Portal

WEEK_CALLS = 500_000
MINUTE_SECONDS = 60.0


def spend(portal: Portal, now: float, minute_calls: int) -> bool:
    """Count one call; False when the portal has none left. A refused call costs nothing."""
    used = portal.minute
    while used and used[0] <= now - MINUTE_SECONDS:
        used.popleft()
    if len(used) >= minute_calls or portal.week_used >= WEEK_CALLS:
        return False
    used.append(now)
    portal.week_used += 1
    return True


def headers(portal: Portal, minute_calls: int, *, enforced: bool) -> dict[str, str]:
    """Where limits are off the allowance looks untouched, so that a well-behaved caller never waits."""
    minute = len(portal.minute) if enforced else 0
    week = portal.week_used if enforced else 0
    return {
        "X-LU-Rate-Limit-Remaining-Minute": str(minute_calls - minute),
        "X-LU-Rate-Limit-Remaining-Week": str(WEEK_CALLS - week),
    }
