"""Invitations: sent once by LearnUpon, recorded before they are sent, and watched until they are accepted."""

from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from learners import claims, reviewing
from learners.models import Learner
from learners.outcomes import done
from learners.reviewing import Side
from learners.reviewitem import ReviewItem
from learners.runs import CLOCKS_APART
from portals.clients.errors import Refused, TryAgain, Unclear, VendorError
from portals.clients.learnupon import AlreadyThere, DataRejected, LearnUpon
from portals.lanes import Lane
from portals.models import Portal
from webhooks.learnupon import moment
from webhooks.results import Done

# How long after the invitation it is looked at again: often while the mail is fresh, then rarely.
LOOK_AGAIN = ((timedelta(minutes=10), 10), (timedelta(hours=2), 120), (timedelta(days=2), 1800))
LOOK_RARELY = 6 * 3600
LAPSED = timedelta(days=4)  # the link of an invitation is valid for 72 hours
# Up to so many pending learners are searched singly; more of them by the portal's invitation list.
ONE_BY_ONE = 5


def send(learnupon: LearnUpon, learner: Learner, values: dict[str, Any], group_id: int | None = None) -> Done:
    """Have LearnUpon invite the learner. It cannot be unsent, so it is recorded first and never repeated by itself."""
    invitation: dict[str, Any] = {
        "email": learner.email, "first_name": learner.first_name, "last_name": learner.last_name
    }  # fmt: skip
    if group_id:
        invitation["group_id"] = group_id
    if labelled := _by_label(learner, values):
        invitation["CustomData"] = labelled
    claims.save(learner, invitation=Learner.Sent.SENDING, invited_at=timezone.now())
    try:
        learnupon.invite(invitation)
    except AlreadyThere:
        return sent(learner, "already_invited")
    except Unclear:
        return check(learnupon, learner)
    except DataRejected as refusal:
        claims.save(learner, invitation=Learner.Sent.NO, invited_at=None)
        return done("custom_data_rejected", reason=refusal.message)
    except VendorError:
        claims.save(learner, invitation=Learner.Sent.NO, invited_at=None)
        raise
    return sent(learner, "invited")


def _by_label(learner: Learner, values: dict[str, Any]) -> dict[str, Any]:
    """ASSUMPTION(invite-labels): on invitations only the form by label is documented; definition ids are not."""
    labels = {str(m.definition_id): m.definition_label for m in learner.portal.mappings.all()}
    return {
        labels[definition_id]: value for definition_id, value in values.items() if definition_id in labels
    }


def sent(learner: Learner, code: str) -> Done:
    now = timezone.now()
    claims.save(
        learner, invitation=Learner.Sent.SENT, state=Learner.State.PENDING, creating_since=None,
        invited_at=learner.invited_at or now, look_at=now + timedelta(seconds=LOOK_AGAIN[0][1]),
    )  # fmt: skip
    return done(code)


def check(learnupon: LearnUpon, learner: Learner) -> Done:
    """Whether an invitation whose answer was lost did go out. Only the portal's own list can tell; where it does not
    show it, nobody knows, and a person decides."""
    claims.save(learner, invitation=Learner.Sent.UNCONFIRMED)
    # An older invitation to the same address proves nothing.
    begun = (learner.invited_at or learner.added_at) - CLOCKS_APART
    if any((moment(row.get("created_at")) or begun) > begun for row in _of(learnupon, learner)):
        return sent(learner, "invited")
    return done("unconfirmed")


def _of(learnupon: LearnUpon, learner: Learner) -> list[dict[str, Any]]:
    """The learner's invitations, oldest first, from the portal's list."""
    email = learner.email.casefold()
    rows = [
        row for row in learnupon.invitations() if str(row.get("invite_email_address", "")).casefold() == email
    ]
    return sorted(rows, key=lambda row: str(row.get("created_at") or ""))


def lapsed(learnupon: LearnUpon, learner: Learner) -> bool:
    """Whether the latest invitation was rejected, cancelled or has expired, so that another may be sent."""
    rows = _of(learnupon, learner)
    if not rows:
        return False  # not shown is not the same as lapsed
    expires = moment(rows[-1].get("expires_at"))
    return rows[-1].get("invite_status") in ("rejected", "canceled") or bool(
        expires and expires < timezone.now()
    )


def lost() -> int:
    """Invitations whose worker died while sending and that no run will ask after: nobody knows, so they wait for a
    person."""
    return Learner.objects.filter(claims.adrift(), invitation=Learner.Sent.SENDING).update(
        invitation=Learner.Sent.UNCONFIRMED
    )


def send_again(learner: Learner) -> None:
    """A person decided: the next attempt may send it."""
    Learner.objects.filter(pk=learner.pk, invitation=Learner.Sent.UNCONFIRMED).update(
        invitation=Learner.Sent.NO
    )


# --- has it been accepted? -------------------------------------------------------------------------------
def to_look_at() -> QuerySet[Learner]:
    """Pending learners, and those whose link a merge has ended while their invitation was open."""
    states = (Learner.State.PENDING, Learner.State.UNLINKED)
    return Learner.objects.filter(state__in=states, look_at__lte=Now())


def look(portal: Portal) -> int:
    """Link the pending learners of a portal whose invitation was accepted; how many were."""
    due = list(to_look_at().filter(portal=portal).order_by("look_at")[:200])
    if not due:
        return 0
    learnupon = LearnUpon(portal, Lane.LIVE)
    if len(due) > ONE_BY_ONE:
        accepted = {
            str(row.get("invite_email_address", "")).casefold()
            for row in learnupon.invitations()
            if row.get("invite_status") == "accepted"
        }
        likely = [learner for learner in due if learner.email.casefold() in accepted]
        _look_later([learner for learner in due if learner not in likely])
    else:
        likely = due
    return sum(_look_at(learnupon, learner) for learner in likely)


def _look_at(learnupon: LearnUpon, learner: Learner) -> bool:
    try:
        user = learnupon.find_user(learner.email)
    except (TryAgain, Refused) as error:  # whoever cannot be looked for makes room for the others
        if error.counts:
            _look_later([learner])
        if isinstance(error, TryAgain):  # LearnUpon is in trouble: no more of it now
            raise
        return False
    if user is None:
        _look_later([learner])
        return False
    if learner.state == Learner.State.UNLINKED:
        return _accepted_after_merge(learner, int(user["id"]))
    return _link(learnupon, learner, user)


def _link(learnupon: LearnUpon, learner: Learner, user: dict[str, Any]) -> bool:
    try:
        with claims.held(learner) as mine, transaction.atomic():
            if mine.state != Learner.State.PENDING:  # paused meanwhile
                return False
            claims.save(
                mine, learnupon_user_id=int(user["id"]), state=Learner.State.ACTIVE, linked_at=timezone.now(),
                look_at=None, read_due_at=timezone.now(), creating_since=None,
            )  # fmt: skip
    except IntegrityError:
        if reviewing.elsewhere(learner, int(user["id"])):
            return _look_at(learnupon, learner)
        Learner.objects.filter(pk=learner.pk).update(
            look_at=None, state_reason="The account with this e-mail is linked to another record."
        )
        return False
    except TryAgain:
        return False
    return True


def _accepted_after_merge(learner: Learner, user_id: int) -> bool:
    """The record has another link by now. Where that has an account, a person decides which of the two it is; where it
    is an open invitation as well, this acceptance serves for both."""
    live = reviewing.live(learner.portal)
    holder = live.filter(record_id=learner.record_id).first()
    if (
        holder and holder.state == Learner.State.NEW
    ):  # being added; then it is known whether it has an account
        _look_later([learner])
        return False
    Learner.objects.filter(pk=learner.pk).update(look_at=None)
    if holder is None or live.filter(learnupon_user_id=user_id).exists():
        return False
    if holder.learnupon_user_id:
        first, second = Side(learner.record_id, holder.learnupon_user_id), Side(learner.record_id, user_id)
        reviewing.ask(learner.portal, ReviewItem.Kind.CONFLICT, first, second)
    elif holder.state == Learner.State.PENDING:
        Learner.objects.filter(pk=holder.pk).update(email=learner.email, look_at=Now())
    return False


def _look_later(learners: list[Learner]) -> None:
    for learner in learners:
        age = timezone.now() - (learner.invited_at or learner.added_at)
        seconds = next((wait for until, wait in LOOK_AGAIN if age < until), LOOK_RARELY)
        later = timezone.now() + timedelta(seconds=seconds)
        over = learner.state == Learner.State.UNLINKED and age > LAPSED
        Learner.objects.filter(pk=learner.pk).update(look_at=None if over else later)
