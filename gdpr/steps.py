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

from gdpr.models import Erasure, ErasureStep, finish
from learners.people import as_custom_data
from portals.clients.errors import NotFound, Refused, TryAgain, VendorError
from portals.clients.hubspot import BATCH, HubSpot
from portals.clients.learnupon import LearnUpon
from portals.lanes import Lane
from portals.models import HubSpotAccount, Portal
from portals.schema import PREFIX, PROPERTIES
from webhooks import retries

KEY = f"{PREFIX}enrollment_key"
# The key is two numbers of LearnUpon's; all else that says anything about a person is blanked before archiving,
# because archived records can be restored in HubSpot for a while.
BLANK = {PREFIX + name: "" for name in PROPERTIES if name != "enrollment_key"}


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


def blank_and_archive(account: HubSpotAccount, known: dict[str, list[str]]) -> None:
    """Blank, then archive, every record with one of these ids or keys that HubSpot still shows."""
    hubspot = HubSpot(account, Lane.LIVE)
    object_type = account.app_object_type
    if not object_type:
        raise TryAgain("HubSpot's course enrollment object could not be found.")
    ids = {
        *_living(hubspot, object_type, known["keys"], KEY),
        *_living(hubspot, object_type, known["ids"], ""),
    }
    for part in _parts(sorted(ids)):
        rows = [{"id": record_id, "properties": BLANK, "objectWriteTraceId": record_id} for record_id in part]
        batch = hubspot.update(object_type, rows)
        if batch.unfinished:
            raise batch.unfinished
        if batch.errors:
            raise Refused(next(iter(batch.errors.values())).message)
        hubspot.archive(object_type, part)


def _living(hubspot: HubSpot, object_type: str, values: list[str], id_property: str) -> list[str]:
    found: list[str] = []
    for part in _parts(values):
        found += hubspot.read(object_type, part, ["hs_object_id"], id_property)
    return found


def _parts(values: list[str]) -> list[list[str]]:
    return [values[start : start + BATCH] for start in range(0, len(values), BATCH)]


def clear_record_id(account: HubSpotAccount, known: dict[str, Any]) -> None:
    """Empty the custom user data field that held the HubSpot record id. An account that is gone, or a portal whose
    keys we no longer have, has nothing we could clear."""
    portal = Portal.objects.live().filter(pk=known["portal"], account=account).first()
    if portal is None:
        return
    try:
        LearnUpon(portal, Lane.LIVE).update_user(known["user"], as_custom_data({str(known["field"]): ""}))
    except NotFound:
        return


WORK: dict[str, Callable[[HubSpotAccount, Any], None]] = {
    ErasureStep.Kind.BLANK: blank_and_archive,
    ErasureStep.Kind.AGAIN: blank_and_archive,
    ErasureStep.Kind.CLEAR: clear_record_id,
}
