"""HubSpot's part of `GET /_sandbox/world`: HubSpot's own field names, `account` beside them."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sandbox.hubspot.account import Account
from sandbox.hubspot.records import Record, Store
from sandbox.hubspot.world import HubSpotWorld

Row = dict[str, Any]
PARTS = ("accounts", "contacts", "users", "owners", "app_objects", "associations", "workflows", "callbacks")


def snapshot(world: HubSpotWorld, wanted: Iterable[str] = PARTS) -> dict[str, list[Row]]:
    makers: dict[str, Callable[[], list[Row]]] = {
        "accounts": lambda: [_account(world, account) for account in world.accounts.values()],
        "contacts": lambda: _records(world, "0-1"),
        "users": lambda: _records(world, "0-115"),
        "owners": lambda: [{"account": a.hub_id, **row} for a in world.accounts.values() for row in a.owners],
        "app_objects": lambda: _records(world, "1-"),
        "associations": lambda: [row for a in world.accounts.values() for row in _associations(a)],
        "workflows": lambda: _workflows(world),
        "callbacks": lambda: [one.as_json() for one in world.workflows.executions.values()],
    }
    return {name: makers[name]() for name in PARTS if name in wanted}


def _account(world: HubSpotWorld, account: Account) -> Row:
    return {
        "portalId": account.hub_id,
        "name": account.name,
        "timeZone": account.time_zone,
        "uiDomain": account.ui_domain,
        "blockedEmails": len(account.blocked_emails),
        "install": world.installs.described(account.hub_id),
    }


def _records(world: HubSpotWorld, type_id: str) -> list[Row]:
    stores: list[tuple[Account, Store]] = [
        (account, store)
        for account in world.accounts.values()
        for key, store in account.stores.items()
        if key == type_id or (type_id == "1-" and key.startswith("1-"))
    ]
    return [_record(account, record) for account, store in stores for record in store.all()]


def _record(account: Account, record: Record) -> Row:
    return {
        "account": account.hub_id,
        "id": record.id,
        "properties": record.properties,
        "createdAt": record.created_at,
        "updatedAt": record.updated_at,
        "archived": record.archived_at is not None,
    }


def _associations(account: Account) -> Iterator[Row]:
    """Those between live records: deleting a record hides its associations."""
    for row in account.associations.rows():
        source, target = account.stores[row["fromObjectTypeId"]], account.stores[row["toObjectTypeId"]]
        if source.live(row["fromObjectId"]) and target.live(row["toObjectId"]):
            yield {"account": account.hub_id, **row}


def _workflows(world: HubSpotWorld) -> list[Row]:
    """One row per workflow that ran, with how many records it enrolled."""
    rows: dict[tuple[int, str], Row] = {}
    for one in world.workflows.executions.values():
        empty = {"account": one.account, "workflowId": one.workflow_id, "action": one.action, "enrolled": 0}
        rows.setdefault((one.account, one.action), empty)["enrolled"] += 1
    return list(rows.values())
