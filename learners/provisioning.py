"""User Add and User Invite: from a HubSpot record to a LearnUpon account, once, whatever happens on the way.

Create first, because LearnUpon refuses a second account for one e-mail; search only where its answer is unclear.
"""

import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from learners import claims, invitations
from learners.models import Learner
from learners.outcomes import OUTCOMES
from portals import connecting, tombstones
from portals.clients.errors import Disconnected, TryAgain, Unclear, VendorError
from portals.clients.hubspot import OBJECTS, HubSpot
from portals.clients.learnupon import AlreadyThere, DataRejected, LearnUpon, RealmClash
from portals.conversion import CustomData, custom_data
from portals.lanes import Lane
from portals.models import Portal, PropertyMapping
from webhooks import intake, nudger
from webhooks.models import Delivery
from webhooks.results import Done, Result, settle

EMAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]+\.[^@\s,;<>\"]{2,}")
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


Step = Callable[[Learner, Person, Delivery], Done]


def user_add(deliveries: list[Delivery]) -> Iterator[tuple[Delivery, Result]]:
    yield from _work(deliveries, add)


def user_invite(deliveries: list[Delivery]) -> Iterator[tuple[Delivery, Result]]:
    yield from _work(deliveries, invite)


def request(portal: Portal, action: str, record_id: str, actor: str) -> Delivery:
    """Add or invite one record from our own page: the same delivery, the same road, nobody to tell."""
    delivery = Delivery(
        account=portal.account, portal=portal, kind=f"hubspot.action.{action}", lane=Lane.ACTIONS,
        key=intake.key("page", portal.pk, action, record_id, secrets.token_hex(8)),
        record_type=portal.record_type, record_id=record_id, body={"inputs": {}, "properties": {}, "actor": actor},
    )  # fmt: skip
    intake.record([delivery])
    return intake.earlier(delivery.key)


def done(
    code: str, learner: Learner | None = None, reason: str = "", warnings: list[str] | None = None
) -> Done:
    """A result with the outcome's own words, the LearnUpon user id and what went wrong beside the success."""
    outcome = OUTCOMES[code]
    outputs = {}
    if learner and learner.learnupon_user_id:
        outputs["learnupon_user_id"] = str(learner.learnupon_user_id)
    if warnings:
        outputs["warnings"] = " ".join(warnings)[:1000]
    said = " ".join([reason or outcome.text, *(warnings or [])])
    return Done(code, said[:500], outputs, ok=outcome.ok, forget=code == "erased")


# --- a slice of deliveries -------------------------------------------------------------------------------
def _work(deliveries: list[Delivery], step: Step) -> Iterator[tuple[Delivery, Result]]:
    """Group by portal, read the mapped properties of up to 100 records a call, then work them one by one."""
    for portal_id, group in groupby(
        sorted(deliveries, key=lambda d: (d.portal_id or 0, d.pk)), lambda d: d.portal_id
    ):
        rows = list(group)
        portal = Portal.objects.select_related("account").filter(pk=portal_id).first()
        if portal is None or portal.state == Portal.State.REMOVED:
            yield from ((delivery, done("portal_not_connected")) for delivery in rows)
            continue
        mappings = list(portal.mappings.all())
        records = _read(portal, mappings, rows)
        for delivery in rows:
            yield delivery, settle(partial(_one, delivery, portal, mappings, records, step))


def _read(portal: Portal, mappings: list[PropertyMapping], rows: list[Delivery]) -> Any:
    """The records' properties by id, or the error that every delivery of the portal then meets."""
    wanted = {*NAMES[portal.record_type], *(m.property for m in mappings)} | (
        {LANGUAGE[portal.record_type]} - {""}
    )
    ids = sorted({row.record_id for row in rows})
    try:
        found = HubSpot(portal.account, Lane.ACTIONS).read(OBJECTS[portal.record_type], ids, wanted)
    except VendorError as error:
        return error
    return {record_id: row.get("properties") or {} for record_id, row in found.items()}


def _one(
    delivery: Delivery, portal: Portal, mappings: list[PropertyMapping], records: Any, step: Step
) -> Result:
    if delivery.record_type != portal.record_type:
        return done("wrong_record_type")
    if tombstones.record_is_erased(portal.account, delivery.record_type, delivery.record_id):
        return done("erased")
    if isinstance(records, VendorError):
        raise records
    if portal.state != Portal.State.CONNECTED:
        raise TryAgain(f"The portal is {portal.get_state_display().lower()}.", after=600, counts=False)
    person = _person(portal, delivery, records.get(delivery.record_id) or delivery.body["properties"])  # type: ignore[index]
    if not EMAIL.fullmatch(person.email) or len(person.email) > 254:
        return done("no_email")
    learner = claims.learner_for(portal, delivery.record_type, delivery.record_id)
    try:
        with claims.held(learner) as mine:
            claims.save(mine, email=person.email, first_name=person.first_name, last_name=person.last_name,
                        language=person.language)  # fmt: skip
            return step(mine, person, delivery)
    except Disconnected as error:
        if "LearnUpon" in error.message:
            connecting.mark_disconnected(portal, error.message)
        raise
    finally:
        _forget_unused(learner)


def _forget_unused(learner: Learner) -> None:
    """A learner that led to nothing (refused, elsewhere) does not stay as one."""
    Learner.objects.filter(
        pk=learner.pk, state=Learner.State.NEW, creating=False, invitation=Learner.Sent.NO, busy_until=None
    ).delete()


def _person(portal: Portal, delivery: Delivery, properties: dict[str, Any]) -> Person:
    email, first, last = (str(properties.get(name) or "").strip() for name in NAMES[portal.record_type])
    language = str(properties.get(LANGUAGE[portal.record_type]) or "").replace("-", "_").casefold()
    return Person(delivery.record_id, email, first[:255], last[:255], language[:8], properties)


# --- User Add --------------------------------------------------------------------------------------------
def add(learner: Learner, person: Person, delivery: Delivery) -> Done:
    """Make sure the person has an account in the portal and that it is linked to the record."""
    learnupon = LearnUpon(learner.portal, Lane.ACTIONS)
    if learner.learnupon_user_id:
        return _refresh(learnupon, learner, person)
    if learner.creating:  # an earlier answer was lost: look before creating again
        found = learnupon.find_user(person.email)
        if found:
            return _created(learner, int(found["id"]), [])
    data = custom_data(mappings_of(learner), person.properties, [], learner.account.time_zone)
    claims.save(learner, creating=True)
    try:
        user_id, refused = _create(learnupon, person, data)
    except AlreadyThere:
        return _link_existing(learnupon, learner, person)
    except RealmClash:
        claims.save(learner, creating=False)
        if learner.portal.clash_policy == Portal.ClashPolicy.INVITE:
            return invitations.send(learnupon, learner, data.values)
        return done("realm_clash")
    except Unclear:
        found = learnupon.find_user(person.email)
        if not found:
            raise
        return _created(learner, int(found["id"]), data.warnings)
    except DataRejected as refusal:
        claims.save(learner, creating=False)
        return done("custom_data_rejected", reason=refusal.message)
    return _created(learner, user_id, data.warnings + refused)


def _create(learnupon: LearnUpon, person: Person, data: CustomData) -> tuple[int, list[str]]:
    """Create with everything; where LearnUpon refuses some of it, create with what it must have, then write the rest
    field by field, so that one bad value does not keep a person from learning."""
    user: dict[str, Any] = {"email": person.email, "password": _password(), "enabled": True}
    user |= {"first_name": person.first_name, "last_name": person.last_name}
    extra: dict[str, Any] = {"CustomData": {"use_definition_ids": 1, **data.values}} if data.values else {}
    if person.language:
        extra["language"] = person.language
    try:
        return learnupon.create_user(user | extra), []
    except DataRejected:
        if not extra:
            raise
    user_id = learnupon.create_user(user)
    refused = []
    for name, change in _single_changes(person, data):
        try:
            learnupon.update_user(user_id, change)
        except DataRejected as refusal:
            refused.append(f"{name} was not taken: {refusal.message}")
    return user_id, refused


def _single_changes(person: Person, data: CustomData) -> Iterator[tuple[str, dict[str, Any]]]:
    if person.language:
        yield "The language", {"language": person.language}
    for definition_id, value in data.values.items():
        yield f"Field {definition_id}", {"CustomData": {"use_definition_ids": 1, definition_id: value}}


def _password() -> str:
    """Random and never shown: the learner sets one of their own by LearnUpon's Forgot password."""
    return f"{secrets.token_urlsafe(24)}aA1!"


def mappings_of(learner: Learner) -> list[PropertyMapping]:
    return list(learner.portal.mappings.all())


def _created(learner: Learner, user_id: int, warnings: list[str]) -> Done:
    portal = learner.portal
    welcome: dict[str, Any] = {}
    if not portal.uses_sso and learner.welcome == Learner.Sent.NO:
        welcome = {"welcome": Learner.Sent.DUE, "welcome_due_at": timezone.now()}
    result = _link(learner, user_id, done_code="created", warnings=warnings, **welcome)
    if welcome:
        nudger.wake(learner.account_id, Lane.ACTIONS, "learners.welcome")
    return result


def _link(learner: Learner, user_id: int, *, done_code: str, warnings: list[str], **changes: Any) -> Done:
    try:
        with transaction.atomic():
            claims.save(
                learner, learnupon_user_id=user_id, state=Learner.State.ACTIVE, creating=False,
                linked_at=timezone.now(), look_at=None, **changes,
            )  # fmt: skip
    except IntegrityError:
        claims.save(learner, creating=False, learnupon_user_id=None)
        return done("linked_elsewhere")
    return done(done_code, learner, warnings=warnings)


def _link_existing(learnupon: LearnUpon, learner: Learner, person: Person) -> Done:
    """The e-mail has an account in this portal: link it, bring its data up to date, fetch its progress at once."""
    found = learnupon.find_user(person.email)
    if not found:
        raise TryAgain("LearnUpon says this e-mail exists, but does not show it yet.")
    if found.get("enabled") is False:
        claims.save(learner, creating=False)
        return done("disabled")
    data = custom_data(
        mappings_of(learner), person.properties, found.get("customDataFieldValues"), learner.account.time_zone
    )
    result = _link(learner, int(found["id"]), done_code="already_exists", warnings=data.warnings,
                   read_due_at=timezone.now())  # fmt: skip
    if result.ok and data.values:
        learnupon.update_user(int(found["id"]), {"CustomData": {"use_definition_ids": 1, **data.values}})
    return result


def _refresh(learnupon: LearnUpon, learner: Learner, person: Person) -> Done:
    """The learner is linked already: write only what differs."""
    there = learnupon.user(int(learner.learnupon_user_id or 0))
    if there.get("enabled") is False:
        return done("disabled", learner)
    data = custom_data(
        mappings_of(learner), person.properties, there.get("customDataFieldValues"), learner.account.time_zone
    )
    changes: dict[str, Any] = {}
    for name, value in (("first_name", person.first_name), ("last_name", person.last_name)):
        if value and value != there.get(name):
            changes[name] = value
    if data.values:
        changes["CustomData"] = {"use_definition_ids": 1, **data.values}
    if not changes:
        return done("already_exists", learner, warnings=data.warnings)
    learnupon.update_user(int(there["id"]), changes)
    return done("updated", learner, warnings=data.warnings)


# --- User Invite -----------------------------------------------------------------------------------------
def invite(learner: Learner, person: Person, delivery: Delivery) -> Done:
    """Make sure the person has been invited, unless they have an account already."""
    learnupon = LearnUpon(learner.portal, Lane.ACTIONS)
    if learner.learnupon_user_id:
        return _refresh(learnupon, learner, person)
    if learner.state == Learner.State.PENDING and learner.invitation == Learner.Sent.SENT:
        return done("already_invited")
    if learner.invitation in (Learner.Sent.SENDING, Learner.Sent.UNCONFIRMED):
        return invitations.check(learnupon, learner)
    if learnupon.find_user(person.email):
        return _link_existing(learnupon, learner, person)
    data = custom_data(mappings_of(learner), person.properties, [], learner.account.time_zone)
    group = str((delivery.body or {}).get("inputs", {}).get("group") or "")
    return invitations.send(learnupon, learner, data.values, int(group) if group.isdigit() else None)
