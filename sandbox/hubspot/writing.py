"""Checks before a write: values, uniqueness, people who asked to be forgotten."""

from typing import Any

from sandbox.hubspot.account import Account
from sandbox.hubspot.call import Call
from sandbox.hubspot.errors import HubSpotError, ValueProblem, error, invalid, values_invalid
from sandbox.hubspot.records import Record, Store, Values
from sandbox.hubspot.values import check

BLOCKED = "email has been GDPR blacklisted"


def properties_of(row: Any) -> dict[str, Any]:
    properties = row.get("properties") if isinstance(row, dict) else None
    if not isinstance(properties, dict):
        raise invalid("Invalid input JSON: Some required fields were not set: [properties]")
    return properties


def checked(call: Call, store: Store, given: dict[str, Any], record: Record | None = None) -> Values:
    """The values to write, or the 400 or 409 that HubSpot answers."""
    values, problems = check(store.definitions, given)
    problems += blocked(call.account, store, values)
    if problems:
        raise values_invalid(problems)
    conflict = conflicting(store, values, record)
    if conflict is not None:
        raise conflict
    return values


def blocked(account: Account, store: Store, values: Values) -> list[ValueProblem]:
    email = values.get("email", "")
    if store is account.contacts and email.lower() in account.blocked_emails:
        return [ValueProblem("email", "GDPR_BLOCKLISTED", BLOCKED)]
    return []


def conflicting(store: Store, values: Values, record: Record | None) -> HubSpotError | None:
    """The refusal when another record already holds a unique value."""
    for name in store.unique:
        holder = store.holder(name, values.get(name, ""))
        if holder is None or (record is not None and holder == record.id):
            continue
        if name == "email":
            return error(409, "CONFLICT", f"Contact already exists. Existing ID: {holder}")
        message = f"{holder} already has that value. {name} needs to be unique."
        return values_invalid([ValueProblem(name, "CONFLICTING_UNIQUE_VALUE", message)])
    return None


def create(call: Call, store: Store, values: Values) -> Record:
    record = store.create(values, call.world.now())
    call.world.touch(store, record)
    return record
