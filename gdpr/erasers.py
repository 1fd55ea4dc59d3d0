"""One eraser per model that knows a person. Whoever adds a model adds its eraser, or declares it free of people:
tests/gdpr/test_erasers.py fails otherwise."""

from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import F, Model, Q
from django.db.models.functions import Now

from gdpr.models import Erasure, ErasureStep
from learners.models import Enrollment, Learner, Notice, Silence, Walk
from portals.models import (
    AuditEntry,
    Course,
    HubSpotAccount,
    Portal,
    PortalNumber,
    PropertyMapping,
    Tombstone,
)
from webhooks.claims import forgotten
from webhooks.models import DailyCount, Delivery


REQUEST = "hubspot.contact.privacyDeletion"


@dataclass(frozen=True)
class Person:
    """Whom an erasure is about, in the words of every table."""

    account: HubSpotAccount
    record_type: str
    record_id: str
    users: dict[int, list[int]]  # portal -> LearnUpon user ids


def _about(person: Person) -> Q:
    about = Q(record_type=person.record_type, record_id=person.record_id)
    for portal_id, user_ids in person.users.items():
        about |= Q(portal_id=portal_id, learnupon_user_id__in=user_ids)
    return about


def erase_deliveries(person: Person) -> int:
    """Waiting and running work stops (its claim is worth nothing now) and is answered `erased`; bodies go."""
    # The request to erase is not itself erased work: it ends as done, and forgets whom it was about by itself.
    theirs = Delivery.objects.filter(_about(person), account=person.account).exclude(kind=REQUEST)
    theirs.filter(state=Delivery.State.WAITING, tell=Delivery.Tell.OWED).update(tell_due_at=Now())
    theirs.filter(state=Delivery.State.WAITING).update(
        state=Delivery.State.FAILED,
        outcome="erased",
        reason="This person asked to be forgotten.",
        done_at=Now(),
    )
    return theirs.update(claim=F("claim") + 1, **forgotten())


def erase_enrollments(person: Person) -> int:
    theirs = Enrollment.objects.filter(
        account=person.account, learner__record_type=person.record_type, learner__record_id=person.record_id
    )
    return theirs.delete()[1].get("learners.Enrollment", 0)


def erase_learners(person: Person) -> int:
    theirs = Learner.objects.filter(
        account=person.account, record_type=person.record_type, record_id=person.record_id
    )
    return theirs.delete()[1].get("learners.Learner", 0)


# In this order: what points at a person first, the person last.
ERASERS: dict[type[Model], Callable[[Person], int]] = {
    Delivery: erase_deliveries,
    Enrollment: erase_enrollments,
    Learner: erase_learners,
}
# Models that hold nothing about a person HubSpot could ask us to forget, and why.
FREE_OF_PEOPLE: dict[type, str] = {
    HubSpotAccount: "the customer itself; admin addresses go with the account",
    Portal: "a LearnUpon site",
    PortalNumber: "a number for a site",
    PropertyMapping: "names of properties and fields",
    Course: "a course",
    Tombstone: "keyed hashes, which outlive the person on purpose",
    AuditEntry: "what an admin changed; details name settings only",
    Walk: "counts and course numbers",
    Notice: "that admins were told of a cause",
    Silence: "an admin of the customer's who wants no more mails; goes with the account",
    Erasure: "the receipt: a keyed hash and counts",
    DailyCount: "counts",
    ErasureStep: "what is still to be done at a vendor, encrypted, deleted when confirmed",
}
