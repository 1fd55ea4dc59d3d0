"""Property definitions, and which values HubSpot takes for them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from sandbox.hubspot.errors import ValueProblem

EMAIL = re.compile(r"[^@\s,;<>()]+@[^@\s,;<>()]+\.[^@\s,;<>().]{2,}")
LONGEST_TEXT = 65_536


@dataclass(slots=True)
class Property:
    name: str
    label: str
    type: str
    field_type: str
    group: str
    options: list[dict[str, Any]] = field(default_factory=list)
    description: str = ""
    read_only: bool = False
    unique: bool = False
    hidden: bool = False
    hubspot_defined: bool = True
    allowed: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        if self.type == "bool" and not self.options:
            self.options = choices("Yes=true", "No=false")
        self.allowed = {option["value"]: option["value"] for option in self.options}

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "fieldType": self.field_type,
            "description": self.description,
            "groupName": self.group,
            "options": self.options,
            "displayOrder": -1,
            "calculated": False,
            "externalOptions": False,
            "archived": False,
            "hasUniqueValue": self.unique,
            "hidden": self.hidden,
            "hubspotDefined": self.hubspot_defined,
            "formField": not self.read_only,
            "dataSensitivity": "non_sensitive",
            "modificationMetadata": {
                "archivable": not self.hubspot_defined,
                "readOnlyDefinition": self.hubspot_defined,
                "readOnlyValue": self.read_only,
            },
        }


def choices(*pairs: str) -> list[dict[str, Any]]:
    """`"Label=value"`, or one word for both."""
    rows = [pair.partition("=") for pair in pairs]
    return [
        {"label": label, "value": value or label, "displayOrder": order, "hidden": False}
        for order, (label, _, value) in enumerate(rows)
    ]


def canonical(definition: Property, given: Any) -> str:
    """The value as HubSpot stores it; raises ValueError with a code and a message."""
    text = _text(given)
    if text == "":
        return text
    return _KINDS.get(definition.type, _string)(definition, text)


def check(
    definitions: dict[str, Property], given: dict[str, Any], *, read_only_too: bool = False
) -> tuple[dict[str, str], list[ValueProblem]]:
    """The values to store, and what is wrong with the others."""
    values: dict[str, str] = {}
    problems: list[ValueProblem] = []
    for name, value in given.items():
        definition = definitions.get(name)
        if definition is None:
            problems.append(ValueProblem(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist'))
        elif definition.read_only and not read_only_too:
            message = f'"{name}" is a read only property; its value cannot be set.'
            problems.append(ValueProblem(name, "READ_ONLY_VALUE", message))
        else:
            try:
                values[name] = canonical(definition, value)
            except ValueError as refused:
                problems.append(ValueProblem(name, *refused.args))
    return values, problems


def _text(given: Any) -> str:
    if given is None:
        return ""
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, str | int | float):
        return str(given)
    raise ValueError("INVALID_TYPE", f"{type(given).__name__} is not a property value")


def _string(definition: Property, text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise ValueError("PROPERTY_VALUE_TOO_LONG", f"Value is longer than {LONGEST_TEXT} characters")
    if definition.name == "email":
        if not EMAIL.fullmatch(text):
            raise ValueError("INVALID_EMAIL", f"Email address {text} is invalid")
        return text.lower()
    return text


def _number(definition: Property, text: str) -> str:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if number - number != 0:  # neither NaN nor infinite
        raise ValueError("INVALID_LONG", f"{text} was not a valid long.")
    return text


def _option(definition: Property, text: str) -> str:
    stored = definition.allowed.get(text)
    if stored is not None:
        return stored
    if definition.field_type == "checkbox":
        wanted = [value for value in text.split(";") if value]
        if all(value in definition.allowed for value in wanted):
            return ";".join(wanted)
    listed = ", ".join(definition.allowed)
    raise ValueError("INVALID_OPTION", f"{text} was not one of the allowed options: [{listed}]")


def _date(definition: Property, text: str) -> str:
    """Dates are days; epoch milliseconds must be midnight UTC."""
    try:
        if text.isdecimal() and len(text) > 8:
            moment = datetime.fromtimestamp(int(text) / 1000, UTC)
            if moment.hour or moment.minute or moment.second or moment.microsecond:
                raise ValueError
            return moment.date().isoformat()
        if len(text) != 10:
            raise ValueError
        return date.fromisoformat(text).isoformat()
    except (ValueError, OverflowError, OSError):
        raise ValueError("INVALID_DATE", f"{text} was not a valid date.") from None


def _datetime(definition: Property, text: str) -> str:
    try:
        if text.isdecimal() and len(text) > 8:
            return stamp(int(text) / 1000)
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None and len(text) > 10:
            raise ValueError
        return _stamped(moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC))
    except (ValueError, OverflowError, OSError):
        raise ValueError("INVALID_DATE_TIME", f"{text} was not a valid date time.") from None


def _stamped(moment: datetime) -> str:
    whole = moment.microsecond == 0
    return moment.isoformat(timespec="seconds" if whole else "milliseconds").replace("+00:00", "Z")


def stamp(seconds: float) -> str:
    return _stamped(datetime.fromtimestamp(seconds, UTC))


_KINDS: dict[str, Callable[[Property, str], str]] = {
    "number": _number,
    "enumeration": _option,
    "bool": _option,
    "date": _date,
    "datetime": _datetime,
}


def defaults(names: Sequence[str], definitions: dict[str, Property]) -> tuple[str, ...]:
    """The known ones of the asked properties: HubSpot leaves unknown names out without a word."""
    return tuple(name for name in names if name in definitions)
