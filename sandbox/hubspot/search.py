"""Search: filters over what the index knows, which is a moment behind.

https://developers.hubspot.com/docs/api-reference/legacy/crm/search-the-crm
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sandbox.hubspot.call import Answer, Call
from sandbox.hubspot.errors import invalid
from sandbox.hubspot.objects import present, read_names
from sandbox.hubspot.records import Store, Values
from sandbox.hubspot.values import Property

LONGEST_BODY = 3000
GROUPS, FILTERS, ALL_FILTERS = 5, 6, 18
PAGE, REACH = 200, 10_000
Row = dict[str, Any]


def search(call: Call) -> Answer:
    store = call.store("view")
    body = call.body()
    limit, after = _paging(body)
    groups = _groups(body)
    if len(call.raw) > LONGEST_BODY:
        raise invalid(f"The request body is longer than {LONGEST_BODY} characters")
    store.settle(call.world.clock())
    ids = _sorted(store, _matching(store, groups, str(body.get("query") or "")), body.get("sorts") or [])
    names = read_names(store, [str(name) for name in body.get("properties") or []])
    page = [store.records[id] for id in ids[after : after + limit]]
    answer: Row = {"total": len(ids), "results": [present(call, store, record, names) for record in page]}
    if after + limit < len(ids):
        answer["paging"] = {"next": {"after": str(after + limit)}}
    return 200, answer


def _paging(body: Row) -> tuple[int, int]:
    limit = body.get("limit", 10)
    if isinstance(limit, bool) or not isinstance(limit, int) or not 0 <= limit <= PAGE:
        raise invalid(f"Invalid input: limit must be between 0 and {PAGE}")
    after = str(body.get("after") or "0")
    if not after.isdecimal():
        raise invalid(f"Invalid input: after {after!r} is not a paging cursor")
    if int(after) + limit > REACH:
        raise invalid(f"Paging beyond {REACH} results is not possible")
    return limit, int(after)


def _groups(body: Row) -> list[list[Row]]:
    groups = [group.get("filters") or [] for group in body.get("filterGroups") or []]
    if len(groups) > GROUPS:
        raise invalid(f"There were {len(groups)} filterGroups; the maximum is {GROUPS}")
    if any(len(filters) > FILTERS for filters in groups) or sum(map(len, groups)) > ALL_FILTERS:
        raise invalid(f"At most {FILTERS} filters are possible in a filterGroup and {ALL_FILTERS} in all")
    return groups


def _matching(store: Store, groups: list[list[Row]], query: str) -> Iterator[str]:
    """Ids in order of creation. One that equals a unique value is looked up, not searched for."""
    tests = [[_test(store, row) for row in filters] for filters in groups]
    for id in _candidates(store, groups):
        held = store.indexed.get(id)
        if held is None or id not in store.records or store.records[id].archived_at is not None:
            continue
        if tests and not any(all(test(held) for test in group) for group in tests):
            continue
        if query and not any(query.lower() in value.lower() for value in held.values()):
            continue
        yield id


def _candidates(store: Store, groups: list[list[Row]]) -> Iterable[str]:
    if len(groups) == 1:
        for row in groups[0]:
            name, value = str(row.get("propertyName", "")), str(row.get("value", ""))
            if row.get("operator") == "EQ" and name == "hs_object_id":
                return [value]
            if row.get("operator") == "EQ" and name in store.unique:
                holder = store.holder(name, value)
                return [] if holder is None else [holder]
    return list(store.indexed)


def _test(store: Store, row: Row) -> Callable[[Values], bool]:
    name, operator = str(row.get("propertyName", "")), str(row.get("operator", ""))
    definition = store.definitions.get(name)
    if definition is None:
        raise invalid(f"There was a problem with the request: property {name} does not exist")
    if operator == "HAS_PROPERTY":
        return lambda held: name in held
    if operator == "NOT_HAS_PROPERTY":
        return lambda held: name not in held
    values = [_comparable(definition, value) for value in _values_of(row, operator)]
    compare = _OPERATORS.get(operator)
    if compare is None:
        raise invalid(f"Invalid input: {operator} is not an operator")
    return lambda held: compare(_comparable(definition, held.get(name, "")), values)


def _values_of(row: Row, operator: str) -> list[Any]:
    if operator in ("IN", "NOT_IN"):
        wanted = row.get("values")
        if not isinstance(wanted, list) or not wanted:
            raise invalid(f"{operator} needs values")
        return wanted
    if "value" not in row:
        raise invalid(f"{operator} needs a value")
    return (
        [row["value"], row["highValue"]] if operator == "BETWEEN" and "highValue" in row else [row["value"]]
    )


def _comparable(definition: Property, value: Any) -> Any:
    """Numbers compare as numbers; text without case, as HubSpot's index holds it."""
    if definition.type == "number":
        try:
            return float(value)
        except ValueError:
            return float("-inf")
    return str(value).lower()


_OPERATORS: dict[str, Callable[[Any, list[Any]], bool]] = {
    "EQ": lambda held, wanted: bool(held == wanted[0]),
    "NEQ": lambda held, wanted: bool(held != wanted[0]),
    "LT": lambda held, wanted: bool(held < wanted[0]),
    "LTE": lambda held, wanted: bool(held <= wanted[0]),
    "GT": lambda held, wanted: bool(held > wanted[0]),
    "GTE": lambda held, wanted: bool(held >= wanted[0]),
    "BETWEEN": lambda held, wanted: bool(wanted[0] <= held <= wanted[-1]),
    "IN": lambda held, wanted: held in wanted,
    "NOT_IN": lambda held, wanted: held not in wanted,
    "CONTAINS_TOKEN": lambda held, wanted: wanted[0].strip("*") in held,
    "NOT_CONTAINS_TOKEN": lambda held, wanted: wanted[0].strip("*") not in held,
}


def _sorted(store: Store, ids: Iterable[str], sorts: list[Any]) -> list[str]:
    found = list(ids)
    for row in sorts[:1]:
        name = row.get("propertyName", "") if isinstance(row, dict) else str(row)
        down = isinstance(row, dict) and row.get("direction") == "DESCENDING"
        if name == "hs_object_id":
            found.sort(key=int, reverse=down)
        else:
            found.sort(key=lambda id: (store.indexed[id] or {}).get(name, ""), reverse=down)
    return found
