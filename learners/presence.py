"""Whether HubSpot still has the linked records: for events that never came, and after every time we were not there.

A record among the deleted pauses its learner. One that HubSpot shows nowhere was erased, but only when it is missed
twice, an hour apart: a single empty answer must never erase anybody.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Greatest, Now
from django.utils import timezone

from learners import links, people
from learners.models import LINKED, Learner
from portals import connecting
from portals.clients.errors import Refused
from portals.clients.hubspot import BATCH, OBJECTS, USERS, HubSpot
from portals.lanes import Lane
from portals.models import HubSpotAccount, Portal, RecordType
from webhooks import intake
from webhooks.intake import Arrival

GONE = "hubsync.record-gone"  # a kind of hubsync.flows.FLOWS
EVERY = timedelta(days=1)
LATE = timedelta(days=2)  # not looked at for so long: we were down, and look before anything else is done
TWICE = timedelta(hours=1)  # between the two looks that miss a record
REMOVED = "This HubSpot user was removed."
DEACTIVATED = "This HubSpot user was deactivated."


def watched_since(account: HubSpotAccount) -> datetime:
    return max(account.connected_at, timezone.now() - LATE)


def catching_up(account: HubSpotAccount) -> bool:
    """Whether some linked records have not been looked at since the account was connected again, or since we were
    down: nothing is written about anybody, and no bulk work done, before they are."""
    late = _seen(OuterRef("pk")).filter(seen_at__lt=watched_since(account))
    return Portal.objects.filter(Exists(late), account=account, state=Portal.State.CONNECTED).exists()


def _seen(portal: Portal | OuterRef) -> QuerySet[Learner]:
    """Linked records of a portal that HubSpot showed when they were last looked at."""
    return Learner.objects.filter(portal=portal, state__in=LINKED, missing_since=None)


def _missing(portal: Portal | OuterRef) -> QuerySet[Learner]:
    """Records of a portal that were missed once, so long ago that they are looked for again."""
    return Learner.objects.filter(portal=portal, state__in=LINKED, missing_since__lt=timezone.now() - TWICE)


def due_portals(most: int = 50) -> list[int]:
    """Portals with records to look at. Asked with every sweep: each costs a look into two indexes, however many learners
    it has. The one not seen for longest is asked for by itself, because the planner cannot guess how many are due."""
    oldest = Subquery(_seen(OuterRef("pk")).order_by("seen_at").values("seen_at")[:1])
    since = Greatest(Value(timezone.now() - EVERY), F("account__connected_at"))
    due = Portal.objects.working().annotate(oldest=oldest)
    # Any of them: those that cannot be had just now stay due, and would take every place.
    found = due.filter(Q(oldest__lt=since) | Exists(_missing(OuterRef("pk")))).order_by("?")
    return list(found.values_list("pk", flat=True)[:most])


def look(portal: Portal) -> int:
    """Look for one batch of linked records, those missed and those not seen for longest; how many."""
    learners = list(_missing(portal).order_by("missing_since")[: BATCH // 2])
    since = max(timezone.now() - EVERY, portal.account.connected_at)
    unseen = _seen(portal).filter(seen_at__lt=since)
    learners += unseen.order_by("seen_at")[: BATCH - len(learners)]
    if not learners:
        return 0
    ids = [learner.pk for learner in learners]
    try:
        found = _shown(portal, [learner.record_id for learner in learners])
    except Refused as refusal:  # HubSpot does not let us look; waiting for it would stop everything else
        connecting.rest_comparing(portal, refusal.message)
        Learner.objects.filter(pk__in=ids).update(seen_at=Now())
        return len(learners)
    connecting.records_shown(portal)
    _are_here([learner for learner in learners if found.get(learner.record_id) == "here"])
    for learner in learners:
        if learner.record_id not in found:
            _missed(portal, learner)
        elif found[learner.record_id] != "here":
            _elsewhere(learner, found[learner.record_id])
    return len(learners)


def _shown(portal: Portal, ids: list[str]) -> dict[str, str]:
    """Record id -> `here`, `deleted`, `deactivated`, or the id of the record it was merged into."""
    hubspot, object_type = HubSpot(portal.account, Lane.BULK), OBJECTS[portal.record_type]
    wanted = ["hs_deactivated"] if object_type == USERS else ["hs_object_id"]
    rows = hubspot.read(object_type, ids, wanted)
    found = {}
    for record_id, row in rows.items():
        off = str((row.get("properties") or {}).get("hs_deactivated")) == "true"
        found[record_id] = "deactivated" if off else "here"
    missing = [record_id for record_id in ids if record_id not in rows]
    if missing and object_type != USERS:  # users refuse `archived` (hubspot.md 12)
        found |= dict.fromkeys(hubspot.archived(object_type, missing), "deleted")
    # ASSUMPTION(merged-ids): a merged record answers under the survivor's id. Read singly, it says which that is.
    if set(rows) - set(ids):
        for record_id in missing:
            if into := next(iter(hubspot.read(object_type, [record_id], wanted)), None):
                found[record_id] = into
    return found


def _are_here(learners: Sequence[Learner]) -> None:
    theirs = Learner.objects.filter(pk__in=[learner.pk for learner in learners])
    theirs.update(seen_at=Now(), missing_since=None)
    # Those whose restoring was missed; not one whose deletion was told while HubSpot was asked.
    away = [learner.pk for learner in learners if learner.state == Learner.State.PAUSED]
    links.resume(theirs.filter(pk__in=away, state_reason__in=links.AWAY))


def _elsewhere(learner: Learner, what: str) -> None:
    theirs = Learner.objects.filter(pk=learner.pk)
    if what == "deactivated":
        links.unlink(learner, DEACTIVATED)
    elif what == "deleted":
        links.pause(theirs.exclude(state=Learner.State.PAUSED), links.DELETED)
        theirs.update(seen_at=Now(), missing_since=None)
    else:  # the event of its merge was missed: it is told now
        ids = {"primaryObjectId": int(what), "mergedObjectIds": [int(learner.record_id)]}
        _tell("hubspot.contact.merge", learner, ids)
        theirs.update(seen_at=Now(), missing_since=None)


def _missed(portal: Portal, learner: Learner) -> None:
    theirs = Learner.objects.filter(pk=learner.pk, record_id=learner.record_id)
    if learner.missing_since is None:
        links.pause(theirs.exclude(state=Learner.State.PAUSED), links.MISSING)
        theirs.update(missing_since=Now())
    elif portal.record_type == RecordType.USER:
        links.unlink(learner, REMOVED)  # not erased: HubSpot has no privacy deletion of users
    elif learner.email and _elsewhere_by_email(portal, learner):
        # The person is there under another record: not erased. It takes the link over when it is added or linked.
        theirs.update(missing_since=None, seen_at=Now())
    else:
        tell_gone(learner)
        theirs.update(missing_since=Now())  # should the erasure fail, it is looked for again


def _elsewhere_by_email(portal: Portal, learner: Learner) -> bool:
    """Whether the person may be there under another record. Where HubSpot does not let us ask, they may: nobody is
    erased for that."""
    try:
        return bool(people.by_email(portal, [learner.email.casefold()], Lane.BULK))
    except Refused as refusal:
        connecting.rest_comparing(portal, refusal.message)
        return True


def tell_gone(learner: Learner) -> None:
    """This learner's person was erased in HubSpot, and no event said so."""
    _tell(GONE, learner, {})


def _tell(kind: str, learner: Learner, body: dict[str, object]) -> None:
    """Record what HubSpot would have told us."""
    intake.record(
        [
            Arrival(
                account_id=learner.account_id, kind=kind, lane=Lane.PRIVACY if kind == GONE else Lane.LIVE, record_type=learner.record_type,
                record_id=str(body.get("primaryObjectId") or learner.record_id), body=body,
                key=intake.key("noticed", kind, learner.pk, learner.record_id, learner.missing_since),
            )
        ]
    )  # fmt: skip
