"""What the mapping would do to one person, told before anything is written. Only reads, on both sides."""

from dataclasses import dataclass, field
from typing import Any

from learners import people
from learners.models import Learner
from learners.people import NAMES, Person
from portals import tombstones
from portals.clients.errors import NotFound
from portals.clients.hubspot import OBJECTS, HubSpot
from portals.clients.learnupon import LearnUpon
from portals.conversion import Unconvertible, by_definition, wanted
from portals.lanes import Lane
from portals.models import Portal, PropertyMapping

SAME, LEFT = "stays as it is", "left alone"
BASICS = (("E-mail", "email"), ("First name", "first_name"), ("Last name", "last_name"))


@dataclass(frozen=True)
class Line:
    label: str
    source: str  # where the value comes from in HubSpot
    before: str
    after: str
    note: str = ""

    @property
    def changes(self) -> bool:
        return self.before != self.after


@dataclass
class Preview:
    asked: str
    problem: str = ""
    person: Person | None = None
    known: bool = False  # has an account in the portal
    lines: list[Line] = field(default_factory=list)

    @property
    def changes(self) -> int:
        return sum(line.changes for line in self.lines)


def preview(portal: Portal, rows: list[PropertyMapping], asked: str) -> Preview:
    """`rows` are what stands on the page, saved or not. Raises the clients' errors."""
    found = Preview(asked.strip())
    if not found.asked:
        found.problem = "Enter a record id or an e-mail address first."
        return found
    found.person = _find(portal, rows, found.asked)
    if found.person is None:
        found.problem = (
            "HubSpot has no such record. Enter the number at the end of its address, or its e-mail."
        )
        return found
    there = _account(portal, found.person)
    found.known = bool(there)
    found.lines = [_basic(portal, found.person, there, *names) for names in BASICS]
    found.lines += [_mapped(row, found.person, there, portal.account.time_zone) for row in rows]
    if portal.record_field:
        found.lines.append(_record_id(portal, found.person, there))
    found.lines += _former_record_ids(portal, rows, found.person, there)
    return found


def _find(portal: Portal, rows: list[PropertyMapping], asked: str) -> Person | None:
    wanted_names = {*NAMES[portal.record_type], *(row.property for row in rows)}
    hubspot, kind = HubSpot(portal.account, Lane.ACTIONS), OBJECTS[portal.record_type]
    if asked.isdecimal():
        if tombstones.record_is_erased(portal.account, portal.record_type, asked):
            return None
        found = hubspot.read(kind, [asked], wanted_names)
    elif portal.record_type == "contact":
        found = hubspot.read(kind, [asked], wanted_names, id_property="email")
    else:  # an e-mail is no unique property of user records
        found = {str(row["id"]): row for row in hubspot.users(wanted_names) if _has_email(row, asked)}
    for record_id, row in found.items():
        return people.person(portal, record_id, row.get("properties") or {})
    return None


def _has_email(row: dict[str, Any], email: str) -> bool:
    return str((row.get("properties") or {}).get("hs_email") or "").casefold() == email.casefold()


def _account(portal: Portal, someone: Person) -> dict[str, Any]:
    """The account the values would go to: the linked one, else the one with this e-mail; empty when there is none."""
    learnupon = LearnUpon(portal, Lane.ACTIONS)
    link = Learner.objects.filter(
        portal=portal, record_type=portal.record_type, record_id=someone.record_id, state=Learner.State.ACTIVE
    ).first()
    if link and link.learnupon_user_id:
        try:
            return learnupon.user(link.learnupon_user_id)
        except NotFound:
            return {}
    return (learnupon.find_user(someone.email) if someone.reachable else None) or {}


def _basic(portal: Portal, someone: Person, there: dict[str, Any], label: str, name: str) -> Line:
    source = NAMES[portal.record_type][[key for _, key in BASICS].index(name)]
    before, value = str(there.get(name) or ""), str(getattr(someone, name))
    same = before.casefold() == value.casefold() if name == "email" else before == value
    if not value:
        return Line(label, source, before, before, "HubSpot has no value")
    return Line(label, source, before, before if same else value, SAME if same else "")


def _mapped(row: PropertyMapping, someone: Person, there: dict[str, Any], time_zone: str) -> Line:
    label, source = row.definition_label, row.property_label or row.property
    before, raw = _now(there, str(row.definition_id)), someone.properties.get(row.property)
    try:
        value = wanted(row, raw, before, time_zone)
    except Unconvertible as error:
        return Line(label, source, before, before, f"{LEFT}: HubSpot's value {error}")
    if value is None:
        why = "HubSpot has no value" if raw in (None, "") else "it is filled at LearnUpon already"
        return Line(label, source, before, before, f"{LEFT}: {why}")
    if str(value) == before:
        return Line(label, source, before, before, SAME)
    return Line(label, source, before, str(value), "" if str(value) else "emptied, as in HubSpot")


def _record_id(portal: Portal, someone: Person, there: dict[str, Any]) -> Line:
    number = str(portal.record_field)
    before = _now(there, number)
    note = SAME if before == someone.record_id else ""
    return Line(_label(portal, number), "record id", before, someone.record_id, note)


def _former_record_ids(
    portal: Portal, rows: list[PropertyMapping], someone: Person, there: dict[str, Any]
) -> list[Line]:
    note = "emptied: it no longer carries the record id"
    return [
        Line(_label(portal, number), "record id", someone.record_id, "", note)
        for number in people.former_fields(portal, rows)
        if _now(there, number) == someone.record_id
    ]


def _label(portal: Portal, number: str) -> str:
    return next((row["label"] for row in portal.fields if str(row["id"]) == number), f"Field {number}")


def _now(there: dict[str, Any], number: str) -> str:
    value = by_definition(there.get("customDataFieldValues")).get(number)
    return "" if value is None else str(value)
