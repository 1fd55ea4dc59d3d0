"""A portal's configuration as JSON, to be carried from a test account to production.

No secrets and no ids that differ between portals: fields and courses go by their names, properties by HubSpot's
internal ones. An import is a plan first; what did not match is said before anything changes.
"""

from copy import copy
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.db import transaction

from portals import audit, mapping
from portals.conversion import STRING
from portals.mapping import Offer
from portals.models import Course, Portal, PropertyMapping

FORMAT, VERSION = "hubsync-portal", 1
MOST_ROWS = 1000
SETTINGS: dict[str, tuple[str, dict[str, str]]] = {
    "sso": ("How people log in", {str(value): str(label) for value, label in Portal.Sso.choices}),
    "clash_policy": (
        "Account elsewhere in the realm",
        {str(value): str(label) for value, label in Portal.ClashPolicy.choices},
    ),
    "welcome_mail": (
        "Who mails created people",
        {str(value): str(label) for value, label in Portal.WelcomeMail.choices},
    ),
}


class Unreadable(ValueError):
    """Not a configuration of ours; the message is for the admin."""


def export(portal: Portal) -> dict[str, Any]:
    courses = portal.courses.filter(required=True).order_by("name").values_list("name", flat=True)
    return {
        "format": FORMAT,
        "version": VERSION,
        "record_type": portal.record_type,
        **{name: getattr(portal, name) for name in SETTINGS},
        "record_field": next(
            (label for pk, label in mapping.text_fields(portal) if pk == portal.record_field), None
        ),
        "mapping": [
            {
                "property": row.property,
                "property_label": row.property_label,
                "field": row.definition_label,
                "policy": row.policy,
            }
            for row in portal.mappings.all()
        ],
        "required_courses": list(dict.fromkeys(courses)),
    }


def parse(text: str) -> dict[str, Any]:
    """Bytes from outside: only the shape is believed here, names are matched by `plan`."""
    try:
        data = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Unreadable("This is not a JSON file.") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise Unreadable("This JSON file is not a portal's configuration from Hubsync.")
    if data.get("version") != VERSION:
        raise Unreadable("This configuration was made by another version of Hubsync.")
    rows, courses = data.get("mapping", []), data.get("required_courses", [])
    well_formed = (
        isinstance(rows, list) and isinstance(courses, list) and len(rows) + len(courses) <= MOST_ROWS
    )
    if not well_formed or not all(isinstance(row, dict) for row in rows):
        raise Unreadable("The mapping or the courses in this file are not lists as Hubsync writes them.")
    return data


@dataclass
class Plan:
    """What an import would change, as (what, before, after), and what it cannot."""

    settings: dict[str, Any] = field(default_factory=dict)
    rows: list[tuple[str, int, str]] = field(default_factory=list)
    courses: list[Course] = field(default_factory=list)
    changes: list[tuple[str, str, str]] = field(default_factory=list)
    unmatched: list[str] = field(default_factory=list)


def plan(portal: Portal, data: dict[str, Any], offer: Offer) -> Plan:
    """Match everything by name against what both sides offer now."""
    found = Plan()
    if data.get("record_type") != portal.record_type:
        kind = portal.get_record_type_display().lower()
        found.unmatched.append(
            f"The file is for other records; this portal's people are {kind}, which stays so."
        )
    _plan_settings(found, portal, data)
    _plan_record_field(found, portal, data, offer)
    _plan_rows(found, portal, data, offer)
    _plan_courses(found, portal, data)
    return found


def _plan_settings(found: Plan, portal: Portal, data: dict[str, Any]) -> None:
    for name, (label, words) in SETTINGS.items():
        if name not in data:
            continue
        value, now = data[name], getattr(portal, name)
        if not isinstance(value, str) or value not in words:
            found.unmatched.append(f"{label}: the file names a choice that does not exist.")
        elif value != now:
            found.settings[name] = value
            found.changes.append((label, words[now], words[value]))


def _plan_record_field(found: Plan, portal: Portal, data: dict[str, Any], offer: Offer) -> None:
    wanted = data.get("record_field")
    if not wanted:
        return
    match = next((f for f in offer.fields if f.type_id == STRING and _same(f.label, wanted)), None)
    if match is None:
        found.unmatched.append(
            f"HubSpot record id: this portal has no text field called {str(wanted)[:100]}."
        )
    elif match.definition_id != portal.record_field:
        before = next(
            (label for pk, label in mapping.text_fields(portal) if pk == portal.record_field), "none"
        )
        found.settings["record_field"] = match.definition_id
        found.changes.append(("Field with the HubSpot record id", before, match.label))


def _plan_rows(found: Plan, portal: Portal, data: dict[str, Any], offer: Offer) -> None:
    record_field = found.settings.get("record_field", portal.record_field)
    for row in data.get("mapping", []):
        source = next((p for p in offer.properties if p.name == row.get("property")), None)
        target = next((f for f in offer.fields if _same(f.label, row.get("field"))), None)
        why_not = _row_problem(row, source, target, found.rows, record_field)
        if why_not or source is None or target is None:
            found.unmatched.append(why_not)
        else:
            found.rows.append((source.name, target.definition_id, row["policy"]))
    _compare_rows(found, portal, offer)


def _row_problem(
    row: dict[str, Any], source: mapping.Property | None, target: mapping.Field | None,
    taken: list[tuple[str, int, str]], record_field: int | None,
) -> str:  # fmt: skip
    names = f"{str(row.get('property_label') or row.get('property'))[:100]} to {str(row.get('field'))[:100]}"
    if source is None:
        return f"{names}: HubSpot has no such property here."
    if target is None:
        return f"{names}: this portal has no such field."
    if target.definition_id == record_field or any(target.definition_id == number for _, number, _ in taken):
        return f"{names}: something else fills this field already."
    if row.get("policy") not in PropertyMapping.Policy.values:
        return f"{names}: the file does not say when it is written."
    why_not = mapping.compatible(source, target)
    return f"{names}: {why_not}" if why_not else ""


def _compare_rows(found: Plan, portal: Portal, offer: Offer) -> None:
    before = {row.definition_id: (row.definition_label, mapping.said(row)) for row in portal.mappings.all()}
    future = copy(portal)
    future.record_field = found.settings.get("record_field", portal.record_field)
    for row in mapping.build(future, found.rows, offer):
        name, was = before.pop(row.definition_id, (row.definition_label, "not filled"))
        if was != mapping.said(row):
            found.changes.append((name, was, mapping.said(row)))
    found.changes += [(name, was, "not filled") for name, was in before.values()]


def _plan_courses(found: Plan, portal: Portal, data: dict[str, Any]) -> None:
    known: dict[str, list[Course]] = {}
    for course in portal.courses.all():
        known.setdefault(course.name.strip().casefold(), []).append(course)
    for name in data.get("required_courses", []):
        courses = known.get(str(name).strip().casefold(), [])
        if not courses:
            found.unmatched.append(f"Required course {str(name)[:200]}: this portal has no such course.")
        fresh = [course for course in courses if not course.required]
        found.courses += fresh
        found.changes += [("Required course", "no", course.name) for course in fresh[:1]]


def _same(label: str, wanted: Any) -> bool:
    return isinstance(wanted, str) and label.strip().casefold() == wanted.strip().casefold()


@transaction.atomic
def apply(portal: Portal, planned: Plan, offer: Offer, actor: str) -> None:
    """Do what the plan says of the portal itself; courses are marked by whoever tells HubSpot of it."""
    for name, value in planned.settings.items():
        setattr(portal, name, value)
    if "record_field" in planned.settings:
        portal.carry_record_id_in(planned.settings["record_field"])
    portal.save(update_fields=list(planned.settings))
    mapping.save(portal, planned.rows, offer, actor)
    audit.record(
        portal.account, actor, "configuration imported", portal,
        changes=len(planned.changes), left_out=len(planned.unmatched),
    )  # fmt: skip
