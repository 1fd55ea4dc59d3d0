"""An erasure's part at the vendors: HubSpot's records blanked and archived, the record id at LearnUpon cleared.

A step is repeated until its vendor confirms; an outage delays, it never drops.
"""

import json
import logging
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import F
from django.db.models.functions import Now

from gdpr.forgetting import forget
from gdpr.models import Erasure, ErasureStep, finish
from learners import app_objects
from learners.people import as_custom_data
from portals import oauth, retries, schema
from portals.clients.breaker import Vendor
from portals.clients.errors import Mistake, NotFound, Refused, TryAgain, VendorError
from portals.clients.hubspot import CONTACTS, HubSpot
from portals.clients.learnupon import DataRejected, LearnUpon
from portals.conversion import by_definition
from portals.lanes import Lane
from portals.models import HubSpotAccount, Portal, RecordType

logger = logging.getLogger(__name__)
MOST = 100  # people whose records are removed together
RECORDS = (ErasureStep.Kind.BLANK, ErasureStep.Kind.AGAIN)


def run(account: HubSpotAccount) -> None:
    """Do what is due for an account's erasures, for at most a slice of time."""
    until = time.monotonic() + settings.SLICE_SECONDS
    while steps := _claimed(account):
        _together(account, [step for step in steps if step.kind in RECORDS], until)
        others = [step for step in steps if step.kind not in RECORDS]
        _each(others, lambda step: clear_record_id(account, json.loads(step.secret)), until)
        if time.monotonic() >= until:
            return


def answers_again(vendor: str, name: str) -> None:
    """Steps that wait for hours because a vendor failed are due now that it answers."""
    long = Now() + timedelta(seconds=settings.CLAIM_SECONDS)
    failed = ErasureStep.objects.filter(done_at=None, attempts__gt=0, due_at__gt=long)
    if vendor == Vendor.HUBSPOT:
        failed.filter(erasure__account__hub_id=name, kind__in=RECORDS).update(due_at=Now())
    elif vendor == Vendor.LEARNUPON:
        accounts = Portal.objects.filter(subdomain=name.partition(".")[0]).values("account")
        failed.filter(erasure__account__in=accounts).exclude(kind__in=RECORDS).update(due_at=Now())


def again(erasure: Erasure) -> int:
    """What waits for its next try is due now. A first look again is not: it waits for the calls that may still be under
    way, and what is due within a claim's life may be in a worker's hands."""
    later = Now() + timedelta(seconds=settings.CLAIM_SECONDS)
    return erasure.steps.filter(done_at=None, attempts__gt=0, due_at__gt=later).update(due_at=Now())


def _claimed(account: HubSpotAccount) -> list[ErasureStep]:
    """What is due next. What a worker died with is taken alone: else the same hundred would be too much for every
    worker after it."""
    due = ErasureStep.objects.filter(erasure__account=account, done_at=None, due_at__lte=Now())
    found = list(due.select_related("erasure").order_by("due_at")[:MOST])
    together = found[:1] if found and found[0].claim else [step for step in found if not step.claim]
    claimed = []
    for step in together:
        same = ErasureStep.objects.filter(pk=step.pk, claim=step.claim, done_at=None, due_at__lte=Now())
        if same.update(claim=F("claim") + 1, due_at=Now() + timedelta(seconds=settings.CLAIM_SECONDS)):
            claimed.append(step)
    return claimed


def _together(account: HubSpotAccount, steps: list[ErasureStep], until: float) -> None:
    """The records of many people in as few calls as there can be; one by one where HubSpot refuses that."""
    if not steps:
        return
    for step in steps:
        if step.kind == ErasureStep.Kind.AGAIN:
            _sweep_up(account, step)
    known = [_known(step) for step in steps]
    merged = {name: [one for each in known for one in each[name]] for name in ("ids", "keys", "contacts")}
    refused = _settle(steps, partial(blank_and_archive, account, merged, until), alone=len(steps) == 1)
    if refused:
        _each(steps, lambda step: blank_and_archive(account, _known(step), until), until)


def _each(steps: list[ErasureStep], work: Callable[[ErasureStep], None], until: float) -> None:
    """One by one; those after the first that there is no time for are given back as they were."""
    for number, step in enumerate(steps):
        if number and time.monotonic() >= until:
            _give_back(steps[number:])
            return
        _settle([step], partial(work, step))


def _give_back(steps: list[ErasureStep]) -> None:
    for step in steps:
        mine = ErasureStep.objects.filter(pk=step.pk, claim=step.claim + 1)
        mine.update(claim=step.claim, due_at=Now())


def _known(step: ErasureStep) -> dict[str, list[str]]:
    """What a step knows of a person's records: their ids and keys, and, where an admin asked and the contact is still
    there, the contact whose ties may show others."""
    known = json.loads(step.secret)
    asked_here = (
        step.erasure.source == Erasure.Source.ADMIN and step.erasure.record_type == RecordType.CONTACT
    )
    return {"ids": known["ids"], "keys": known["keys"], "contacts": [known["record"]] if asked_here else []}


def _settle(steps: list[ErasureStep], work: Callable[[], None], *, alone: bool = True) -> bool:
    """Do the work of these steps and write down how it went; True when it was refused and may do better alone."""
    try:
        _safely(work)
    except VendorError as error:
        if isinstance(error, Refused | Mistake) and not alone:
            return True
        for step in steps:
            ErasureStep.objects.filter(pk=step.pk).update(
                due_at=Now() + timedelta(seconds=retries.wait(step.attempts + 1, error)),
                attempts=F("attempts") + int(error.counts),
                claim=0,
                reason=error.message[:300],
            )
        return False
    _done(steps)
    return False


def _safely(work: Callable[[], None]) -> None:
    """Our own mistake with one step must not keep the others from their turn."""
    try:
        work()
    except (VendorError, OperationalError):
        raise
    except Exception:
        logger.exception("erasure step failed")
        raise Mistake("Hubsync made a mistake with this step; it is tried again.") from None


@transaction.atomic  # else a crash in between leaves an erasure that runs for ever, with nothing left to do
def _done(steps: list[ErasureStep]) -> None:
    theirs = Erasure.objects.filter(pk__in={step.erasure_id for step in steps})
    erasures = list(theirs.order_by("pk").select_for_update())
    ErasureStep.objects.filter(pk__in=[step.pk for step in steps]).update(done_at=Now(), secret="", reason="")
    for erasure in erasures:
        if not erasure.steps.filter(done_at=None).exists():
            finish(erasure)


@transaction.atomic
def _sweep_up(account: HubSpotAccount, step: ErasureStep) -> None:
    """What came here after the first pass goes too, and is remembered until HubSpot has done its part."""
    known = json.loads(step.secret)
    late = forget(account, step.erasure.record_type, known["record"])
    known["ids"], known["keys"] = known["ids"] + late.ids, known["keys"] + late.keys
    step.secret = json.dumps(known)
    step.save(update_fields=["secret"])


def blank_and_archive(account: HubSpotAccount, known: dict[str, list[str]], until: float) -> None:
    """Every record with one of these ids or keys, or tied to one of these contacts, is blanked, then archived."""
    if not any(known.values()):
        return
    if not account.app_object_type:
        schema.look_up(account)
    if account.app_object_type:
        hubspot = HubSpot(account, Lane.PRIVACY)
        tied = hubspot.associated(CONTACTS, account.app_object_type, known["contacts"])
        app_objects.remove(hubspot, [*known["ids"], *set().union(*tied.values())], known["keys"], until)
    elif known["ids"] or account.has_scopes(*oauth.APP_OBJECT_SCOPES):
        raise TryAgain("HubSpot's course enrollment object could not be found.")


def clear_record_id(account: HubSpotAccount, known: dict[str, Any]) -> None:
    """Empty the custom user data field that held the HubSpot record id. An account that is gone, or a portal whose
    keys we no longer have, has nothing we could clear; one that holds another record's id is not touched."""
    portal = Portal.objects.live().filter(pk=known["portal"], account=account).first()
    if portal is None:
        return
    learnupon = LearnUpon(portal, Lane.PRIVACY)
    try:
        there = _account(learnupon, known)
        held = by_definition(there.get("customDataFieldValues")) if there else {}
        if there and str(held.get(str(known["field"]))) == known["record"]:
            learnupon.update_user(int(there["id"]), as_custom_data({str(known["field"]): ""}))
    except NotFound:
        return
    except DataRejected:  # a field that was deleted at LearnUpon holds nothing either
        if any(str(row.get("id")) == str(known["field"]) for row in learnupon.fields()):
            raise


def _account(learnupon: LearnUpon, known: dict[str, Any]) -> dict[str, Any] | None:
    """The person's account; one that was being made when the erasure came is known by its e-mail."""
    if known["user"]:
        return learnupon.user(known["user"])
    found = learnupon.find_user(known["email"])
    return learnupon.user(int(found["id"])) if found else None
