"""Mapping HubSpot properties to LearnUpon custom user data: what exists on both sides, and what fits what."""

from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from portals import audit
from portals.clients.hubspot import OBJECTS, HubSpot
from portals.clients.learnupon import LearnUpon
from portals.conversion import DATE, DECIMAL, DECIMAL_CHOICE, INTEGER, INTEGER_CHOICE, STRING, STRING_CHOICE
from portals.lanes import Lane
from portals.models import Portal, PropertyMapping

TYPE_LABELS = {
    STRING: "text", DECIMAL: "decimal number", INTEGER: "whole number", STRING_CHOICE: "choice of texts",
    DECIMAL_CHOICE: "choice of decimal numbers", INTEGER_CHOICE: "choice of whole numbers", DATE: "date",
}  # fmt: skip
# HubSpot property type -> the LearnUpon types its values can become.
FITS: dict[str, set[int]] = {
    "string": {STRING, STRING_CHOICE},
    "phone_number": {STRING},
    "enumeration": {STRING, STRING_CHOICE, DECIMAL_CHOICE, INTEGER_CHOICE},
    "bool": {STRING, STRING_CHOICE},
    "number": {STRING, DECIMAL, INTEGER, DECIMAL_CHOICE, INTEGER_CHOICE},
    "date": {STRING, DATE},
    "datetime": {STRING, DATE},
}


@dataclass(frozen=True)
class Property:
    name: str
    label: str
    type: str
    options: list[tuple[str, str]] = field(default_factory=list)  # value, label


@dataclass(frozen=True)
class Field:
    definition_id: int
    label: str
    type_id: int
    choices: list[str] = field(default_factory=list)

    @property
    def type_label(self) -> str:
        return TYPE_LABELS.get(self.type_id, "unknown")


@dataclass(frozen=True)
class Offer:
    """Both sides as they are now."""

    properties: list[Property]
    fields: list[Field]

    def property(self, name: str) -> Property | None:
        return next((p for p in self.properties if p.name == name), None)

    def field(self, definition_id: int) -> Field | None:
        return next((f for f in self.fields if f.definition_id == definition_id), None)


class MappingError(Exception):
    """A row that cannot be saved; `row` counts from 0."""

    def __init__(self, row: int, message: str) -> None:
        super().__init__(message)
        self.row = row
        self.message = message


def offer(portal: Portal) -> Offer:
    """Read both sides live."""
    properties = [
        Property(
            str(row["name"]), str(row.get("label") or row["name"]), str(row.get("type")),
            [(str(o.get("value")), str(o.get("label"))) for o in row.get("options") or []],
        )
        for row in HubSpot(portal.account, Lane.ACTIONS).properties(OBJECTS[portal.record_type])
        if not row.get("hidden") and row.get("type") in FITS
    ]  # fmt: skip
    fields = [
        Field(
            int(row["id"]),
            str(row.get("label")),
            int(row["type_id"]),
            read_choices(row.get("predefined_values")),
        )
        for row in LearnUpon(portal, Lane.ACTIONS).fields()
    ]
    return Offer(
        sorted(properties, key=lambda p: p.label.casefold()), sorted(fields, key=lambda f: f.label.casefold())
    )


def read_choices(raw: Any) -> list[str]:
    """ASSUMPTION(learnupon-choices): the delimiter of `predefined_values` is not documented; lists, new lines,
    semicolons, bars and commas are read, in this order."""
    if isinstance(raw, list):
        return [str(value).strip() for value in raw]
    if not raw:
        return []
    for delimiter in ("\n", ";", "|", ","):
        if delimiter in str(raw):
            return [part.strip() for part in str(raw).split(delimiter) if part.strip()]
    return [str(raw).strip()]


def compatible(property: Property, field: Field) -> str | None:
    """None when values of the property can fill the field, else why not, in words."""
    if field.type_id in FITS.get(property.type, set()):
        return None
    return f"{property.label} is a {property.type}; {field.label} takes a {field.type_label}."


@transaction.atomic
def save(portal: Portal, rows: list[tuple[str, int, str]], offered: Offer, actor: str = "") -> None:
    """Replace the portal's mapping. Raises MappingError for the first row that cannot stand; then nothing changes."""
    seen: set[int] = set()
    made = []
    for position, (name, definition_id, policy) in enumerate(rows):
        source, target = offered.property(name), offered.field(definition_id)
        if not source or not target:
            raise MappingError(position, "This property or field no longer exists. Choose another.")
        if policy not in PropertyMapping.Policy.values:
            raise MappingError(position, "Choose when the value is written.")
        if why := compatible(source, target):
            raise MappingError(position, why)
        if definition_id in seen:
            raise MappingError(position, f"{target.label} is filled by another row already.")
        seen.add(definition_id)
        made.append(
            PropertyMapping(
                portal=portal, position=position, property=source.name, property_label=source.label,
                property_type=source.type, options=[list(o) for o in source.options], definition_id=definition_id, definition_label=target.label,
                definition_type=target.type_id, choices=target.choices, policy=policy,
            )
        )  # fmt: skip
    portal.mappings.all().delete()
    PropertyMapping.objects.bulk_create(made)
    audit.record(portal.account, actor, "mapping saved", portal, rows=len(made))
