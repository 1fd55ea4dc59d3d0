"""A privacy deletion, from the moment it arrives to the moment both sides confirm.

Here everything goes in one transaction. In HubSpot the person's app-object records are blanked, then archived, in
two passes: the second, after every call that may have been under way has ended, catches what it brought back.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from gdpr.erasers import ERASERS, Person
from gdpr.models import Erasure, ErasureStep
from learners.models import Enrollment, Learner
from portals import audit, tombstones
from portals.clients.errors import Refused, TryAgain, VendorError
from portals.clients.hubspot import BATCH, HubSpot
from portals.lanes import Lane
from portals.models import HubSpotAccount
from portals.schema import PREFIX, PROPERTIES
from webhooks import nudger, retries
from webhooks.models import Delivery
from webhooks.results import Done, Result, one_by_one

KEY = f"{PREFIX}enrollment_key"
# The key is two numbers of LearnUpon's; all else that says anything about a person is blanked before archiving,
# because archived records can be restored in HubSpot for a while.
BLANK = {PREFIX + name: "" for name in PROPERTIES if name != "enrollment_key"}


@one_by_one
def privacy_deletion(delivery: Delivery) -> Result:
    """HubSpot's `contact.privacyDeletion`; it may come before, after or without `contact.deletion`."""
    request(delivery.account, delivery.record_type, delivery.record_id, Erasure.Source.HUBSPOT)
    return Done("erased", "Erased; the receipt is on the privacy page.", forget=True)


@transaction.atomic
def request(
    account: HubSpotAccount, record_type: str, record_id: str, source: str, actor: str = "", email: str = ""
) -> Erasure:
    """Erase a person here at once and set the vendors' part going. A second request finds the first one's receipt,
    and sweeps up whatever has come since."""
    digest = tombstones.record_digest(account, record_type, record_id)
    erasure, created = Erasure.objects.get_or_create(
        account=account, record_type=record_type, digest=digest, defaults={"source": source}
    )
    learners = Learner.objects.select_for_update().filter(
        account=account, record_type=record_type, record_id=record_id
    )
    emails = {learner.email for learner in learners} | {email}
    tombstones.bury(account, record_type, record_id, emails)
    ids, keys = _records(account, record_type, record_id)
    person = Person(account, record_type, record_id, _users(learners))
    counts = {model._meta.model_name or "": eraser(person) for model, eraser in ERASERS.items()}
    if created or ids or keys or counts["learner"]:
        _plan(erasure, counts, ids, keys)
    if actor:
        audit.record(account, actor, "person erased")
    return erasure


def _users(learners: Iterable[Learner]) -> dict[int, list[int]]:
    users: dict[int, list[int]] = defaultdict(list)
    for learner in learners:
        if learner.learnupon_user_id:
            users[learner.portal_id].append(learner.learnupon_user_id)
    return dict(users)


def _records(account: HubSpotAccount, record_type: str, record_id: str) -> tuple[list[str], list[str]]:
    """The HubSpot ids and the keys of a person's enrollment records, in every portal of the account."""
    rows = Enrollment.objects.select_related("portal").filter(
        account=account, learner__record_type=record_type, learner__record_id=record_id
    )
    return [row.hubspot_id for row in rows if row.hubspot_id], [row.key for row in rows]


def _plan(erasure: Erasure, counts: dict[str, int], ids: list[str], keys: list[str]) -> None:
    for name, count in counts.items():
        erasure.counts[name] = erasure.counts.get(name, 0) + count
    erasure.counts["hubspot_records"] = erasure.counts.get("hubspot_records", 0) + len(keys)
    if not keys:
        _finish(erasure)
        return
    secret = json.dumps({"ids": ids, "keys": keys})
    later = timezone.now() + timedelta(
        seconds=retries.scaled(settings.CALL_DEADLINE + settings.CLAIM_SECONDS)
    )
    ErasureStep.objects.create(erasure=erasure, kind=ErasureStep.Kind.BLANK, secret=secret)
    ErasureStep.objects.create(erasure=erasure, kind=ErasureStep.Kind.AGAIN, secret=secret, due_at=later)
    erasure.state, erasure.done_at = Erasure.State.RUNNING, None
    erasure.save()
    account_id = erasure.account_id
    transaction.on_commit(lambda: nudger.wake(account_id, Lane.LIVE, "gdpr.steps"))


def _finish(erasure: Erasure) -> None:
    erasure.state, erasure.done_at = Erasure.State.DONE, timezone.now()
    erasure.save()


# --- at the vendors --------------------------------------------------------------------------------------
def run_steps(account: HubSpotAccount) -> None:
    """Do what is due for an account's erasures; a vendor's outage delays, it never drops."""
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
        archive(account, json.loads(step.secret))
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
            _finish(erasure)


def archive(account: HubSpotAccount, known: dict[str, list[str]]) -> None:
    """Blank, then archive, every record with one of these ids or keys that HubSpot still shows."""
    hubspot = HubSpot(account, Lane.LIVE)
    object_type = account.app_object_type
    if not object_type:
        raise TryAgain("HubSpot's course enrollment object could not be found.")
    ids = set(_living(hubspot, object_type, known["keys"], KEY)) | set(
        _living(hubspot, object_type, known["ids"], "")
    )
    for part in _parts(sorted(ids)):
        rows = [{"id": record_id, "properties": BLANK, "objectWriteTraceId": record_id} for record_id in part]
        batch = hubspot.update(object_type, rows)
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
