"""Mapping HubSpot properties to LearnUpon custom user data: what exists on both sides, and what fits what."""

from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from portals import audit
from portals.clients.hubspot import OBJECTS, HubSpot
from portals.clients.learnupon import Credentials, LearnUpon
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


def offer(portal: Portal, lane: str = Lane.ACTIONS) -> Offer:
    """Read both sides live."""
    properties = [
        Property(
            str(row["name"]), str(row.get("label") or row["name"]), str(row.get("type")),
            [(str(o.get("value")), str(o.get("label"))) for o in row.get("options") or []],
        )
        for row in HubSpot(portal.account, lane).properties(OBJECTS[portal.record_type])
        if not row.get("hidden") and row.get("type") in FITS
    ]  # fmt: skip
    return Offer(sorted(properties, key=lambda p: p.label.casefold()), read_fields(portal, lane))


def read_fields(portal: Credentials, lane: str = Lane.ACTIONS) -> list[Field]:
    """The portal's custom user data fields as they are now."""
    found = [
        Field(
            int(row["id"]), str(row.get("label")), int(row["type_id"]), read_choices(row.get("predefined_values"))
        )
        for row in LearnUpon(portal, lane).fields()
    ]  # fmt: skip
    return sorted(found, key=lambda field: field.label.casefold())


def as_json(field: Field) -> dict[str, Any]:
    """A field as a portal keeps it."""
    return {
        "id": field.definition_id,
        "label": field.label,
        "type_id": field.type_id,
        "choices": field.choices,
    }


def text_fields(portal: Portal) -> list[tuple[int, str]]:
    """The portal's free text fields as last read: id and label."""
    return [(row["id"], row["label"]) for row in portal.fields if row["type_id"] == STRING]


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


# Why values of a HubSpot type cannot fill the LearnUpon types it is not paired with above.
CANNOT: dict[str, str] = {
    "string": "free text need not be a number or a date",
    "phone_number": "a phone number is text; LearnUpon takes it in a text field only",
    "enumeration": "an option is a text or a number, not a date or a measured value",
    "bool": "yes or no is no number and no date",
    "number": "a number is no date and no text of a list",
    "date": "a day is no number and no choice of a list",
    "datetime": "a moment is no number and no choice of a list; in a date field it becomes the day in your time zone",
}


def compatible(property: Property, field: Field) -> str | None:
    """None when values of the property can fill the field, else why not, in words."""
    if field.type_id in FITS.get(property.type, set()):
        return None
    reason = CANNOT.get(property.type, "Hubsync does not know how to convert it")
    return f"{property.label} is a {property.type}; {field.label} takes a {field.type_label}: {reason}."


def build(portal: Portal, rows: list[tuple[str, int, str]], offered: Offer) -> list[PropertyMapping]:
    """The rows as they would be saved. Raises MappingError for the first one that cannot stand."""
    seen: set[int] = set()
    made = []
    for position, (name, definition_id, policy) in enumerate(rows):
        source, target = offered.property(name), offered.field(definition_id)
        if not source or not target:
            raise MappingError(position, "This property or field no longer exists. Choose another.")
        if why := _why_not(portal, source, target, policy, seen):
            raise MappingError(position, why)
        seen.add(definition_id)
        made.append(
            PropertyMapping(
                portal=portal, position=position, property=source.name, property_label=source.label,
                property_type=source.type, options=[list(o) for o in source.options], definition_id=definition_id, definition_label=target.label,
                definition_type=target.type_id, choices=target.choices, policy=policy,
            )
        )  # fmt: skip
    return made


def _why_not(portal: Portal, source: Property, target: Field, policy: str, seen: set[int]) -> str | None:
    if policy not in PropertyMapping.Policy.values:
        return "Choose when the value is written."
    if target.definition_id in seen:
        return f"{target.label} is filled by another row already."
    if target.definition_id == portal.record_field:
        return f"{target.label} carries the HubSpot record id (see Settings); a property would overwrite it."
    return compatible(source, target)


@transaction.atomic
def save(portal: Portal, rows: list[tuple[str, int, str]], offered: Offer, actor: str = "") -> None:
    """Replace the portal's mapping. Raises MappingError for the first row that cannot stand; then nothing changes."""
    # One after the other: of two saves at once, each would add its rows to the other's.
    held = Portal.objects.select_for_update(no_key=True).values_list("record_field", flat=True)
    portal.record_field = held.get(pk=portal.pk)
    made = build(portal, rows, offered)
    before = {row.definition_label: said(row) for row in portal.mappings.all()}
    after = {row.definition_label: said(row) for row in made}
    portal.mappings.all().delete()
    PropertyMapping.objects.bulk_create(made)
    changes = [
        [name, before.get(name, ""), after.get(name, "")]
        for name in sorted(before | after)
        if before.get(name) != after.get(name)
    ]
    audit.record(portal.account, actor, "mapping saved", portal, rows=len(made), changes=changes)


def said(row: PropertyMapping) -> str:
    """A row as the change history tells it."""
    return f"{row.property_label or row.property} · {row.get_policy_display()}"
