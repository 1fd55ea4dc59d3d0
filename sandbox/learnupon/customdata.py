"""Custom user data: definitions as LearnUpon lists them, and what it accepts for each of the 7 types.

The texts of its refusals are not known: assumed to be a 400 that names the field.
"""

import math
from collections.abc import Callable
from typing import Any

from sandbox.learnupon.errors import Problem
from sandbox.learnupon.records import Definition, Portal, Row
from sandbox.learnupon.wire import calendar_day

STRING, DECIMAL, INTEGER, STRING_CHOICE, DECIMAL_CHOICE, INTEGER_CHOICE, DATE = range(1, 8)
# Assumption: the delimiter inside `predefined_values` is not documented; this is what a text area gives.
DELIMITER = "\r\n"
MAX_STRING = 255
# Accepted spellings of "the keys are definition ids": the documented 1, and what a caller may make of it.
_FLAG = (1, "1", True, "true")


def describe(definition: Definition) -> Row:
    return {
        "id": definition.id,
        "type_id": definition.type_id,
        "label": definition.label,
        "predefined_values": DELIMITER.join(definition.choices) or None,
    }


def describe_all(portal: Portal) -> list[Row]:
    return [describe(definition) for definition in portal.definitions.values()]


def by_label(portal: Portal, values: dict[int, Any]) -> Row | None:
    """The `CustomData` object of a user; null when nothing is set."""
    shown = {d.label: values[d.id] for d in portal.definitions.values() if d.id in values}
    return shown or None


def by_id(values: dict[int, Any]) -> list[Row]:
    return [{"definition_id": number, "value": value} for number, value in values.items()]


def apply(portal: Portal, values: dict[int, Any], data: object) -> dict[int, Any]:
    """`values` with `CustomData` written over it, or a Problem and nothing changed."""
    if data is None:
        return values
    if not isinstance(data, dict):
        raise Problem(400, "CustomData: invalid format")
    changed = dict(values)
    use_ids = data.get("use_definition_ids") in _FLAG
    for key, value in data.items():
        if key == "use_definition_ids":
            continue
        definition = _by_id(portal, key) if use_ids else _by_label(portal, key)
        if definition is None:
            continue
        if value in (None, ""):
            changed.pop(definition.id, None)
        else:
            changed[definition.id] = convert(definition, value)
    return changed


def _by_id(portal: Portal, key: str) -> Definition:
    found = portal.definitions.get(int(key)) if key.isascii() and key.isdigit() else None
    if found is None:
        raise Problem(400, f"CustomData: there is no custom field with id {key[:40]}")
    return found


def _by_label(portal: Portal, key: str) -> Definition | None:
    """Labels were seen to match without case and spaces; one that matches nothing is dropped in silence."""
    wanted = _squeezed(key)
    return next((d for d in portal.definitions.values() if _squeezed(d.label) == wanted), None)


def _squeezed(label: str) -> str:
    return "".join(label.lower().split())


def convert(definition: Definition, value: object) -> Any:
    try:
        converted = _CONVERT[definition.type_id](value)
    except (ValueError, TypeError):
        raise Problem(400, f"CustomData: invalid value for {definition.label}") from None
    if definition.choices and str(converted) not in definition.choices:
        raise Problem(400, f"CustomData: value for {definition.label} is not one of its predefined values")
    return converted


def _string(value: object) -> str:
    if isinstance(value, (dict, list)) or len(str(value)) > MAX_STRING:
        raise ValueError(value)
    return str(value)


def _decimal(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError(value)
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(value)
    return number


def _integer(value: object) -> int:
    number = _decimal(value)
    if number != int(number) or (isinstance(value, str) and "." in value):
        raise ValueError(value)
    return int(number)


_CONVERT: dict[int, Callable[[object], Any]] = {
    STRING: _string,
    DECIMAL: _decimal,
    INTEGER: _integer,
    STRING_CHOICE: _string,
    DECIMAL_CHOICE: _decimal,
    INTEGER_CHOICE: _integer,
    DATE: calendar_day,
}
