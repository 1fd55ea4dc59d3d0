"""HubSpot's rate limits for a marketplace app, per installing account.

https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
"""

import time
from collections import deque

from sandbox.hubspot.errors import rate_limited
from sandbox.options import Options

TEN_SECONDLY = "TEN_SECONDLY_ROLLING"
# name -> (calls, seconds, policy). Search has its own limit and sends no rate headers; associations
# have a limit of their own (150 for professional and enterprise accounts).
BUCKETS = {
    "api": (110, 10.0, TEN_SECONDLY),
    "search": (5, 1.0, "SECONDLY"),
    "associations": (150, 10.0, TEN_SECONDLY),
}


class Limits:
    """Rolling windows of the calls let through. A refused call is not counted [I]."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._calls: dict[tuple[str, int], deque[float]] = {}

    def clear(self) -> None:
        self._calls.clear()

    def take(self, bucket: str, hub_id: int) -> dict[str, str]:
        """Count one call; the rate headers of its answer."""
        if self._options.rate_limits == "off":
            return {}
        most, seconds, policy = BUCKETS[bucket]
        calls = self._calls.setdefault((bucket, hub_id), deque())
        now = time.monotonic()
        while calls and calls[0] <= now - seconds:
            calls.popleft()
        if len(calls) >= most:
            refused = rate_limited(policy)
            refused.headers = _headers(bucket, most, seconds, 0)
            raise refused
        calls.append(now)
        return _headers(bucket, most, seconds, most - len(calls))


def _headers(bucket: str, most: int, seconds: float, remaining: int) -> dict[str, str]:
    if bucket == "search":
        return {}
    return {
        "X-HubSpot-RateLimit-Interval-Milliseconds": str(int(seconds * 1000)),
        "X-HubSpot-RateLimit-Max": str(most),
        "X-HubSpot-RateLimit-Remaining": str(remaining),
    }
