"""A customer with one row of every model, and something secret wherever a secret or a person's data can be."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from gdpr.models import Erasure, ErasureStep
from learners.models import Enrollment, Learner, Notice, ReviewItem, Silence, Tally, Walk
from portals import audit
from portals.models import Course, HubSpotAccount, PortalNumber, PropertyMapping, Tombstone
from tests.conftest import make_account, make_portal
from webhooks.models import DailyCount, Delivery, Heartbeat

# What no page may show. Ids of a person stand on pages of their own, and nowhere else.
SECRETS = ("PLANTED", "planted@", "7e57ab1e", "dead" * 4)
PERSON = ("880011", "990022")
WEBHOOK_ID = "7e57ab1e-0000-4000-8000-{:012}"


def furnish(hub_id: int) -> HubSpotAccount:
    """One row of every model, with something secret wherever a secret or a person's data can be."""
    account = make_account(hub_id, f"{hub_id}.example")
    HubSpotAccount.objects.filter(pk=account.pk).update(
        access_token="PLANTED access", refresh_token="PLANTED refresh", admin_emails=["planted@example.com"],
        removed_emails=["planted@example.com"],
    )  # fmt: skip
    portal = make_portal(
        account, f"p{hub_id}", api_key="PLANTED key", api_secret="PLANTED secret", webhook_secret="PLANTED",
        webhook_id=WEBHOOK_ID.format(hub_id),
    )  # fmt: skip
    both: dict[str, Any] = {"account": account, "portal": portal}
    learner = Learner.objects.create(
        **both, record_type="contact", record_id="880011", learnupon_user_id=990022, state="active",
        email="planted@example.com", first_name="PLANTED first", last_name="PLANTED last", fingerprint="PLANTED",
        state_reason="880011",
    )  # fmt: skip
    Enrollment.objects.create(
        **both, learner=learner, enrollment_id=1, course_id=1, score_percent=12.5, parked_reason="880011 is refused",
        due_at=None, certificate_name="PLANTED certificate", associated_with="880011",
    )  # fmt: skip
    Delivery.objects.create(
        **both, kind="hubspot.action.user-add", lane="actions", key=f"PLANTED {hub_id}", state="failed",
        body={"email": "planted@example.com"}, outputs={"message": "PLANTED"}, record_type="contact",
        record_id="880011", learnupon_user_id=990022, callback_id="PLANTED", reason="880011 is refused",
    )  # fmt: skip
    ReviewItem.objects.create(
        **both, kind="merged", record_type="contact", first_record="880011", first_user=990022, second_record="2",
        second_user=2,
    )  # fmt: skip
    Walk.objects.create(**both)
    Tally.objects.create(key=f"statuses-{account.pk}", account=account, asked=[], numbers=[])
    Heartbeat.objects.get_or_create(name=Heartbeat.Name.BEAT)
    Notice.objects.create(account=account, cause="drift", day="2026-01-01")
    Silence.objects.create(account=account, cause="drift", email="planted@example.com")
    DailyCount.objects.create(account=account, day="2026-01-01", kind="x", count=1)
    PropertyMapping.objects.create(
        portal=portal, position=1, property="city", property_type="string", definition_id=1, definition_type=1
    )
    Course.objects.create(portal=portal, course_id=1, name="Safety")
    PortalNumber.objects.create(hub_id=hub_id, host=portal.host, number=1)
    digest = bytes.fromhex("dead" * 16)
    Tombstone.objects.create(hub_id=hub_id, kind="record", record_type="contact", digest=digest)
    erasure = Erasure.objects.create(account=account, record_type="contact", digest=digest, source="admin")
    ErasureStep.objects.create(
        erasure=erasure, kind="blank", secret="PLANTED", attempts=3, reason="880011",
        due_at=timezone.now() + timedelta(hours=1),
    )  # fmt: skip
    audit.record(account, "someone@example.com", "portal settings saved", portal)
    return account
