"""Changes of HubSpot records that their learners' LearnUpon accounts should have.

A change of thousands of records at once comes as an event for each property of each. The records of a slice are read
100 a call, and of several events about one record only the last does anything: it finds all the others' values.
"""

from collections import defaultdict
from collections.abc import Iterator
from functools import partial

from django.db.models import QuerySet

from learners import carrying, claims, people
from learners.identity import about_nobody, learners_of
from learners.models import Learner
from learners.people import Person
from portals import connecting
from portals.clients.errors import Disconnected, VendorError
from portals.lanes import Lane
from portals.models import Portal
from webhooks.models import Delivery
from webhooks.results import Done, Result, settle

UNCHANGED = ("unchanged", "Nothing differed that LearnUpon should have.")
OVERTAKEN = Done("unchanged", "The record changed again; the later event brings all of its values over.")
Found = dict[str, Person] | VendorError


class Records:
    """The HubSpot records behind an account's slice of events, read together for each portal when the first is asked
    for."""

    def __init__(self, deliveries: list[Delivery]) -> None:
        self._ids: dict[int, set[str]] = defaultdict(set)
        self._found: dict[int, Found] = {}
        linked = Learner.objects.filter(
            account__in={d.account_id for d in deliveries}, record_type__in={d.record_type for d in deliveries},
            record_id__in={d.record_id for d in deliveries}, state=Learner.State.ACTIVE,
        )  # fmt: skip
        for portal_id, record_id in linked.values_list("portal_id", "record_id"):
            self._ids[portal_id].add(record_id)

    def of(self, learner: Learner) -> Person | None:
        """The learner's record as it was when the slice began or later; None when HubSpot does not show it."""
        portal = learner.portal
        if learner.record_id not in self._ids[portal.pk]:  # linked since
            return people.read(portal, [learner.record_id], Lane.LIVE).get(learner.record_id)
        if portal.pk not in self._found:
            self._found[portal.pk] = self._read(portal)
        found = self._found[portal.pk]
        if isinstance(found, VendorError):
            raise found
        return found.get(learner.record_id)

    def _read(self, portal: Portal) -> Found:
        try:
            return people.read(portal, self._ids[portal.pk], Lane.LIVE)
        except VendorError as error:
            return error


def property_changed(deliveries: list[Delivery]) -> Iterator[tuple[Delivery, Result]]:
    """HubSpot is the source: a changed property, e-mail or name reaches LearnUpon, when it differs there."""
    records = Records(deliveries)
    for delivery in deliveries:
        yield delivery, settle(delivery, partial(_changed, delivery, records))


def _changed(delivery: Delivery, records: Records) -> Result:
    learners = learners_of(delivery).filter(state=Learner.State.ACTIVE).select_related("portal__account")
    if not learners:
        return about_nobody(delivery)
    if _overtaken(delivery):
        return OVERTAKEN
    working = learners.filter(portal__state=Portal.State.CONNECTED)
    _compare_later(learners.exclude(portal__state=Portal.State.CONNECTED))
    changed, warnings, failures = False, list[str](), list[VendorError]()
    for learner in working:  # every one of them, whatever the first says
        try:
            wrote, said = _carry(delivery, learner, records)
            changed, warnings = changed or wrote, warnings + said
        except VendorError as error:
            failures.append(error)
    if failures:
        raise failures[0]
    code, words = ("updated", "The new values went to LearnUpon.") if changed else UNCHANGED
    return Done(code, " ".join([words, *warnings])[:500])


def _carry(delivery: Delivery, learner: Learner, records: Records) -> tuple[bool, list[str]]:
    someone = records.of(learner)
    if someone is None:
        return False, []
    try:
        with claims.held(learner) as mine:
            # Asked while nobody else can write: what was read before a later event must not be written after it.
            if _overtaken(delivery) or carrying.carried(mine, someone):
                return False, []
            return carrying.bring_over(mine, someone, Lane.LIVE)
    except Disconnected as error:
        if "LearnUpon" not in error.message:
            raise
        connecting.mark_disconnected(learner.portal, error.message)
        _compare_later(Learner.objects.filter(pk=learner.pk))
        return False, [error.message]


def _overtaken(delivery: Delivery) -> bool:
    """Whether a later event about the record is there: whoever works that one reads the record anew."""
    later = Delivery.objects.filter(
        account_id=delivery.account_id, record_type=delivery.record_type, record_id=delivery.record_id,
        kind=delivery.kind, pk__gt=delivery.pk,
    )  # fmt: skip
    return later.exists()


def _compare_later(learners: QuerySet[Learner]) -> None:
    """Their portal rests (paused, dead keys): they are compared as soon as it works again."""
    learners.update(checked_at=None)
