"""Records that HubSpot deleted, erased, merged or restored without our hearing of it."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from gdpr import retention
from gdpr.models import Erasure
from learners import carrying, enrollments, links, presence
from learners.models import Enrollment, Learner
from portals.models import HubSpotAccount, Portal
from tests.flows.stage import ACME, GLOBEX, Stage
from tests.flows.test_push import linked, seen
from tests.flows.test_requests import EVENTS, event
from webhooks.models import Delivery

AMARA, BJORN = "amara.abara@northwind.example", "bjorn.bergstrom@contoso.example"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def deaf(stage: Stage) -> Stage:
    """HubSpot's events do not reach us."""
    stage.control("POST", "deliveries", {"drop": 1.0})
    return stage


def passes(stage: Stage, time: timedelta) -> None:
    """Time goes by, and the sweeps do their work."""
    Learner.objects.update(seen_at=F("seen_at") - time, paused_at=F("paused_at") - time)
    Learner.objects.update(missing_since=F("missing_since") - time)
    HubSpotAccount.objects.update(connected_at=F("connected_at") - time)
    stage.settle()


def act(stage: Stage, what: str, contact: str, **more: object) -> None:
    stage.control("POST", what, {"account": ACME, "contact_id": contact, **more})
    stage.settle()


def only() -> Learner:
    return Learner.objects.get()


def test_a_missed_deletion_pauses_and_a_missed_restore_resumes(deaf: Stage) -> None:
    learner = linked(deaf)
    act(deaf, "delete", learner.record_id)
    assert only().state == "active"
    passes(deaf, 2 * DAY)
    assert (only().state, only().state_reason) == ("paused", links.DELETED)
    passes(deaf, 2 * DAY)
    assert (only().state, only().missing_since) == ("paused", None)
    act(deaf, "restore", learner.record_id)
    passes(deaf, 2 * DAY)
    assert (only().state, only().paused_at) == ("active", None)
    assert not Erasure.objects.exists()


def test_a_missed_erasure_needs_two_looks_an_hour_apart(deaf: Stage) -> None:
    learner = linked(deaf)
    enrollments.take(learner.portal, [seen(1)])
    deaf.work()
    act(deaf, "gdpr-delete", learner.record_id)
    passes(deaf, 2 * DAY)
    assert (only().state, only().state_reason) == ("paused", links.MISSING)
    passes(deaf, HOUR / 2)
    assert len(deaf.records()) == 1
    passes(deaf, HOUR)
    assert not Learner.objects.exists()
    deaf.later(hours=1)
    receipt = Erasure.objects.get()
    assert (receipt.source, receipt.state, receipt.counts["hubspot_records"]) == ("missed", "done", 1)
    assert deaf.records() == []
    assert not Delivery.objects.exclude(body=None).exists()


def test_one_empty_answer_erases_nobody(stage: Stage) -> None:
    """HubSpot says of everybody that they are nowhere, once; then it is itself again."""
    learner = linked(stage)
    other = linked(stage, BJORN, user_id=778)
    hub = stage.worlds.sandbox.worlds.hubspot.accounts[ACME].contacts
    kept = dict(hub.records)
    stage.worlds.do(hub.records.clear)
    passes(stage, 2 * DAY)
    assert set(Learner.objects.values_list("state", flat=True)) == {"paused"}
    stage.worlds.do(hub.records.update, kept)
    passes(stage, 2 * HOUR)
    assert dict(Learner.objects.values_list("pk", "state")) == {learner.pk: "active", other.pk: "active"}
    assert not Erasure.objects.exists()


def test_nobody_is_erased_while_hubspot_refuses_to_be_asked_by_email(deaf: Stage) -> None:
    """Would catch: a refused question that comes again every two seconds and keeps the others from being looked at."""
    learner = linked(deaf)
    act(deaf, "gdpr-delete", learner.record_id)
    passes(deaf, 2 * DAY)
    Learner.objects.update(missing_since=timezone.now() - 2 * HOUR)
    deaf.fault("hubspot", "/batch/read", "status", status=403)
    presence._missed(learner.portal, only())
    assert presence.due_portals() == []
    assert "HubSpot answered 403" in Portal.objects.get(pk=learner.portal_id).compare_problem
    assert not Erasure.objects.exists()


def test_somebody_who_lives_on_under_another_record_is_not_erased(stage: Stage) -> None:
    stage.add(stage.contact(AMARA))
    learner = only()
    stage.control("POST", "deliveries", {"drop": 1.0})
    act(stage, "gdpr-delete", learner.record_id)
    account = stage.worlds.sandbox.worlds.hubspot.accounts[ACME]
    stage.worlds.do(account.blocked_emails.clear)
    fresh = stage.new_contact(email=AMARA, firstname="Amara")
    passes(stage, 2 * DAY)
    passes(stage, 2 * HOUR)
    assert (only().state, only().record_id) == ("paused", learner.record_id)
    assert not Erasure.objects.exists()
    stage.control("POST", "deliveries", {"drop": 0.0})
    (told,) = stage.add(fresh)  # added on purpose, the record takes the account over
    assert stage.outcome(told) == "already_exists"
    assert Learner.objects.get(state="active").record_id == fresh


def test_a_missed_merge_moves_the_link(deaf: Stage) -> None:
    learner, survivor = linked(deaf), deaf.contact(BJORN)
    enrollments.take(learner.portal, [seen(1)])
    deaf.work()
    act(deaf, "merge", survivor, merged_id=learner.record_id)
    passes(deaf, 2 * DAY)
    learner.refresh_from_db()
    assert (learner.state, learner.record_id) == ("active", survivor)
    assert deaf.records()[0]["properties"]["record_id"] == survivor
    assert not Erasure.objects.exists()


def test_after_a_reconnect_nothing_is_written_before_everybody_was_looked_for(deaf: Stage) -> None:
    gone, here = linked(deaf), linked(deaf, BJORN, user_id=778)
    account = deaf.accounts[ACME]
    enrollments.take(gone.portal, [seen(1), seen(2, user=778)])
    act_without_work(deaf, gone.record_id)
    HubSpotAccount.objects.filter(pk=account.pk).update(connected_at=timezone.now())
    account.refresh_from_db()
    assert presence.catching_up(account)
    assert not presence.catching_up(deaf.accounts[GLOBEX])
    deaf.work()
    assert not presence.catching_up(account)
    assert [row["properties"]["record_id"] for row in deaf.records()] == [here.record_id]
    passes(deaf, 2 * HOUR)
    deaf.later(hours=1)
    assert len(deaf.records() + deaf.records(archived=True)) == 1
    assert not Enrollment.objects.filter(enrollment_id=1).exists()


def act_without_work(stage: Stage, contact: str) -> None:
    stage.control("POST", "gdpr-delete", {"account": ACME, "contact_id": contact})
    stage.hear()


def test_users_who_leave_are_unlinked_and_not_erased(stage: Stage) -> None:
    portal = stage.connect_users()
    gone, off, stays = (
        Learner.objects.create(
            account=portal.account, portal=portal, record_type="user", record_id=str(user["id"]),
            learnupon_user_id=number, state="active", checked_at=timezone.now(),
        )
        for number, user in enumerate(active_users(stage)[:3], start=1)
    )  # fmt: skip
    users = stage.worlds.sandbox.worlds.hubspot.accounts[ACME].users
    stage.worlds.do(lambda: users.purge(users.records[gone.record_id]))
    stage.worlds.do(lambda: users.records[off.record_id].properties.update(hs_deactivated="true"))
    passes(stage, 2 * DAY)
    states = dict(Learner.objects.values_list("pk", "state"))
    assert states == {gone.pk: "paused", off.pk: "unlinked", stays.pk: "active"}
    passes(stage, 2 * HOUR)
    gone.refresh_from_db()
    assert (gone.state, gone.state_reason) == ("unlinked", presence.REMOVED)
    assert not Erasure.objects.exists()


def active_users(stage: Stage) -> list[dict[str, str]]:
    rows = stage.world("users", account=ACME)
    return [row for row in rows if row["properties"].get("hs_deactivated") != "true"]


def test_a_link_whose_record_stays_deleted_ends_after_90_days(stage: Stage) -> None:
    learner = linked(stage)
    enrollments.take(learner.portal, [seen(1)])
    stage.work()
    stage.post(EVENTS, [event("contact.deletion", object_id=int(learner.record_id))])
    stage.work()
    assert only().state == "paused"
    Learner.objects.update(paused_at=timezone.now() - 89 * DAY)
    assert retention.tidy()["links"] == 0
    Learner.objects.update(paused_at=timezone.now() - 91 * DAY)
    assert retention.tidy()["links"] == 1
    assert only().state == "unlinked"
    assert len(stage.records()) == 1


def test_what_is_due_for_somebody_deleted_waits_for_the_restore(stage: Stage) -> None:
    learner = linked(stage)
    enrollments.take(learner.portal, [seen(1, progress_percent=10.0)])
    stage.work()
    enrollments.take(learner.portal, [seen(1, minutes=1, progress_percent=20.0)])
    act(stage, "delete", learner.record_id)
    enrollments.take(learner.portal, [seen(1, minutes=2, progress_percent=30.0)])
    stage.settle()
    assert stage.records()[0]["properties"]["progress_percent"] == "10"
    act(stage, "restore", learner.record_id)
    assert only().state == "active"
    assert stage.records()[0]["properties"]["progress_percent"] == "20"


def test_an_account_disabled_or_deleted_at_learnupon_is_shown(stage: Stage) -> None:
    contact = stage.contact(AMARA)
    stage.add(contact)
    users = stage.worlds.sandbox.worlds.learnupon.portals["acme"].users
    number = only().learnupon_user_id
    assert number is not None
    stage.worlds.do(setattr, users[number], "enabled", False)
    act(stage, "change", contact, properties={"lastname": "Abara-Okafor"})
    assert (only().state, only().state_reason) == ("active", carrying.DISABLED)
    stage.worlds.do(setattr, users[number], "enabled", True)
    act(stage, "change", contact, properties={"lastname": "Abara"})
    assert only().state_reason == ""
    stage.worlds.do(users.pop, number)
    act(stage, "change", contact, properties={"lastname": "Okafor"})
    assert only().state_reason == carrying.GONE
