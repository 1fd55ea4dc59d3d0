"""Pages of a long list by key: the newest first, and as quick at the millionth row as at the first."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import QueryDict

Row = TypeVar("Row", bound=Model)
SIZE = 50


@dataclass(frozen=True)
class Window(Generic[Row]):
    rows: list[Row]
    newer: int | None  # ask for what comes after this key
    older: int | None  # ask for what comes before it


def window(rows: QuerySet[Row], query: QueryDict, by: str = "", size: int = SIZE) -> Window[Row]:
    """The part of `rows` that `?before=` or `?after=` a primary key asks for; `by` is a moment to order by first."""
    before, after = _key(query, "before"), _key(query, "after")
    if after is not None and before is None:
        order = [by, "pk"] if by else ["pk"]
        found = list(rows.filter(_beyond(rows, by, after, "gt")).order_by(*order)[: size + 1])
        more, shown = len(found) > size, found[:size][::-1]
        return Window(shown, _first(shown) if more else None, _last(shown))
    order = [f"-{by}", "-pk"] if by else ["-pk"]
    if before is not None:
        rows = rows.filter(_beyond(rows, by, before, "lt"))
    found = list(rows.order_by(*order)[: size + 1])
    shown = found[:size]
    return Window(
        shown, _first(shown) if before is not None else None, _last(shown) if len(found) > size else None
    )


def _key(query: QueryDict, name: str) -> int | None:
    value = query.get(name, "")
    return int(value) if value.isdecimal() and len(value) < 19 else None


def _beyond(rows: QuerySet[Row], by: str, key: int, side: str) -> Q:
    if not by:
        return Q(**{f"pk__{side}": key})
    moment = rows.filter(pk=key).values_list(by, flat=True).first()
    if moment is None:
        return Q()
    return Q(**{f"{by}__{side}": moment}) | Q(**{by: moment, f"pk__{side}": key})


def _first(shown: list[Row]) -> int | None:
    return shown[0].pk if shown else None


def _last(shown: list[Row]) -> int | None:
    return shown[-1].pk if shown else None
