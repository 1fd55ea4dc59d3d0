"""The log of API calls that `GET /_sandbox/requests` shows; never a query, a body or a header."""

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

# Enough for a benchmark's calls; older ones fall out.
KEPT = 200_000


class RequestLog:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._rows: deque[tuple[str, str, str, Any, int, float]] = deque(maxlen=KEPT)

    def now(self) -> float:
        return self._clock()

    def add(self, service: str, method: str, path: str, account: Any, status: int, at: float) -> None:
        """`at`: when the call came, which a slow answer must not move into another window."""
        self._rows.append((service, method, path, account, status, at))

    def rows(self, service: str | None = None, path: str | None = None) -> list[dict[str, Any]]:
        """All calls in order, or those of one service whose path contains a text."""
        return [
            {
                "service": row[0],
                "method": row[1],
                "path": row[2],
                "account": row[3],
                "status": row[4],
                "at": datetime.fromtimestamp(row[5], UTC).isoformat(timespec="milliseconds"),
            }
            for row in self._rows
            if (service is None or row[0] == service) and (path is None or path in row[2])
        ]

    def clear(self) -> None:
        self._rows.clear()
