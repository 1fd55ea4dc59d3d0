"""Up to 100 records at a time: read, create, update, upsert, archive; 200, 207 or a 400 for the whole.

https://developers.hubspot.com/docs/api-reference/error-handling (207 only where the failing inputs carry
an objectWriteTraceId)
"""

from typing import Any

from sandbox.hubspot import lifecycle, writing
from sandbox.hubspot.call import Answer, Call
from sandbox.hubspot.errors import HubSpotError, ValueProblem, invalid, not_found, values_invalid
from sandbox.hubspot.objects import asks_archived, present, read_names, unique_property
from sandbox.hubspot.records import Record, Store, Values
from sandbox.hubspot.values import check

MOST = 100
Row = dict[str, Any]


def inputs_of(call: Call, most: int = MOST) -> list[Row]:
    inputs = call.body().get("inputs")
    if not isinstance(inputs, list) or not all(isinstance(row, dict) for row in inputs):
        raise invalid("Invalid input JSON: Some required fields were not set: [inputs]")
    if not inputs:
        raise invalid("At least one input is required")
    if len(inputs) > most:
        raise invalid(f"The batch size of {len(inputs)} exceeds the maximum of {most}")
    return inputs


def finished(started: str, done: str, results: list[Any], errors: list[Row]) -> Answer:
    body: Row = {"status": "COMPLETE", "results": results, "startedAt": started, "completedAt": done}
    if errors:
        body["numErrors"] = len(errors)
        body["errors"] = errors
    return (207 if errors else 200), body


def read(call: Call) -> Answer:
    store = call.store("view")
    archived = asks_archived(call, store)
    started = call.world.now()
    body = call.body()
    by = body.get("idProperty")
    unique_property(store, by)
    names = read_names(store, [str(name) for name in body.get("properties") or []])
    found: dict[str, Record] = {}
    missing: list[str] = []
    for row in inputs_of(call):
        key = str(row.get("id", ""))
        record = store.find(key, by)
        if record is None or (record.archived_at is not None) != archived:
            missing.append(key)
        else:
            found[record.id] = record
    results = [present(call, store, record, names) for record in found.values()]
    return finished(started, call.world.now(), results, _missing(store, missing))


def _missing(store: Store, ids: list[str]) -> list[Row]:
    if not ids:
        return []
    message = (
        f"Could not get some {store.kind.label} objects, they may be deleted or not exist. "
        "Check that ids are valid."
    )
    return [failure("OBJECT_NOT_FOUND", message, {"ids": ids})]


def failure(category: str, message: str, context: dict[str, list[str]], errors: Any = ()) -> Row:
    return {
        "status": "error",
        "category": category,
        "message": message,
        "context": context,
        "errors": list(errors),
        "links": {},
    }


def archive(call: Call) -> Answer:
    store = call.store("delete")
    for row in inputs_of(call):
        record = store.live(str(row.get("id", "")))
        if record is not None:
            lifecycle.archive(call.world, call.account, store, record, source="INTEGRATION")
    return 204, None


def create(call: Call) -> Answer:
    store = call.store("create")
    return _written(
        call, store, [(row, None, writing.properties_of(row)) for row in inputs_of(call)], "create"
    )


def update(call: Call) -> Answer:
    store = call.store("edit")
    return _written(call, store, _targets(call, store, "update"), "update")


def upsert(call: Call) -> Answer:
    store = call.store("create")
    call.store("edit")
    return _written(call, store, _targets(call, store, "upsert"), "upsert")


# An input, the record it means, its properties.
Target = tuple[Row, Record | None, dict[str, Any]]


def _targets(call: Call, store: Store, verb: str) -> list[Target]:
    """The same record twice refuses the batch."""
    inputs = inputs_of(call)
    keys = [str(row.get("id", "")) for row in inputs]
    if len(set(keys)) < len(keys):
        twice = sorted({key for key in keys if keys.count(key) > 1})
        raise invalid(f"Duplicate IDs found in batch input: [{', '.join(twice)}]. IDs must be unique")
    return [_target(store, verb, row, key) for row, key in zip(inputs, keys, strict=True)]


def _target(store: Store, verb: str, row: Row, key: str) -> Target:
    by = row.get("idProperty")
    unique_property(store, by)
    properties = writing.properties_of(row)
    if verb == "upsert" and by is not None and by != "hs_object_id":
        properties = {**properties, by: key}
    return row, store.live(key, by), properties


def _written(call: Call, store: Store, targets: list[Target], verb: str) -> Answer:
    """Check all rows first: without trace ids one bad row refuses the batch and nothing is written."""
    started = call.world.now()
    good: list[tuple[Row, Record | None, Values]] = []
    errors: list[Row] = []
    taken: set[tuple[str, str]] = set()
    for row, record, properties in targets:
        values, refusal = _checked(call, store, record, properties, taken)
        if record is None and verb != "create" and not (verb == "upsert" and row.get("idProperty")):
            refusal = not_found()
        if refusal is None:
            good.append((row, record, values))
        elif not row.get("objectWriteTraceId"):
            raise refusal
        else:
            errors.append(_traced(row, refusal))
    results = [_write(call, store, row, record, values, verb) for row, record, values in good]
    return finished(started, call.world.now(), results, errors)


def _checked(
    call: Call, store: Store, record: Record | None, given: Row, taken: set[tuple[str, str]]
) -> tuple[Values, HubSpotError | None]:
    values, problems = check(store.definitions, given)
    problems += writing.blocked(call.account, store, values)
    for name in store.unique:
        value = store.folded(name, values.get(name, ""))
        if value and (name, value) in taken:
            message = f"{value} is set twice in this batch. {name} needs to be unique."
            problems.append(ValueProblem(name, "CONFLICTING_UNIQUE_VALUE", message))
        taken.add((name, value))
    if problems:
        return values, values_invalid(problems)
    return values, writing.conflicting(store, values, record)


def _traced(row: Row, refusal: HubSpotError) -> Row:
    context = {"objectWriteTraceId": [str(row["objectWriteTraceId"])]}
    details = refusal.body.get("errors", ())
    return failure(refusal.body["category"], refusal.body["message"], context, details)


def _write(call: Call, store: Store, row: Row, record: Record | None, values: Values, verb: str) -> Row:
    new = record is None
    if record is None:
        record = writing.create(call, store, values)
        lifecycle.created(call.world, call.account, store, record)
    else:
        lifecycle.change(call.world, call.account, store, record, values, source="INTEGRATION")
    result = present(call, store, record, tuple(values))
    if verb == "upsert":
        result["new"] = new
    if row.get("objectWriteTraceId"):
        result["objectWriteTraceId"] = row["objectWriteTraceId"]
    return result
