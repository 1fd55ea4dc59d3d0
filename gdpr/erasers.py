"""One eraser per model that knows a person. Whoever adds a model adds its eraser, or declares it free of people:
tests/gdpr/test_erasers.py fails otherwise."""

from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import F, Model, Q
from django.db.models.functions import Now

from gdpr.models import Erasure, ErasureStep
from learners.models import Enrollment, Learner, Notice, Silence, Tally, Walk
from learners.reviewitem import ReviewItem
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
from webhooks.models import DailyCount, Delivery, Heartbeat

# The request to erase is not itself erased work: it ends as done, and forgets whom it was about by itself.
REQUESTS = ("hubspot.contact.privacyDeletion", "hubsync.record-gone")
MERGE = "hubspot.contact.merge"
REASON = "This person asked to be forgotten."


@dataclass(frozen=True)
class Person:
    """Whom an erasure is about, in the words of every table."""

    account: HubSpotAccount
    record_type: str
    record_id: str
    users: dict[int, list[int]]  # portal -> LearnUpon user ids
    emails: frozenset[str] = frozenset()


def _about(person: Person) -> list[Q]:
    """Each by itself has an index; joined into one question they would not."""
    about = [Q(record_type=person.record_type, record_id=person.record_id)]
    for portal_id, user_ids in person.users.items():
        about.append(Q(portal_id=portal_id, learnupon_user_id__in=user_ids))
    # LearnUpon's news of somebody invited, or that could not be read, is known by the e-mail only.
    for email in person.emails:
        told = Q(kind__startswith="learnupon.", body__user__email__iexact=email)
        about += [told & Q(state=state) for state in (Delivery.State.WAITING, Delivery.State.FAILED)]
    return about


def erase_deliveries(person: Person) -> int:
    """Waiting and running work stops (its claim is worth nothing now) and is answered `erased`; bodies go."""
    rows = Delivery.objects.filter(account=person.account).exclude(kind__in=REQUESTS)
    ids = {pk for about in _about(person) for pk in rows.filter(about).values_list("pk", flat=True)}
    theirs = Delivery.objects.filter(pk__in=ids)
    # What HubSpot is still to be told says `erased` from now on, and so does the page.
    owed = theirs.filter(tell=Delivery.Tell.OWED)
    owed.update(outcome="erased")
    owed.filter(state=Delivery.State.WAITING).update(tell_due_at=Now())
    theirs.filter(state=Delivery.State.WAITING).update(
        state=Delivery.State.FAILED, outcome="erased", done_at=Now()
    )
    # A vendor's words may quote the person.
    return theirs.update(claim=F("claim") + 1, reason=REASON, correlation_id="", **forgotten())


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


def erase_reviews(person: Person) -> int:
    """Questions about two links, one of them this person's: with one side gone there is nothing to decide."""
    about = Q(record_type=person.record_type) & (
        Q(first_record=person.record_id) | Q(second_record=person.record_id)
    )
    for portal_id, user_ids in person.users.items():
        about |= Q(portal_id=portal_id) & (Q(first_user__in=user_ids) | Q(second_user__in=user_ids))
    return ReviewItem.objects.filter(about, account=person.account).delete()[0]


# In this order: what points at a person first, the person last.
ERASERS: dict[type[Model], Callable[[Person], int]] = {
    Delivery: erase_deliveries,
    ReviewItem: erase_reviews,
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
    AuditEntry: "what an admin changed or an operator opened; details name settings and our own row numbers",
    Walk: "counts and course numbers",
    Notice: "that admins were told of a cause",
    Silence: "an admin of the customer's who wants no more mails; goes with the account",
    Tally: "sums over all rows of a portal or an account, for a minute",
    Erasure: "the receipt: a keyed hash and counts",
    DailyCount: "counts",
    Heartbeat: "when beat and the workers last showed that they live",
    ErasureStep: "what is still to be done at a vendor, encrypted, emptied when confirmed",
}
