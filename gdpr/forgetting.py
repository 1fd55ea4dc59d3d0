"""The half of an erasure that is ours: everything about a person goes, in one transaction, and is remembered no longer
than both vendors need to do their half."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from gdpr.erasers import ERASERS, MERGE, Person
from learners.models import Enrollment, Learner
from portals import tombstones
from portals.models import HubSpotAccount
from webhooks.models import Delivery


@dataclass(frozen=True)
class Forgotten:
    """What went, and what the vendors still have: HubSpot ids and keys of records, LearnUpon accounts that may hold
    the record's id."""

    counts: dict[str, int]
    ids: list[str]
    keys: list[str]
    accounts: list[dict[str, Any]] = field(default_factory=list)
    former: list[str] = field(default_factory=list)  # records merged into this one that are linked still


def forget(account: HubSpotAccount, record_type: str, record_id: str, email: str = "") -> Forgotten:
    """To be called in a transaction. Nobody makes a link of this record meanwhile, nor after."""
    tombstones.hold(account, record_type, record_id)
    learners = list(
        Learner.objects.select_related("portal")
        .select_for_update(of=("self",))
        .filter(account=account, record_type=record_type, record_id=record_id)
        .order_by("pk")
    )
    emails = {learner.email for learner in learners} | {email}
    tombstones.bury(account, record_type, record_id, emails)
    former = sorted(_former_ids(account, record_type, record_id))
    for other in former:
        tombstones.hold(account, record_type, other)
        tombstones.bury(account, record_type, other, set())
    person = Person(account, record_type, record_id, users_of(learners), frozenset(emails - {""}))
    rows = list(Enrollment.objects.select_related("portal").filter(learner__in=learners))
    counts = {model._meta.model_name or "": eraser(person) for model, eraser in ERASERS.items()}
    accounts = [where for learner in learners for where in _record_id_at_learnupon(learner)]
    ids, keys = [row.hubspot_id for row in rows if row.hubspot_id], [row.key for row in rows]
    return Forgotten(counts, ids, keys, accounts, _linked(account, record_type, former))


def _linked(account: HubSpotAccount, record_type: str, record_ids: list[str]) -> list[str]:
    theirs = Learner.objects.filter(account=account, record_type=record_type, record_id__in=record_ids)
    return sorted(set(theirs.values_list("record_id", flat=True)))


def _former_ids(account: HubSpotAccount, record_type: str, record_id: str) -> set[str]:
    """The records that were merged into this one: late requests may still name them."""
    merges = Delivery.objects.filter(
        account=account, record_type=record_type, record_id=record_id, kind=MERGE, body__isnull=False
    )
    found: set[str] = set()
    for body in (merge.body or {} for merge in merges):
        ids = [body.get("primaryObjectId"), body.get("newObjectId"), *(body.get("mergedObjectIds") or [])]
        found |= {str(one) for one in ids if isinstance(one, int)}
    return found - {record_id}


def users_of(learners: list[Learner]) -> dict[int, list[int]]:
    """Portal -> LearnUpon users. One that was unlinked and has become another record's is not this person's."""
    users: dict[int, list[int]] = defaultdict(list)
    for learner in learners:
        others = Learner.objects.filter(
            portal=learner.portal_id, learnupon_user_id=learner.learnupon_user_id
        ).exclude(record_id=learner.record_id)
        if learner.learnupon_user_id and not others.exclude(state=Learner.State.UNLINKED).exists():
            users[learner.portal_id].append(learner.learnupon_user_id)
    return dict(users)


def _record_id_at_learnupon(learner: Learner) -> list[dict[str, Any]]:
    """Where LearnUpon may hold the record's id, or is about to: an account being made has no number yet."""
    if not (learner.learnupon_user_id or learner.creating_since):
        return []
    fields = {learner.portal.record_field, *learner.portal.former_record_fields} - {None}
    return [
        {
            "portal": learner.portal_id, "user": learner.learnupon_user_id, "email": learner.email,
            "field": field, "record": learner.record_id,
        }
        for field in sorted(fields)
    ]  # fmt: skip
