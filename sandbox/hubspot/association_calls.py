"""Associations, one by one and in batches.

https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records/guide
"""

from typing import Any

from sandbox.hubspot.associations import Spec
from sandbox.hubspot.batches import failure, finished, inputs_of
from sandbox.hubspot.call import Answer, Call
from sandbox.hubspot.errors import invalid, not_found
from sandbox.hubspot.records import Store

CREATE_MOST, READ_MOST, READ_PAGE = 2000, 1000, 500
Row = dict[str, Any]


class Pair:
    """Two object types as a call names them, from and to."""

    def __init__(self, call: Call, action: str) -> None:
        self.call = call
        self.source = call.store(action, call.path["from"])
        self.target = call.store(action, call.path["to"])
        self._possible()

    def _possible(self) -> None:
        """ "Understanding the CRM": users cannot be associated with other objects."""
        users = self.call.account.users
        if (self.source is users or self.target is users) and not self.call.world.options.user_associations:
            raise invalid(
                f"No association definition exists between {self.source.kind.type_id} and "
                f"{self.target.kind.type_id}"
            )

    @property
    def default(self) -> Spec:
        return spec(self.call, self.source, self.target)

    def join(self, source: str, target: str, wanted: Spec | None = None) -> None:
        """What was merged away is named by its old id, and the survivor is meant."""
        here, there = self.source.live(source), self.target.live(target)
        if here is None or there is None:
            raise not_found()
        back = spec(self.call, self.target, self.source)
        self.call.account.associations.add(
            (self.source.kind.type_id, here.id),
            (self.target.kind.type_id, there.id),
            wanted or self.default,
            back,
        )

    def missing(self, source: str, target: str) -> bool:
        return self.source.live(source) is None or self.target.live(target) is None

    def part(self, source: str, target: str) -> None:
        self.call.account.associations.remove(
            (self.source.kind.type_id, source), (self.target.kind.type_id, target)
        )

    def joined(self, source: str) -> list[Row]:
        here = (self.source.kind.type_id, source)
        found = self.call.account.associations.of(here, self.target.kind.type_id)
        return [
            {"toObjectId": id, "associationTypes": [label_row(one) for one in sorted(specs)]}
            for id, specs in found.items()
            if self.target.live(id)
        ]


def spec(call: Call, source: Store, target: Store) -> Spec:
    """Type ids differ between accounts and directions: to be looked up, never to be known."""
    if "1-" in source.kind.type_id[:2] + target.kind.type_id[:2]:
        base = 25 + 2 * (call.account.hub_id % 100)
        return "INTEGRATOR_DEFINED", base + (source.kind.type_id > target.kind.type_id)
    return "HUBSPOT_DEFINED", 449


def label_row(one: Spec) -> Row:
    return {"category": one[0], "typeId": one[1], "label": None}


def associate_default(call: Call) -> Answer:
    pair = Pair(call, "edit")
    source, target = call.path["from_id"], call.path["to_id"]
    pair.join(source, target)
    now = call.world.now()
    return finished(now, now, [_default_row(pair, source, target), _default_row(pair, target, source)], [])


def _default_row(pair: Pair, source: str, target: str) -> Row:
    category, type_id = pair.default
    return {
        "from": {"id": source},
        "to": {"id": target},
        "associationSpec": {"associationCategory": category, "associationTypeId": type_id},
    }


def batch_associate_default(call: Call) -> Answer:
    pair = Pair(call, "edit")
    started = call.world.now()
    results, failures = [], []
    for source, target in [_ids(row) for row in inputs_of(call, CREATE_MOST)]:
        if pair.missing(source, target):
            failures.append(_unknown(pair, source, target))
            continue
        pair.join(source, target)
        results.append(_default_row(pair, source, target))
    return finished(started, call.world.now(), results, failures)


def _ids(row: Row) -> tuple[str, str]:
    source, target = row.get("from"), row.get("to")
    if not isinstance(source, dict) or not isinstance(target, dict):
        raise invalid("Invalid input JSON: Some required fields were not set: [from, to]")
    return str(source.get("id", "")), str(target.get("id", ""))


def _unknown(pair: Pair, source: str, target: str) -> Row:
    message = (
        f"One or both of {pair.source.kind.label}={source} and {pair.target.kind.label}={target} do not exist"
    )
    return failure("OBJECT_NOT_FOUND", message, {"fromObjectId": [source], "toObjectId": [target]})


def batch_create(call: Call) -> Answer:
    pair = Pair(call, "edit")
    started = call.world.now()
    results, failures = [], []
    for row in inputs_of(call, CREATE_MOST):
        source, target = _ids(row)
        if pair.missing(source, target):
            failures.append(_unknown(pair, source, target))
            continue
        for wanted in _specs(pair, row.get("types")):
            pair.join(source, target, wanted)
        results.append(_labelled(pair, source, target))
    return finished(started, call.world.now(), results, failures)


def _labelled(pair: Pair, source: str, target: str) -> Row:
    return {
        "fromObjectTypeId": pair.source.kind.type_id,
        "fromObjectId": source,
        "toObjectTypeId": pair.target.kind.type_id,
        "toObjectId": target,
        "labels": [],
    }


def _specs(pair: Pair, types: Any) -> list[Spec]:
    if not isinstance(types, list) or not types:
        raise invalid("Invalid input JSON: Some required fields were not set: [types]")
    wanted = [(str(row.get("associationCategory")), int(row.get("associationTypeId", 0))) for row in types]
    for one in wanted:
        if one != pair.default:
            raise invalid(f"Association type {one[1]} of category {one[0]} does not exist for this pair")
    return wanted


def batch_read(call: Call) -> Answer:
    pair = Pair(call, "view")
    started = call.world.now()
    results, missing = [], []
    for row in inputs_of(call, READ_MOST):
        id, after = str(row.get("id", "")), str(row.get("after") or "0")
        found = pair.joined(id)
        if not found:
            missing.append(id)
            continue
        start = int(after) if after.isdecimal() else 0
        result: Row = {"from": {"id": id}, "to": found[start : start + READ_PAGE]}
        if start + READ_PAGE < len(found):
            result["paging"] = {"next": {"after": str(start + READ_PAGE)}}
        results.append(result)
    return finished(started, call.world.now(), results, _nothing(pair, missing))


def _nothing(pair: Pair, ids: list[str]) -> list[Row]:
    """A record without associations is reported as an error beside the results (207)."""
    return [
        {
            **failure(
                "OBJECT_NOT_FOUND",
                f"No {pair.target.kind.type_id} is associated with {pair.source.kind.type_id} {id}.",
                {"fromObjectId": [id]},
            ),
            "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        }
        for id in ids
    ]


def batch_archive(call: Call) -> Answer:
    pair = Pair(call, "edit")
    for row in inputs_of(call, CREATE_MOST):
        targets = row.get("to")
        source = str((row.get("from") or {}).get("id", ""))
        for target in targets if isinstance(targets, list) else [targets or {}]:
            pair.part(source, str(target.get("id", "")))
    return 204, None


def batch_archive_labels(call: Call) -> Answer:
    pair = Pair(call, "edit")
    for row in inputs_of(call, CREATE_MOST):
        source, target = _ids(row)
        for wanted in _specs(pair, row.get("types")):
            call.account.associations.remove_spec(
                (pair.source.kind.type_id, source), (pair.target.kind.type_id, target), wanted
            )
    return 204, None


def list_associated(call: Call) -> Answer:
    pair = Pair(call, "view")
    if pair.source.live(call.path["from_id"]) is None:
        raise not_found()
    return 200, {"results": pair.joined(call.path["from_id"])}


def label_one(call: Call) -> Answer:
    pair = Pair(call, "edit")
    source, target = call.path["from_id"], call.path["to_id"]
    for wanted in _specs(pair, call.json()):
        pair.join(source, target, wanted)
    return 201, _labelled(pair, source, target)


def part_one(call: Call) -> Answer:
    Pair(call, "edit").part(call.path["from_id"], call.path["to_id"])
    return 204, None


def labels(call: Call) -> Answer:
    return 200, {"results": [label_row(Pair(call, "view").default)]}
