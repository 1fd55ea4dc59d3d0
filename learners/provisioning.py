"""User Add and User Invite: from a HubSpot record to a LearnUpon account, once, whatever happens on the way.

Create first, because LearnUpon refuses a second account for one e-mail; search only where its answer is unclear.
"""

import secrets
from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from learners import carrying, claims, invitations, people, reviewing
from learners.models import Learner
from learners.outcomes import done
from learners.people import Person
from learners.runs import CLOCKS_APART, Run
from portals import numbers
from portals.clients.errors import Refused, TryAgain, Unclear, VendorError
from portals.clients.learnupon import AlreadyThere, DataRejected, LearnUpon, RealmClash
from portals.conversion import CustomData
from portals.lanes import Lane
from portals.models import Portal
from webhooks import nudger
from webhooks.learnupon import moment
from webhooks.results import Done

LOOK_AGAIN = timedelta(minutes=10)  # for an account whose maker died


# --- User Add --------------------------------------------------------------------------------------------
def add(learner: Learner, person: Person, run: Run) -> Done:
    """Make sure the person has an account in the portal and that it is linked to the record."""
    learnupon = LearnUpon(learner.portal, Lane.ACTIONS)
    if learner.learnupon_user_id:
        return _bring_up_to_date(learnupon, learner, person, run)
    if learner.creating_since:  # an earlier answer was lost: look before creating again
        found = learnupon.find_user(learner.email) or learnupon.find_user(person.email)
        if found:
            return _take_found(learnupon, learner, person, run, found)
    if found := _under_another_email(learnupon, person):
        return _link(learnupon, learner, person, run, found)
    data = people.data_for(learner, person)
    claims.save(learner, creating_since=timezone.now(), **_identity(person))
    try:
        with run.asking():
            user_id, refused, complete = _create(learnupon, person, data)
    except AlreadyThere:
        return _link_existing(learnupon, learner, person, run)
    except RealmClash:
        claims.save(learner, creating_since=None)
        if learner.portal.clash_policy == Portal.ClashPolicy.INVITE:
            return _invite(learnupon, learner, person, run)
        return done("realm_clash")
    except DataRejected as refusal:
        claims.save(learner, creating_since=None)
        return done("custom_data_rejected", reason=refusal.message)
    except Unclear:
        found = learnupon.find_user(person.email)
        if not found:
            raise
        return _take_found(learnupon, learner, person, run, found)
    except VendorError:  # nothing was made, so the next attempt need not look before it creates
        claims.save(learner, creating_since=None)
        raise
    compared = _compared(learner, person) if complete else {}
    return _created(learner, user_id, data.warnings + refused, **compared)


def _under_another_email(learnupon: LearnUpon, person: Person) -> dict[str, Any] | None:
    """An account under one of the record's secondary e-mails is the same person's: creating would make a second."""
    for email in person.other_emails:
        if email.casefold() != person.email.casefold() and (found := learnupon.find_user(email)):
            return found
    return None


def _identity(person: Person) -> dict[str, str]:
    names = ("email", "first_name", "last_name", "language")
    return {name: getattr(person, name) for name in names}


def _take_found(
    learnupon: LearnUpon, learner: Learner, person: Person, run: Run, found: dict[str, Any]
) -> Done:
    """The account our lost answer was about, or one that was there before us: its age tells."""
    if _ours(learner, found):
        return _created(learner, int(found["id"]), [])
    return _link(learnupon, learner, person, run, found)


def _ours(learner: Learner, found: dict[str, Any]) -> bool:
    made = moment(found.get("created_at"))
    return bool(made and learner.creating_since and made >= learner.creating_since - CLOCKS_APART)


def _create(learnupon: LearnUpon, person: Person, data: CustomData) -> tuple[int, list[str], bool]:
    """Create with everything; where LearnUpon refuses some of it, create with what it must have, then write the rest
    field by field, so that one bad value does not keep a person from learning. Also whether all has been tried."""
    user: dict[str, Any] = {"email": person.email, "password": _password(), "enabled": True}
    user |= {"first_name": person.first_name, "last_name": person.last_name}
    language = {"language": person.language} if person.language else {}
    extra = language | people.as_custom_data(data.values)
    try:
        return learnupon.create_user(user | extra), [], True
    except DataRejected:
        if not extra:
            raise
    user_id = learnupon.create_user(user)
    try:
        return user_id, carrying.one_by_one(learnupon, user_id, language, data.values), True
    except VendorError:  # the account is made; the next comparison with HubSpot writes what is missing
        return user_id, ["Some values could not be written yet; they follow."], False


def _password() -> str:
    """Random and never shown: the learner sets one of their own by LearnUpon's Forgot password."""
    return f"{secrets.token_urlsafe(24)}aA1!"


def _compared(learner: Learner, person: Person) -> dict[str, Any]:
    """What was just written in full need not be compared again today."""
    carried = carrying.fingerprint(person, carrying.layout(learner.portal))
    return {"fingerprint": carried, "checked_at": timezone.now()}


def _created(learner: Learner, user_id: int, warnings: list[str], **compared: Any) -> Done:
    welcome: dict[str, Any] = {}
    if learner.portal.mails_created and learner.welcome == Learner.Sent.NO:
        welcome = {"welcome": Learner.Sent.DUE, "welcome_due_at": timezone.now()}
    if not _tie(learner, user_id, **compared, **welcome):
        return done("linked_elsewhere")
    if welcome:
        nudger.wake(learner.account_id, Lane.ACTIONS, "learners.welcome")
    return done("created", learner, warnings=warnings)


def _tie(learner: Learner, user_id: int, **changes: Any) -> bool:
    """Link the account to the record; False when another record has it already."""
    if learner.queued_courses:  # asked for while an invitation was open
        changes["read_due_at"] = timezone.now()
    if _saved(learner, user_id, changes):
        return True
    return reviewing.elsewhere(learner, user_id) and _saved(learner, user_id, changes)


def _saved(learner: Learner, user_id: int, changes: dict[str, Any]) -> bool:
    try:
        with transaction.atomic():
            claims.save(
                learner, learnupon_user_id=user_id, state=Learner.State.ACTIVE, creating_since=None,
                linked_at=timezone.now(), look_at=None, **changes,
            )  # fmt: skip
    except IntegrityError:
        claims.save(learner, creating_since=None, learnupon_user_id=None)
        return False
    return True


def _link_existing(learnupon: LearnUpon, learner: Learner, person: Person, run: Run) -> Done:
    found = learnupon.find_user(person.email)
    if not found:
        raise TryAgain("LearnUpon says this e-mail exists, but does not show it yet.")
    return _link(learnupon, learner, person, run, found)


def _link(learnupon: LearnUpon, learner: Learner, person: Person, run: Run, found: dict[str, Any]) -> Done:
    """The e-mail has an account in this portal: link it, bring its data up to date, fetch its progress at once."""
    if found.get("enabled") is False:
        claims.save(learner, creating_since=None)
        return done("disabled")
    with run.asking():
        tied = _tie(learner, int(found["id"]), read_due_at=timezone.now())
    if not tied:
        return done("linked_elsewhere")
    _, warnings = carrying.carry(learnupon, learner, person, found)
    return done("already_exists", learner, warnings=warnings)


def _bring_up_to_date(learnupon: LearnUpon, learner: Learner, person: Person, run: Run) -> Done:
    """The learner is linked already: write only what differs."""
    there = learnupon.user(int(learner.learnupon_user_id or 0))
    if there.get("enabled") is False:
        return done("disabled", learner)
    changed, warnings = carrying.carry(learnupon, learner, person, there, run)
    return done(_how(learner, run, there, changed), learner, warnings=warnings)


def _how(learner: Learner, run: Run, there: dict[str, Any], changed: bool) -> str:
    """How it ended; what an earlier attempt of the same run had done, before it could tell, comes first."""
    if run.did(learner.invited_at):
        return "invited"
    if run.did(learner.linked_at):
        return "created" if run.made(there.get("created_at")) else "already_exists"
    return "updated" if changed or run.earlier else "already_exists"


# --- accounts whose maker died ---------------------------------------------------------------------------
def begun() -> QuerySet[Learner]:
    """Learners whose account was being made when the worker died, and whose run has ended in another way since, as when
    the record has lost its e-mail."""
    waiting = Q(look_at__isnull=True) | Q(look_at__lte=Now())
    theirs = Learner.objects.filter(state=Learner.State.NEW, creating_since__isnull=False)
    return theirs.filter(waiting, claims.adrift())


def take_up(portal: Portal) -> None:
    """Tie the accounts that were made; of those that were not, nothing is left to do."""
    learnupon = LearnUpon(portal, Lane.LIVE)
    for learner in list(begun().filter(portal=portal)[:20]):
        with suppress(Refused), claims.held(learner) as mine:
            claims.save(mine, look_at=timezone.now() + LOOK_AGAIN)  # makes room for the others
            found = learnupon.find_user(mine.email)
            if found and _ours(mine, found):
                _created(mine, int(found["id"]), [])
            else:
                claims.save(mine, creating_since=None, look_at=None)


# --- User Invite -----------------------------------------------------------------------------------------
def invite(learner: Learner, person: Person, run: Run) -> Done:
    """Make sure the person has been invited, unless they have an account already."""
    learnupon = LearnUpon(learner.portal, Lane.ACTIONS)
    if learner.learnupon_user_id:
        return _bring_up_to_date(learnupon, learner, person, run)
    if not (_lost(learner) or _pending(learner)):
        found = learnupon.find_user(person.email) or _under_another_email(learnupon, person)
        if found:
            return _link(learnupon, learner, person, run, found)
    return _invite(learnupon, learner, person, run)


def _lost(learner: Learner) -> bool:
    """Whether nobody knows if an invitation went out."""
    return learner.invitation in (Learner.Sent.SENDING, Learner.Sent.UNCONFIRMED)


def _pending(learner: Learner) -> bool:
    return learner.state == Learner.State.PENDING and learner.invitation == Learner.Sent.SENT


def _invite(learnupon: LearnUpon, learner: Learner, person: Person, run: Run) -> Done:
    """Send the invitation, unless one is open or may be."""
    if _lost(learner):
        return invitations.check(learnupon, learner)
    if _pending(learner) and not invitations.lapsed(learnupon, learner):
        return done("invited" if run.did(learner.invited_at) else "already_invited")
    claims.save(learner, **_identity(person))
    values = people.data_for(learner, person).values
    with run.asking():
        return invitations.send(learnupon, learner, values, numbers.whole(run.inputs.get("group")))


# --- Update Learner --------------------------------------------------------------------------------------
def update(learner: Learner, person: Person, run: Run) -> Done:
    """Carry the record's present values over to its learner, who must be linked."""
    return _bring_up_to_date(LearnUpon(learner.portal, Lane.ACTIONS), learner, person, run)
