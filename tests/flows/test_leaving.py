"""Uninstalling: what goes at once, what waits, and what a new installation finds."""

import requests
from django.db.models import F

from gdpr import retention
from gdpr.models import Erasure
from learners import enrollments, presence
from learners.models import Enrollment, Learner
from portals import oauth
from portals.models import AuditEntry, HubSpotAccount, Portal
from tests.conftest import signed_in
from tests.flows.stage import ACME, GLOBEX, Stage
from tests.flows.test_push import linked, seen
from tests.flows.test_story import install_by_hand
from tests.security.test_audited import no_trail
from webhooks.models import Delivery

AMARA, BJORN = "amara.abara@northwind.example", "bjorn.bergstrom@contoso.example"


def account() -> HubSpotAccount:
    return HubSpotAccount.objects.get(hub_id=ACME)


def test_leaving_for_good_deletes_everything_at_once(stage: Stage) -> None:
    stage.add(stage.contact(AMARA))
    theirs = linked(stage, "hank.scorpio@globex.example", "globex")
    stage.control("POST", "gdpr-delete", {"account": ACME, "contact_id": stage.contact(BJORN)})
    stage.settle()
    admin, address = signed_in(account()), f"/portals/{stage.portals['acme'].pk}/privacy/leave"
    assert signed_in(stage.accounts[GLOBEX]).post(address, {"confirm": "yes"}).status_code == 404
    assert admin.post(address).status_code == 302
    assert account().connected
    answer = admin.post(address, {"confirm": "yes"})
    assert answer["Location"] == "/install/"
    gone = account()
    assert (gone.connected, gone.access_token, gone.refresh_token, gone.hub_domain) == (False, "", "", "")
    assert gone.purged_at is not None
    assert list(Learner.objects.all()) == [theirs]
    for model in (Portal, Delivery, AuditEntry):
        assert not model._default_manager.filter(account=gone).exists()
    assert Erasure.objects.filter(account=gone).count() == 1
    assert stage.calls_to("hubspot", "external-install", "DELETE")
    assert admin.get(address.removesuffix("/leave")).status_code in (302, 404)


def test_the_app_is_removed_with_its_entry_or_not_at_all(stage: Stage) -> None:
    admin = signed_in(account())
    admin.raise_request_exception = False
    with no_trail():
        assert admin.post("/portals/disconnect", {"confirm": "yes"}).status_code >= 500
    assert account().connected


def test_hubspot_that_does_not_answer_keeps_everything(stage: Stage) -> None:
    stage.add(stage.contact(AMARA))
    stage.fault("hubspot", "external-install", "status", status=503, times=5)
    address = f"/portals/{stage.portals['acme'].pk}/privacy/leave"
    signed_in(account()).post(address, {"confirm": "yes"})
    assert account().connected
    assert Learner.objects.count() == 1


def test_installed_again_in_time_links_are_found_and_the_gap_is_caught_up(stage: Stage) -> None:
    """While the app was away one person was erased and another went on learning."""
    gone, here = linked(stage), linked(stage, BJORN, user_id=778)
    enrollments.take(gone.portal, [seen(1), seen(2, user=778)])
    stage.work()
    oauth.disconnect(account())
    assert account().access_token == ""
    stage.control("POST", "deliveries", {"drop": 1.0})
    stage.control("POST", "gdpr-delete", {"account": ACME, "contact_id": gone.record_id})
    stage.hear()
    enrollments.take(
        gone.portal, [seen(n, user, minutes=9, progress_percent=60.0) for n, user in ((1, 777), (2, 778))]
    )
    stage.work()
    retention.tidy()
    with requests.Session() as browser:
        browser.trust_env = False
        install_by_hand(stage, browser)
    back = account()
    assert (back.connected, back.generation, back.purged_at) == (True, 2, None)
    assert presence.catching_up(back)
    stage.work()
    pushed = {r["properties"]["record_id"]: r["properties"].get("progress_percent") for r in stage.records()}
    assert pushed[here.record_id] == "60"
    assert pushed[gone.record_id] != "60"
    Learner.objects.update(missing_since=F("missing_since") - 2 * presence.TWICE)
    stage.settle()
    stage.later(hours=1)
    assert [record["properties"]["record_id"] for record in stage.records()] == [here.record_id]
    assert list(Enrollment.objects.values_list("enrollment_id", flat=True)) == [2]
    assert Erasure.objects.get().source == "missed"
