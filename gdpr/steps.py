"""An erasure's part at the vendors: HubSpot's records blanked and archived, the record id at LearnUpon cleared.

A step is repeated until its vendor confirms; an outage delays, it never drops.
"""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from gdpr.forgetting import forget
from gdpr.models import Erasure, ErasureStep, finish
from learners import app_objects
from learners.people import as_custom_data
from portals import oauth, schema
from portals.clients.errors import NotFound, TryAgain, VendorError
from portals.clients.hubspot import HubSpot
from portals.clients.learnupon import DataRejected, LearnUpon
from portals.lanes import Lane
from portals.models import HubSpotAccount, Portal
from webhooks import retries


def run(account: HubSpotAccount) -> None:
    """Do what is due for an account's erasures."""
    due = ErasureStep.objects.filter(erasure__account=account, done_at=None, due_at__lte=Now()).order_by(
        "due_at"
    )
    for step in due[:50]:
        claimed = ErasureStep.objects.filter(pk=step.pk, claim=step.claim, done_at=None).update(
            claim=F("claim") + 1, due_at=Now() + timedelta(seconds=settings.CLAIM_SECONDS)
        )
        if claimed:
            _run(account, step)


def _run(account: HubSpotAccount, step: ErasureStep) -> None:
    try:
        if step.kind == ErasureStep.Kind.AGAIN:
            _sweep_up(account, step)
        WORK[step.kind](account, json.loads(step.secret))
    except VendorError as error:
        after = (
            error.after if isinstance(error, TryAgain) and error.after else retries.delay(step.attempts + 1)
        )
        ErasureStep.objects.filter(pk=step.pk).update(
            due_at=Now() + timedelta(seconds=after), attempts=F("attempts") + 1, reason=error.message[:300]
        )
        return
    ErasureStep.objects.filter(pk=step.pk).update(done_at=Now(), secret="", reason="")
    with transaction.atomic():
        erasure = Erasure.objects.select_for_update().get(pk=step.erasure_id)
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


def blank_and_archive(account: HubSpotAccount, known: dict[str, list[str]]) -> None:
    """Every record with one of these ids or keys that HubSpot still shows is blanked, then archived."""
    if not known["ids"] and not known["keys"]:
        return
    if not account.app_object_type:
        schema.look_up(account)
    if account.app_object_type:
        app_objects.remove(HubSpot(account, Lane.LIVE), known["ids"], known["keys"])
    elif known["ids"] or account.has_scopes(*oauth.APP_OBJECT_SCOPES):
        raise TryAgain("HubSpot's course enrollment object could not be found.")


def clear_record_id(account: HubSpotAccount, known: dict[str, Any]) -> None:
    """Empty the custom user data field that held the HubSpot record id. An account that is gone, or a portal whose
    keys we no longer have, has nothing we could clear; one that holds another record's id is not touched."""
    portal = Portal.objects.live().filter(pk=known["portal"], account=account).first()
    if portal is None:
        return
    learnupon = LearnUpon(portal, Lane.LIVE)
    try:
        there = _account(learnupon, known)
        values = there.get("customDataFieldValues") or [] if there else []
        held = {str(v.get("definition_id")): str(v.get("value")) for v in values if isinstance(v, dict)}
        if there and held.get(str(known["field"])) == known["record"]:
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


WORK: dict[str, Callable[[HubSpotAccount, Any], None]] = {
    ErasureStep.Kind.BLANK: blank_and_archive,
    ErasureStep.Kind.AGAIN: blank_and_archive,
    ErasureStep.Kind.CLEAR: clear_record_id,
}
