"""Two links that cannot both be right are never guessed about: they wait for a person, who keeps one or leaves both."""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from learners import links
from learners.models import Learner
from learners.reviewitem import ReviewItem
from portals import tombstones
from portals.models import Portal


@dataclass(frozen=True)
class Side:
    """One of the two links: a HubSpot record and a LearnUpon user."""

    record_id: str
    user_id: int


def sides(item: ReviewItem) -> tuple[Side, Side]:
    return Side(item.first_record, item.first_user), Side(item.second_record, item.second_user)


def ask(portal: Portal, kind: str, first: Side, second: Side) -> None:
    """Put a question into the portal's queue; one that was asked before is not asked again."""
    ReviewItem.objects.bulk_create(
        [
            ReviewItem(
                account_id=portal.account_id, portal=portal, kind=kind, record_type=portal.record_type,
                first_record=first.record_id, first_user=first.user_id,
                second_record=second.record_id, second_user=second.user_id,
            )
        ],
        ignore_conflicts=True,
    )  # fmt: skip


def elsewhere(learner: Learner, user_id: int) -> bool:
    """The account this learner needs belongs to another record. One that HubSpot no longer has gives it up, because a
    record that left has come back with a new id: True. Between two that are there a person decides."""
    holder = live(learner.portal).filter(learnupon_user_id=user_id).exclude(pk=learner.pk).first()
    if holder is None:
        return True
    if holder.state == Learner.State.PAUSED and holder.state_reason in links.AWAY:
        links.unlink(holder, "Its person came back as another HubSpot record.")
        return True
    first, second = Side(holder.record_id, user_id), Side(learner.record_id, user_id)
    ask(learner.portal, ReviewItem.Kind.ELSEWHERE, first, second)
    return False


def live(portal: Portal) -> QuerySet[Learner]:
    return Learner.objects.filter(portal=portal, record_type=portal.record_type).exclude(
        state=Learner.State.UNLINKED
    )


def open_items(portal: Portal) -> QuerySet[ReviewItem]:
    return ReviewItem.objects.filter(portal=portal, state=ReviewItem.State.OPEN)


@transaction.atomic
def keep(item: ReviewItem, choice: str) -> bool:
    """What a person decided. The link that loses is cut, and its records leave HubSpot; False when somebody else was
    quicker, or the person was erased meanwhile."""
    locked = (
        ReviewItem.objects.select_for_update()
        .filter(pk=item.pk)
        .exclude(state__in=("first", "second"))
        .first()
    )
    if locked is None:
        return False
    if choice != ReviewItem.State.LEFT:
        kept, lost = sides(locked) if choice == ReviewItem.State.FIRST else sides(locked)[::-1]
        if not _decide(locked, kept, lost):
            return False
    locked.state, locked.decided_at = choice, timezone.now()
    locked.save(update_fields=["state", "decided_at"])
    return True


def _decide(item: ReviewItem, kept: Side, lost: Side) -> bool:
    portal = item.portal
    tombstones.hold(portal.account, item.record_type, kept.record_id)
    if tombstones.record_is_erased(portal.account, item.record_type, kept.record_id):
        return False
    users, records = {kept.user_id, lost.user_id}, {kept.record_id, lost.record_id}
    about = Q(learnupon_user_id__in=users) | Q(record_id__in=records)
    involved = list(live(portal).filter(about).select_for_update().order_by("pk"))
    winner = next((learner for learner in involved if learner.learnupon_user_id == kept.user_id), None)
    for learner in involved:
        if learner is not winner and _loses(item, learner, kept, lost):
            links.unlink(learner, "Another link was kept in the identity review.")
            links.withdraw(learner)
    _tie(portal, winner, kept)
    return True


def _loses(item: ReviewItem, learner: Learner, kept: Side, lost: Side) -> bool:
    """Whoever stands in the way of the kept link; of two merged records also the one that was merged away."""
    if learner.record_id == kept.record_id or learner.learnupon_user_id == kept.user_id:
        return True
    return item.kind == ReviewItem.Kind.MERGED and learner.learnupon_user_id == lost.user_id


def _tie(portal: Portal, winner: Learner | None, kept: Side) -> None:
    """The kept link as it should be: made, or moved to its record, with its progress read anew."""
    now = timezone.now()
    if winner is None:
        Learner.objects.create(
            account_id=portal.account_id, portal=portal, record_type=portal.record_type,
            record_id=kept.record_id, learnupon_user_id=kept.user_id, state=Learner.State.ACTIVE,
            linked_at=now, read_due_at=now,
        )  # fmt: skip
        return
    Learner.objects.filter(pk=winner.pk).update(
        record_id=kept.record_id, state=Learner.State.ACTIVE, state_reason="", paused_at=None,
        missing_since=None, seen_at=Now(), checked_at=None, read_due_at=now, busy_claim=F("busy_claim") + 1,
    )  # fmt: skip
    links.push_again(winner)
