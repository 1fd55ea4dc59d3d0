"""Everything held about one person, for a request of access (GDPR article 15): theirs, and nobody else's."""

from typing import Any

from django.db.models import Model, Q, QuerySet

from gdpr.forgetting import users_of
from gdpr.models import Erasure
from learners.models import Enrollment, Learner
from learners.reviewitem import ReviewItem
from portals import tombstones
from portals.models import HubSpotAccount
from webhooks.models import Delivery

# Ours alone: how the work is organised, or a key that means something to us only. The rest is exported.
WITHHELD: dict[type[Model], set[str]] = {
    Learner: {
        "id", "account", "busy_until", "busy_claim", "fingerprint", "welcome_attempts", "read_attempts"
    },
    Enrollment: {
        "id", "account", "learner", "stamps", "version", "pushed_version", "claim", "attempts", "due_at", "bulk"
    },
    Delivery: {
        "id", "account", "lane", "key", "claim", "unended", "asked_at", "attempts", "due_at", "first_tried_at",
        "callback_id", "tell", "tell_due_at", "tell_attempts", "tell_until",
    },
    # The other side of a question is somebody else: only this person's own side is given.
    ReviewItem: {
        "id", "account", "record_type", "first_record", "first_user", "second_record", "second_user"
    },
}  # fmt: skip
# Parts of a body that tell of somebody else: the admin who asked, the records of a merge.
OTHERS = ("actor", "primaryObjectId", "mergedObjectIds", "newObjectId")


def everything(account: HubSpotAccount, record_type: str, record_id: str) -> dict[str, Any]:
    """What our tables know about a record, in every portal of the account."""
    theirs = Learner.objects.filter(account=account, record_type=record_type, record_id=record_id)
    learners = list(theirs.select_related("portal").order_by("pk"))
    enrollments = Enrollment.objects.filter(account=account, learner__in=learners).select_related("portal")
    deliveries = _deliveries(account, record_type, record_id, learners).select_related("portal")
    return {
        "hubspot_account": account.hub_id,
        "record_type": record_type,
        "record_id": record_id,
        "learners": [_row(learner) for learner in learners],
        "enrollments": [_row(row) for row in enrollments.order_by("portal", "enrollment_id")],
        "deliveries": [_delivery(row) for row in deliveries.order_by("received_at", "pk")],
        "questions": [_question(row, record_id) for row in _questions(account, record_type, record_id)],
        "erasure": _erasure(account, record_type, record_id),
    }


def _deliveries(
    account: HubSpotAccount, record_type: str, record_id: str, learners: list[Learner]
) -> QuerySet[Delivery]:
    about = Q(record_type=record_type, record_id=record_id)
    for portal_id, user_ids in users_of(learners).items():
        about |= Q(portal=portal_id, learnupon_user_id__in=user_ids)
    return Delivery.objects.filter(about, account=account)


def _questions(account: HubSpotAccount, record_type: str, record_id: str) -> QuerySet[ReviewItem]:
    either = Q(first_record=record_id) | Q(second_record=record_id)
    theirs = ReviewItem.objects.filter(either, account=account, record_type=record_type)
    return theirs.select_related("portal").order_by("pk")


def _question(item: ReviewItem, record_id: str) -> dict[str, Any]:
    sides = ((item.first_record, item.first_user), (item.second_record, item.second_user))
    return _row(item) | {"learnupon_users": sorted({user for record, user in sides if record == record_id})}


def _row(row: Model) -> dict[str, Any]:
    withheld = WITHHELD[type(row)]
    values = {
        field.name: getattr(row, field.attname)
        for field in row._meta.concrete_fields
        if field.name not in withheld
    }
    portal = getattr(row, "portal", None)
    return values | {"portal": portal.host if portal else None}


def _delivery(delivery: Delivery) -> dict[str, Any]:
    body = delivery.body
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if name not in OTHERS}
    return _row(delivery) | {"body": body}


def _erasure(account: HubSpotAccount, record_type: str, record_id: str) -> dict[str, Any] | None:
    digest = tombstones.record_digest(account, record_type, record_id)
    found = Erasure.objects.filter(account=account, record_type=record_type, digest=digest).first()
    if found is None:
        return None
    return {"asked_at": found.asked_at, "done_at": found.done_at, "lifted_at": found.lifted_at}
