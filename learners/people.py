"""HubSpot records as people: which properties make a person, and reading many of them in one call."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from learners.models import Learner
from portals.clients.hubspot import BATCH, OBJECTS, HubSpot
from portals.conversion import CustomData, by_definition, custom_data
from portals.models import Portal, PropertyMapping, RecordType

EMAIL = re.compile(
    r"[^@\s,;<>\"\x00-\x1f\x7f]{1,64}@[^@\s,;<>\"\x00-\x1f\x7f]+\.[^@\s,;<>\"\x00-\x1f\x7f]{2,}"
)
MOST = 254
# record type -> the properties that hold e-mail, first name, last name
# (users: https://developers.hubspot.com/docs/api-reference/legacy/crm/objects/users/guide)
NAMES = {
    "contact": ("email", "firstname", "lastname"),
    "user": ("hs_email", "hs_given_name", "hs_family_name"),
}
OTHER_EMAILS = "hs_additional_emails"  # a contact's secondary addresses, joined by semicolons
LANGUAGE = {"contact": "hs_language", "user": ""}


def is_email(text: str) -> bool:
    """The length first: on a very long text of dots the pattern would take minutes."""
    return len(text) <= MOST and bool(EMAIL.fullmatch(text))


@dataclass
class Person:
    """A HubSpot record as an action needs it."""

    record_id: str
    email: str
    first_name: str
    last_name: str
    language: str = ""
    other_emails: tuple[str, ...] = ()
    properties: dict[str, Any] = field(default_factory=dict)

    @property
    def reachable(self) -> bool:
        return is_email(self.email)


def person(portal: Portal, record_id: str, properties: dict[str, Any]) -> Person:
    email, first, last = (str(properties.get(name) or "").strip() for name in NAMES[portal.record_type])
    language = str(properties.get(LANGUAGE[portal.record_type]) or "").replace("-", "_").casefold()
    others = str(properties.get(OTHER_EMAILS) or "").split(";")
    return Person(
        record_id, email, first[:255], last[:255], language[:8],
        tuple(other.strip() for other in others if is_email(other.strip())), properties,
    )  # fmt: skip


def read(portal: Portal, record_ids: Iterable[str], lane: str) -> dict[str, Person]:
    """The records that exist, with what the portal's mapping needs: one call for up to 100 of them."""
    return {someone.record_id: someone for someone in _read(portal, sorted(set(record_ids)), lane, "")}


def by_email(portal: Portal, emails: list[str], lane: str) -> dict[str, Person]:
    """The records with these (lower-case) e-mails. Contacts are read by e-mail; users have no such key, and are few."""
    if portal.record_type == RecordType.CONTACT:
        found = _read(portal, emails, lane, "email")
    else:
        rows = HubSpot(portal.account, lane).users(_wanted(portal))
        found = [person(portal, str(row["id"]), row.get("properties") or {}) for row in rows]
    wanted, by = set(emails), dict[str, Person]()
    for someone in found:  # once each: under their own e-mail, else under a secondary one
        known = [email.casefold() for email in (someone.email, *someone.other_emails)]
        if email := next((email for email in known if email in wanted), ""):
            by[email] = someone
    return by


def _wanted(portal: Portal) -> set[str]:
    """Every property the portal's people are read with."""
    names = {*NAMES[portal.record_type], *portal.mappings.values_list("property", flat=True)}
    if portal.record_type == RecordType.CONTACT:
        names.add(OTHER_EMAILS)
    return names | ({LANGUAGE[portal.record_type]} - {""})


def _read(portal: Portal, keys: list[str], lane: str, id_property: str) -> list[Person]:
    hubspot, wanted = HubSpot(portal.account, lane), _wanted(portal)
    found: list[Person] = []
    for start in range(0, len(keys), BATCH):
        part = keys[start : start + BATCH]
        rows = hubspot.read(OBJECTS[portal.record_type], part, wanted, id_property)
        for record_id, row in rows.items():
            # HubSpot adds dates of its own, which would make every record look changed every day.
            properties = {name: (row.get("properties") or {}).get(name) for name in wanted}
            found.append(person(portal, record_id, properties))
    return found


def data_for(learner: Learner, someone: Person, current: Any = None) -> CustomData:
    """What the portal's mapping wants written for a learner, beside what LearnUpon has; with the record's id where
    the portal has a field for it."""
    portal, rows = learner.portal, list(learner.portal.mappings.all())
    data = custom_data(rows, someone.properties, current, learner.account.time_zone)
    there = {number: str(value) for number, value in by_definition(current).items()}
    for former in former_fields(portal, rows):
        if there.get(former) == learner.record_id:
            data.values[former] = ""
    if portal.record_field and there.get(str(portal.record_field)) != learner.record_id:
        data.values[str(portal.record_field)] = learner.record_id
    return data


def former_fields(portal: Portal, rows: list[PropertyMapping]) -> list[str]:
    """The definition ids of fields that carried the record's id before, and that no property fills now."""
    former = set(portal.former_record_fields) - {row.definition_id for row in rows}
    return [str(number) for number in sorted(former)]


def as_custom_data(values: dict[str, Any]) -> dict[str, Any]:
    """Values by definition id, as LearnUpon takes them: ids survive a field's renaming, labels do not."""
    return {"CustomData": {"use_definition_ids": 1, **values}} if values else {}
