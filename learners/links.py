"""What can happen to a link: it pauses, resumes, moves to another record, is cut, and its records leave HubSpot."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.db.models.functions import Now
from django.utils import timezone

from learners import claims
from learners.models import Enrollment, Learner
from portals.lanes import Lane
from webhooks import nudger

DELETED = "The HubSpot record was deleted."
MISSING = "HubSpot does not show this record at present."
AWAY = (DELETED, MISSING)  # of records that are not there: somebody else may have their LearnUpon account
RESTORABLE = timedelta(days=90)  # https://knowledge.hubspot.com/records/restore-deleted-records
# What a worker has under way is worth nothing any more. Of an invitation being sent nobody will know whether it went; of
# a mail, its sender says so still, or the end of its time does (learners/welcome.py).
_STOPPED: dict[str, Any] = {
    "busy_claim": F("busy_claim") + 1, "look_at": None, "read_due_at": None,
    "invitation": Case(
        When(invitation=Learner.Sent.SENDING, then=Value(Learner.Sent.UNCONFIRMED)), default=F("invitation")
    ),
    "welcome_due_at": Case(When(welcome=Learner.Sent.SENDING, then=F("welcome_due_at")), default=None),
}  # fmt: skip


@transaction.atomic
def pause(learners: QuerySet[Learner], reason: str) -> int:
    """Nothing flows and nothing is erased; what a worker has under way is worth nothing any more."""
    ids = list(learners.values_list("pk", flat=True))
    changed = Learner.objects.filter(pk__in=ids).update(
        state=Learner.State.PAUSED, state_reason=reason[:300], paused_at=Now(), **_STOPPED
    )
    # What HubSpot refused is tried again when the link resumes, and by no button before.
    Enrollment.objects.filter(learner__in=ids).update(due_at=None, parked_reason="", claim=F("claim") + 1)
    return changed


@transaction.atomic
def resume(learners: QuerySet[Learner]) -> int:
    """Go on where it paused, with what happened meanwhile read anew."""
    now = timezone.now()
    paused = list(learners.filter(state=Learner.State.PAUSED).values_list("pk", flat=True))
    again = {"state_reason": "", "paused_at": None, "missing_since": None}
    theirs = Learner.objects.filter(pk__in=paused)
    theirs.filter(welcome=Learner.Sent.DUE).update(welcome_due_at=now)
    active = theirs.filter(learnupon_user_id__isnull=False)
    changed = active.update(state=Learner.State.ACTIVE, read_due_at=now, checked_at=None, **again)
    waiting = theirs.filter(state=Learner.State.PAUSED)
    changed += waiting.filter(invitation=Learner.Sent.SENT).update(
        state=Learner.State.PENDING, look_at=now, **again
    )
    changed += waiting.update(state=Learner.State.NEW, **again)
    untied = ~Q(associated_with=F("learner__record_id"))
    owed = Enrollment.objects.filter(~Q(version=F("pushed_version")) | untied, learner__in=paused)
    Enrollment.objects.filter(pk__in=owed.values("pk")).update(due_at=Now())
    return changed


def move(learner: Learner, record_id: str) -> None:
    """The link stands for another record now, to which HubSpot's records are tied anew and whose values LearnUpon is
    to have."""
    Learner.objects.filter(pk=learner.pk).update(
        record_id=record_id, seen_at=Now(), missing_since=None, checked_at=None
    )
    if learner.state == Learner.State.PAUSED:
        resume(Learner.objects.filter(pk=learner.pk))
    push_again(learner)


def push_again(learner: Learner) -> None:
    Enrollment.objects.filter(learner=learner).update(
        version=F("version") + 1, changed_at=Now(), due_at=Now()
    )
    nudger.wake(learner.account_id, Lane.LIVE, "learners.push")


@transaction.atomic
def unlink(learner: Learner, reason: str) -> None:
    """Cut the link: nothing flows any more, the LearnUpon account and HubSpot's records stay as they are. Which records
    those are is kept, because a later erasure must find them."""
    Enrollment.objects.filter(learner=learner, withdrawn=False).update(
        due_at=None, parked_reason="", claim=F("claim") + 1
    )
    Learner.objects.filter(pk=learner.pk).update(
        state=Learner.State.UNLINKED, state_reason=reason[:300], **_STOPPED
    )


def withdraw(learner: Learner) -> None:
    """The learner's records leave HubSpot: another link's are kept."""
    Enrollment.objects.filter(learner=learner).update(
        withdrawn=True, version=F("version") + 1, due_at=Now(), parked_reason=""
    )
    nudger.wake(learner.account_id, Lane.LIVE, "learners.push")


def unlink_forgotten() -> int:
    """Records that stayed deleted for as long as HubSpot can restore them: their links end."""
    over = Learner.objects.filter(
        state=Learner.State.PAUSED, state_reason__in=AWAY, paused_at__lt=timezone.now() - RESTORABLE
    )
    learners = list(over[:500])
    for learner in learners:
        unlink(learner, "The HubSpot record was deleted more than 90 days ago.")
    return len(learners)


@transaction.atomic
def forget_unused() -> int:
    """Learners that led to nothing and that no run will make anything of: it was refused, or its record went before
    anybody took it up again after a worker's death."""
    unused = Learner.objects.filter(claims.adrift(), claims.unused(), state=Learner.State.NEW)
    locked = unused.select_for_update(skip_locked=True, of=("self",)).values_list("pk", flat=True)[:500]
    return Learner.objects.filter(pk__in=list(locked)).delete()[0]
