"""One API call and its answer, free of HTTP: what the handlers of this package take and give."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from sandbox.learnupon.errors import Problem
from sandbox.learnupon.records import Portal

if TYPE_CHECKING:
    from sandbox.learnupon.world import LearnUponWorld

T = TypeVar("T")
PAGE_ROWS = 500
# A real header said 499 (docs promise 500): some lists do so here, to catch who counts rows to find the end.
ODD_PAGE_ROWS = 499


@dataclass(slots=True)
class Call:
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: dict[str, Any]

    @property
    def page(self) -> int:
        return max(whole(self.query.get("page")) or 1, 1)

    def id(self, name: str = "id") -> int:
        return whole(self.path.get(name)) or 0

    def wrapped(self, name: str) -> dict[str, Any]:
        """The fields inside the capitalised resource name; empty when the caller did not wrap them."""
        inner = self.body.get(name)
        return inner if isinstance(inner, dict) else {}


@dataclass(slots=True)
class Reply:
    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Handler = Callable[["LearnUponWorld", Portal, Call], Reply]


def whole(value: object) -> int | None:
    """An id as callers send it, as a number or as text; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18:
        return int(value)
    return None


def text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def calendar_day(value: object) -> str:
    """YYYY-MM-DD and no other ISO form, or a ValueError."""
    if not isinstance(value, str) or len(value) != 10 or value[4] + value[7] != "--":
        raise ValueError(value)
    return date.fromisoformat(value).isoformat()


def day(value: object, name: str) -> str | None:
    """A date-only field of a body."""
    try:
        return None if value in (None, "") else calendar_day(value)
    except ValueError:
        raise Problem(400, f"{name}: invalid date, expected YYYY-MM-DD") from None


def paged(
    rows: Collection[T], call: Call, key: str, show: Callable[[T], Any], size: int = PAGE_ROWS, **extra: Any
) -> Reply:
    """One page under `key`, with the LU-* headers; `extra` keys come before the list, as LearnUpon's do."""
    start = (call.page - 1) * size
    shown = [show(row) for row in islice(rows, start, start + size)]
    headers = {
        "LU-Current-Page": str(call.page),
        "LU-Records-Per-Page": str(size),
        "LU-Has-Next-Page": "true" if start + size < len(rows) else "false",
    }
    return Reply({**extra, key: shown}, headers=headers)
