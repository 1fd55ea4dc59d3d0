"""A HubSpot value's way into a LearnUpon custom user data field. Pure: no row is read and nothing is written."""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from portals.models import PropertyMapping

# LearnUpon's custom user data types: https://docs.learnupon.com/api/ (learnupon.md 1.9).
STRING, DECIMAL, INTEGER, STRING_CHOICE, DECIMAL_CHOICE, INTEGER_CHOICE, DATE = range(1, 8)
NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
T = TypeVar("T")


class Unconvertible(ValueError):
    """A value that cannot become what the field takes; the message is for the admin and does not quote the value."""


def convert(value: str, mapping: PropertyMapping, time_zone: str) -> str | int | float:
    """One HubSpot value (always a string) as the mapped field takes it."""
    kind, choices = mapping.definition_type, mapping.choices
    if kind == STRING:
        return _text(value, mapping)
    if kind == DECIMAL:
        return float(_number(value))
    if kind == INTEGER:
        return _whole(value)
    if kind == STRING_CHOICE:
        return _choice(_names(value, mapping), choices, lambda text: text.strip().casefold())
    if kind == DECIMAL_CHOICE:
        return float(_number(_choice(_names(value, mapping), choices, _number)))
    if kind == INTEGER_CHOICE:
        return _whole(_choice(_names(value, mapping), choices, _number))
    if kind == DATE:
        return as_date(value, "UTC" if mapping.property_type == "date" else time_zone).isoformat()
    raise Unconvertible("has a type Hubsync does not know")


def _names(value: str, mapping: PropertyMapping) -> list[str]:
    """What a value may be called at LearnUpon: HubSpot stores an option's inner value, people know its label."""
    if mapping.property_type == "bool":
        return [value, {"true": "Yes", "false": "No"}.get(value, value)]
    return [value, *(label for inner, label in mapping.options if inner == value)]


def _text(value: str, mapping: PropertyMapping) -> str:
    """Enumerations become their labels; several chosen ones (joined by `;`) a list a person can read."""
    if mapping.property_type not in ("enumeration", "bool"):
        return value
    return ", ".join(_names(part, mapping)[-1] for part in value.split(";"))


def _number(value: str) -> Decimal:
    text = value.strip()
    if not NUMBER.fullmatch(text):  # Decimal() would also take underscores, other scripts' digits, NaN
        raise Unconvertible("is not a number")
    number = Decimal(text)
    if abs(number) > Decimal(10) ** 15:
        raise Unconvertible("is not a number LearnUpon can hold")
    return number


def _whole(value: str) -> int:
    number = _number(value)
    if number != number.to_integral_value():
        raise Unconvertible("is not a whole number")
    return int(number)


def _choice(names: list[str], choices: list[str], same: Callable[[str], Any]) -> str:
    """The listed choice that means the same as one of the names."""
    for name in names:
        for choice in choices:
            try:
                if same(choice) == same(name):
                    return choice
            except Unconvertible:
                continue
    raise Unconvertible("is not one of the values LearnUpon allows")


def as_date(value: str, time_zone: str) -> date:
    """HubSpot dates are plain days, also written as midnight UTC; datetimes are instants, which fall on a day only in
    the account's time zone. Both come as ISO texts or as milliseconds, and in no other of the forms that
    `fromisoformat` takes (weeks, days without hyphens)."""
    text = value.strip()
    if re.fullmatch(DAY, text):
        return _parsed(date.fromisoformat, text)
    if re.fullmatch(r"-?[0-9]{1,14}", text):
        moment = _parsed(lambda stamp: datetime.fromtimestamp(int(stamp) / 1000, UTC), text)
    elif re.fullmatch(DAY + r"[T ][0-9:.]+(Z|[+-][0-9:]+)?", text):
        moment = _parsed(datetime.fromisoformat, text)
    else:
        raise Unconvertible("is not a date")
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(_zone(time_zone)).date()
    except OverflowError:  # the first or last day of all, on the other side of the date line
        raise Unconvertible("is not a date") from None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of zones is an OSError
        return ZoneInfo("UTC")


def _parsed(read: Callable[[str], T], text: str) -> T:
    try:
        return read(text)
    except (ValueError, OverflowError, OSError):
        raise Unconvertible("is not a date") from None


@dataclass(frozen=True)
class CustomData:
    """What to write, by definition id, and what could not be converted, as words for the admin."""

    values: dict[str, Any]
    warnings: list[str]


def by_definition(current: Any) -> dict[str, Any]:
    """LearnUpon's `customDataFieldValues` by definition id, as text: it is not said that ids are always numbers."""
    rows = current if isinstance(current, list) else []
    return {str(row.get("definition_id")): row.get("value") for row in rows if isinstance(row, dict)}


def custom_data(
    mappings: list[PropertyMapping], properties: dict[str, Any], current: Any, time_zone: str
) -> CustomData:
    """Apply a portal's mapping to a record's properties. `current` is LearnUpon's `customDataFieldValues`; what
    equals it is left out, so that nothing is written when nothing differs."""
    there = by_definition(current)
    values: dict[str, Any] = {}
    warnings: list[str] = []
    # A property that was mapped after the record was read is not known to be empty.
    for mapping in (mapping for mapping in mappings if mapping.property in properties):
        before = there.get(str(mapping.definition_id))
        try:
            value = wanted(mapping, properties[mapping.property], before, time_zone)
        except Unconvertible as error:
            name = mapping.property_label or mapping.property
            warnings.append(f"{name} {error}; {mapping.definition_label} was left as it is.")
            continue
        if value is not None and not _same(value, before):
            values[str(mapping.definition_id)] = value
    return CustomData(values, warnings)


def _same(value: str | int | float, before: Any) -> bool:
    """Numbers are compared as numbers: LearnUpon may write `3.00` what we write `3.0`."""
    if isinstance(value, int | float):
        with suppress(Unconvertible):
            return _number(str(before)) == _number(str(value))
    return str(value) == str("" if before is None else before)


def wanted(mapping: PropertyMapping, raw: Any, before: Any, time_zone: str) -> str | int | float | None:
    """The value the field should have after this, or None to leave it alone."""
    filled = before not in (None, "")
    if mapping.policy == PropertyMapping.Policy.IF_EMPTY and filled:
        return None
    if raw in (None, ""):
        return "" if filled and mapping.policy == PropertyMapping.Policy.ALWAYS else None
    return convert(str(raw), mapping, time_zone)
