"""Carrying a record's values over to a learner's LearnUpon account: HubSpot is the source, and only what differs is
written."""

import hashlib
import hmac
import logging
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import orjson
from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone

from learners import claims, people
from learners.models import Enrollment, Learner
from learners.people import Person
from learners.runs import Run
from portals import connecting, retries
from portals.clients.errors import NotFound, Refused, TryAgain, VendorError
from portals.clients.hubspot import BATCH
from portals.clients.learnupon import LearnUpon, is_admin
from portals.conversion import CustomData
from portals.lanes import Lane
from portals.models import Portal

logger = logging.getLogger(__name__)
GONE = "LearnUpon no longer has this user."
DISABLED = "The LearnUpon account is disabled."
ADMINS = "The e-mail was left as it is, because this account is an admin's: change it in LearnUpon."
FIELDS = ("email", "first_name", "last_name")
EVERY = timedelta(days=1)  # each linked record is compared with what was last carried over


def carry(
    learnupon: LearnUpon, learner: Learner, someone: Person, there: dict[str, Any], run: Run | None = None
) -> tuple[bool, list[str]]:
    """Write what differs between the record and the account `there`. Whether anything did, and warnings."""
    changes, data = _differences(learner, someone, there)
    differs = bool(changes or data.values)
    with run.asking() if run and differs else nullcontext():
        refused = _write(learnupon, int(there["id"]), changes, data.values) if differs else []
    warnings = data.warnings + refused
    _remember(learner, someone, " ".join(warnings)[:300])
    return differs, warnings


def alike(learner: Learner, someone: Person, there: dict[str, Any]) -> bool:
    """Whether nothing differs between the record and the account `there`; if so it counts as carried over."""
    changes, data = _differences(learner, someone, there)
    if changes or data.values:
        return False
    _remember(learner, someone, " ".join(data.warnings)[:300])
    return True


def _differences(
    learner: Learner, someone: Person, there: dict[str, Any]
) -> tuple[dict[str, Any], CustomData]:
    changes = {
        name: getattr(someone, name)
        for name in FIELDS
        if getattr(someone, name) and not _same(name, someone, there.get(name))
    }
    data = people.data_for(learner, someone, there.get("customDataFieldValues"))
    # Whoever may edit a contact could else make an admin's login their own, by LearnUpon's Forgot password.
    if is_admin(there) and changes.pop("email", ""):
        data.warnings.append(ADMINS)
    return changes, data


def _same(name: str, someone: Person, theirs: Any) -> bool:
    """Whether nothing need be written. An account under one of the person's secondary e-mails keeps it: that is what
    they log in with."""
    if name == "email":
        known = {email.casefold() for email in (someone.email, *someone.other_emails)}
        return str(theirs or "").casefold() in known
    return str(getattr(someone, name)) == str(theirs or "")


def _write(learnupon: LearnUpon, user_id: int, changes: dict[str, Any], values: dict[str, Any]) -> list[str]:
    """All at once; where LearnUpon refuses that, one by one, so that one bad value does not hold up the others."""
    try:
        learnupon.update_user(user_id, changes | people.as_custom_data(values))
    except NotFound:
        raise
    except Refused:  # an e-mail may also be taken, here or elsewhere in the realm
        return one_by_one(learnupon, user_id, changes, values)
    return []


def one_by_one(
    learnupon: LearnUpon, user_id: int, changes: dict[str, Any], values: dict[str, Any]
) -> list[str]:
    """Write each change by itself; what LearnUpon refuses, as words for the admin."""
    parts = [(f"The {name.replace('_', ' ')}", {name: value}) for name, value in changes.items()]
    parts += [(f"Field {key}", people.as_custom_data({key: value})) for key, value in values.items()]
    refused = []
    for name, part in parts:
        try:
            learnupon.update_user(user_id, part)
        except NotFound:
            raise
        except Refused as refusal:
            refused.append(f"{name} was not taken: {refusal.message}")
    return refused


@transaction.atomic  # else a crash in between leaves the records as they were, and nothing that differs
def _remember(learner: Learner, someone: Person, warnings: str) -> None:
    """Keep what was carried as a fingerprint, what LearnUpon did not take, and the name and e-mail that our pages and
    HubSpot's records show."""
    changed = any(
        getattr(someone, name) and getattr(someone, name) != getattr(learner, name) for name in FIELDS
    )
    values = {name: getattr(someone, name) for name in FIELDS if getattr(someone, name)}
    if warnings or learner.fingerprint:  # the first time there is no reason of ours to take back
        values["state_reason"] = warnings
    carried = fingerprint(someone, layout(learner.portal))
    claims.save(learner, fingerprint=carried, checked_at=timezone.now(), **values)
    if changed:
        Enrollment.objects.filter(learner=learner).update(
            version=F("version") + 1, changed_at=Now(), due_at=Now()
        )


def layout(portal: Portal) -> list[Any]:
    """What goes where in a portal: when it changes, everybody is carried over again."""
    mapped = [[m.property, m.definition_id, m.definition_type, m.policy] for m in portal.mappings.all()]
    return [portal.record_field, *mapped]


def fingerprint(someone: Person, layout: list[Any]) -> str:
    """A keyed hash of the record and everything the mapping reads, so that what stays the same costs LearnUpon nothing."""
    text = orjson.dumps(
        [layout, someone.record_id, someone.email, someone.first_name, someone.last_name, someone.properties],
        option=orjson.OPT_SORT_KEYS,
    )
    return hmac.new(settings.SECRET_KEY.encode(), text, hashlib.sha256).hexdigest()


def refresh(portal: Portal, most: int = BATCH) -> int:
    """Compare the linked records that were not compared for longest with what was last carried over, in one call,
    and carry over those that differ; how many were compared."""
    long_ago = timezone.now() - EVERY
    due = list(
        Learner.objects.filter(portal=portal, state=Learner.State.ACTIVE)
        .exclude(checked_at__gt=long_ago)
        .order_by(F("checked_at").asc(nulls_first=True))[:most]
    )
    if not due:
        return 0
    # Due still, should this worker die, and told from those who are made due anew meanwhile: what was read before that
    # is too old for them.
    mark = long_ago - EVERY
    Learner.objects.filter(pk__in=[learner.pk for learner in due]).update(checked_at=mark)
    marked = Learner.objects.filter(checked_at=mark)
    try:
        found = people.read(portal, [learner.record_id for learner in due], Lane.BULK)
    except Refused as refusal:
        connecting.rest_comparing(portal, refusal.message)
        return 0
    connecting.records_shown(portal)
    arranged, compared = layout(portal), list[int]()
    try:
        for learner in due:
            someone = found.get(learner.record_id)
            if someone and fingerprint(someone, arranged) != learner.fingerprint:
                if not marked.filter(pk=learner.pk).exists():
                    continue
                _compare(learner, someone)
            compared.append(learner.pk)
    finally:
        marked.filter(pk__in=compared).update(checked_at=timezone.now())
    return len(due)


def _compare(learner: Learner, someone: Person) -> None:
    """Carry over what differs. Whoever LearnUpon has trouble with makes room for the others for an hour."""
    try:
        carry_over(learner, someone, Lane.BULK)
    except Refused as refusal:
        Learner.objects.filter(pk=learner.pk).update(state_reason=refusal.message[:300])
    except TryAgain as error:
        if error.counts:
            again = timezone.now() - EVERY + timedelta(seconds=retries.scaled(3600))
            Learner.objects.filter(pk=learner.pk).update(checked_at=again)
        raise
    except (VendorError, OperationalError):
        raise
    except Exception:  # our own mistake with one of them must not stop the others for ever
        logger.exception("comparing failed", extra={"learner": learner.pk})


def due_portals(most: int = 50) -> list[int]:
    """Portals with linked learners that were not compared for a day; any of them, because those that cannot be had just
    now stay due."""
    active = Learner.objects.filter(portal=OuterRef("pk"), state=Learner.State.ACTIVE)
    # Asked apart: together, or as what is not later, no index answers and every sweep would read every learner.
    due = Exists(active.filter(checked_at=None)) | Exists(
        active.filter(checked_at__lte=timezone.now() - EVERY)
    )
    rested = Q(compare_after=None) | Q(compare_after__lte=Now())
    found = Portal.objects.working().filter(rested, due).order_by("?")
    return list(found.values_list("pk", flat=True)[:most])


def carried(learner: Learner, someone: Person) -> bool:
    """Whether this is what was last carried over."""
    return fingerprint(someone, layout(learner.portal)) == learner.fingerprint


def carry_over(learner: Learner, someone: Person, lane: str) -> tuple[bool, list[str]]:
    """Bring one linked learner's account up to date, outside any action. Whether anything was written, and warnings."""
    with claims.held(learner) as mine:
        return bring_over(mine, someone, lane)


def bring_over(mine: Learner, someone: Person, lane: str) -> tuple[bool, list[str]]:
    """The same for a learner that is held."""
    learnupon = LearnUpon(mine.portal, lane)
    try:
        there = learnupon.user(int(mine.learnupon_user_id or 0))
    except NotFound:
        claims.save(mine, state_reason=GONE, checked_at=timezone.now())
        return False, [GONE]
    wrote, warnings = carry(learnupon, mine, someone, there)
    if there.get("enabled") is False:
        warnings = [DISABLED, *warnings]
        claims.save(mine, state_reason=" ".join(warnings)[:300])
    return wrote, warnings


def sync_now(portal: Portal) -> int:
    """Make every linked learner of a portal due for comparing, as a person asked."""
    Portal.objects.filter(pk=portal.pk).update(compare_after=None)
    return Learner.objects.filter(portal=portal, state=Learner.State.ACTIVE).update(checked_at=None)


def gone(learner: Learner) -> bool:
    """Whether LearnUpon no longer has a linked learner's account; then the learner's page says so."""
    try:
        LearnUpon(learner.portal, Lane.ACTIONS).user(int(learner.learnupon_user_id or 0))
    except NotFound:
        claims.save(learner, state_reason=GONE)
        return True
    return False
