"""HubSpot records as people: which properties make a person, and reading many of them in one call."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from learners.models import Learner
from portals.clients.hubspot import BATCH, OBJECTS, HubSpot
from portals.conversion import CustomData, custom_data
from portals.models import Portal

EMAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]+\.[^@\s,;<>\"]{2,}")
# record type -> the properties that hold e-mail, first name, last name
# (users: https://developers.hubspot.com/docs/api-reference/legacy/crm/objects/users/guide)
NAMES = {
    "contact": ("email", "firstname", "lastname"),
    "user": ("hs_email", "hs_given_name", "hs_family_name"),
}
LANGUAGE = {"contact": "hs_language", "user": ""}


@dataclass
class Person:
    """A HubSpot record as an action needs it."""

    record_id: str
    email: str
    first_name: str
    last_name: str
    language: str = ""
    properties: dict[str, Any] = field(default_factory=dict)

    @property
    def reachable(self) -> bool:
        return bool(EMAIL.fullmatch(self.email)) and len(self.email) <= 254


def person(portal: Portal, record_id: str, properties: dict[str, Any]) -> Person:
    email, first, last = (str(properties.get(name) or "").strip() for name in NAMES[portal.record_type])
    language = str(properties.get(LANGUAGE[portal.record_type]) or "").replace("-", "_").casefold()
    return Person(record_id, email, first[:255], last[:255], language[:8], properties)


def read(portal: Portal, record_ids: Iterable[str], lane: str) -> dict[str, Person]:
    """The records that exist, with what the portal's mapping needs: one call for up to 100 of them."""
    wanted = {*NAMES[portal.record_type], *portal.mappings.values_list("property", flat=True)}
    if LANGUAGE[portal.record_type]:
        wanted.add(LANGUAGE[portal.record_type])
    hubspot = HubSpot(portal.account, lane)
    ids = sorted(set(record_ids))
    found: dict[str, Person] = {}
    for start in range(0, len(ids), BATCH):
        rows = hubspot.read(OBJECTS[portal.record_type], ids[start : start + BATCH], wanted)
        found |= {
            record_id: person(portal, record_id, row.get("properties") or {})
            for record_id, row in rows.items()
        }
    return found


def data_for(learner: Learner, someone: Person, current: Any = None) -> CustomData:
    """What the portal's mapping wants written for a learner, beside what LearnUpon has; with the record's id where
    the portal has a field for it."""
    portal = learner.portal
    data = custom_data(list(portal.mappings.all()), someone.properties, current, learner.account.time_zone)
    if portal.record_field:
        there = {str(v.get("definition_id")): v.get("value") for v in current or [] if isinstance(v, dict)}
        if str(there.get(str(portal.record_field)) or "") != learner.record_id:
            data.values[str(portal.record_field)] = learner.record_id
    return data


def as_custom_data(values: dict[str, Any]) -> dict[str, Any]:
    """Values by definition id, as LearnUpon takes them: ids survive a field's renaming, labels do not."""
    return {"CustomData": {"use_definition_ids": 1, **values}} if values else {}
