"""What goes when: bodies, rows that become counts, accounts that were uninstalled."""

import io
import itertools
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db.models import Sum
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from gdpr import erasure, retention
from gdpr.models import Erasure, ErasureStep
from learners.models import Enrollment, Learner, Notice, ReviewItem, Tally, Walk
from portals import tombstones
from portals.models import AuditEntry, HubSpotAccount, Portal, PortalNumber, Tombstone
from webhooks.models import DailyCount, Delivery

DAY = timedelta(days=1)


def delivery(portal: Portal, number: int, days: float, **changes: object) -> Delivery:
    values = {
        "kind": "learnupon.course_completion", "lane": "live", "key": f"{portal.pk}-{number}", "state": "done",
        "outcome": "folded", "body": {"user": {"email": "ada@example.com"}},
        "received_at": timezone.now() - days * DAY, **changes,
    }  # fmt: skip
    return Delivery.objects.create(account=portal.account, portal=portal, **values)


def test_bodies_go_after_a_month_and_what_waits_keeps_its_own(acme_portal: Portal) -> None:
    kept = delivery(acme_portal, 1, 29)
    waits = delivery(acme_portal, 2, 31, state="waiting")
    old = delivery(acme_portal, 3, 31, record_id="7")
    assert retention.tidy()["bodies"] == 1
    bodies = dict(Delivery.objects.values_list("pk", "body"))
    assert bodies == {kept.pk: kept.body, waits.pk: waits.body, old.pk: None}
    assert retention.tidy()["bodies"] == 0


def test_words_about_a_person_go_with_the_body(acme_portal: Portal) -> None:
    """A vendor's refusal quotes the person, and an erasure no longer finds the row once its record id is gone."""
    said = "LearnUpon said: ada@example.com is no address."
    failed = delivery(
        acme_portal, 1, 31, kind="hubspot.action.user-add", state="failed", outcome="refused", why="refused",
        record_type="contact", record_id="501", reason=said, outputs={"outcome": "refused", "message": said},
    )  # fmt: skip
    retention.tidy()
    erasure.request(acme_portal.account, "contact", "501", Erasure.Source.HUBSPOT)
    failed.refresh_from_db()
    assert "ada" not in str(vars(failed))
    assert (failed.why, failed.outputs) == ("refused", {"outcome": "refused"})


def test_old_rows_become_counts_and_none_is_counted_twice(
    acme_portal: Portal, globex_portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    for portal in (acme_portal, globex_portal):
        for number in range(5):
            delivery(portal, number, 181, body=None, outcome="folded" if number else "refused")
        delivery(portal, 5, 179, body=None)
        delivery(portal, 6, 200, state="waiting")
        delivery(portal, 7, 200, body=None, tell="owed")
    monkeypatch.setattr(retention, "SLICE", 3)  # several statements
    assert [retention.tidy()["rows"] for _ in range(2)] == [10, 0]
    assert Delivery.objects.count() == 6
    of_acme = DailyCount.objects.filter(account=acme_portal.account)
    assert dict(of_acme.values_list("outcome", "count")) == {"folded": 4, "refused": 1}
    assert DailyCount.objects.aggregate(all=Sum("count"))["all"] == 10


def test_one_round_takes_as_many_parts_as_it_has_time_for(
    acme_portal: Portal, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Would catch: bodies that stay longer than is promised, because more come in an hour than go."""
    for number in range(7):
        delivery(acme_portal, number, 31)
    monkeypatch.setattr(retention, "SLICE", 3)
    settings.SLICE_SECONDS = 0
    assert retention.tidy()["bodies"] == 3
    settings.SLICE_SECONDS = 10
    assert retention.tidy()["bodies"] == 4


def test_regular_checks_of_long_ago_go(acme_portal: Portal, globex_portal: Portal) -> None:
    """Every portal has a hundred of them a day, and each sweep looks among them."""
    for kind, days in (("poll", 3), ("poll", 1), ("history", 300), ("link", 300)):
        ended = timezone.now() - days * DAY
        Walk.objects.create(
            account=acme_portal.account, portal=acme_portal, kind=kind, state="done", ended_at=ended
        )
    running = Walk.objects.create(account=globex_portal.account, portal=globex_portal, kind="poll")
    assert retention.tidy()["walks"] == 1
    assert Walk.objects.count() == 4
    assert Walk.objects.filter(pk=running.pk).exists()


def furnished(portal: Portal) -> None:
    """A row of everything an account can have."""
    account = portal.account
    learner = Learner.objects.create(
        account=account, portal=portal, record_type="contact", record_id="501", learnupon_user_id=5,
        state="active", email="ada@example.com",
    )  # fmt: skip
    Enrollment.objects.create(account=account, portal=portal, learner=learner, enrollment_id=9, course_id=1)
    delivery(portal, 1, 1)
    PortalNumber.objects.create(hub_id=account.hub_id, host=portal.host, number=portal.number)
    AuditEntry.objects.create(account=account, portal=portal, actor="admin@acme.example", action="saved")
    Notice.objects.create(account=account, cause="quiet", day=timezone.now().date())
    Tally.objects.create(key=f"sums-{portal.pk}", account=account, asked=[], numbers=[])
    ReviewItem.objects.create(
        account=account, portal=portal, kind="merged", record_type="contact", first_record="501", first_user=5,
        second_record="501", second_user=6,
    )  # fmt: skip


def uninstall(account: HubSpotAccount, days: float) -> None:
    HubSpotAccount.objects.filter(pk=account.pk).update(
        state="disconnected", disconnected_at=timezone.now() - days * DAY
    )


def test_an_uninstalled_account_is_purged_after_a_month(acme_portal: Portal, globex_portal: Portal) -> None:
    for portal in (acme_portal, globex_portal):
        furnished(portal)
    account = acme_portal.account
    erasure.request(account, "contact", "501", Erasure.Source.HUBSPOT)
    assert ErasureStep.objects.exists()
    uninstall(account, 29)
    assert retention.tidy()["accounts"] == 0
    uninstall(account, 31)
    assert retention.tidy()["accounts"] == 1
    assert retention.tidy()["accounts"] == 0
    for model in (Portal, Learner, Enrollment, Delivery, AuditEntry, Notice, ReviewItem, Tally):
        assert set(model._default_manager.values_list("account__hub_id", flat=True)) == {1002}, model
    account.refresh_from_db()
    assert (account.hub_domain, account.admin_emails, account.purged_at is not None) == ("", [], True)
    receipt = Erasure.objects.get()
    assert (receipt.state, receipt.steps.count()) == ("done", 0)
    assert tombstones.record_is_erased(account, "contact", "501")
    assert Tombstone.objects.filter(hub_id=1001).exists()
    assert PortalNumber.objects.filter(hub_id=1001).exists()


def test_an_account_installed_again_in_time_keeps_everything(acme_portal: Portal) -> None:
    furnished(acme_portal)
    account = acme_portal.account
    uninstall(account, 31)
    stale = HubSpotAccount.objects.get(pk=account.pk)
    HubSpotAccount.objects.filter(pk=account.pk).update(state="connected", generation=2)
    retention.purge(stale)  # somebody was about to
    assert retention.tidy()["accounts"] == 0
    assert Learner.objects.count() == 1


@pytest.fixture
def many(acme_portal: Portal, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> HubSpotAccount:
    """An account uninstalled long ago with more rows than one round has time for."""
    furnished(acme_portal)
    for number in range(2, 8):
        delivery(acme_portal, number, 1)
    uninstall(acme_portal.account, 31)
    monkeypatch.setattr(retention, "SLICE", 3)
    settings.SLICE_SECONDS = 0
    return acme_portal.account


def test_a_large_account_goes_in_several_rounds(many: HubSpotAccount) -> None:
    """Would catch: one that is never purged, because all of it takes longer than a task may."""
    assert retention.tidy()["accounts"] == 0
    assert Delivery.objects.count() == 4
    for _ in range(10):
        retention.tidy()
    assert not Portal.objects.exists()
    many.refresh_from_db()
    assert many.purged_at


def test_one_installed_again_between_two_rounds_keeps_the_rest(many: HubSpotAccount) -> None:
    retention.tidy()
    HubSpotAccount.objects.filter(pk=many.pk).update(state="connected", generation=2)
    stale = many
    for _ in range(10):
        retention.tidy()
        retention.purge(stale)
    assert (Delivery.objects.count(), Learner.objects.count()) == (4, 1)


def test_an_account_behind_a_large_one_waits_a_portion_only(
    many: HubSpotAccount, globex_portal: Portal, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    uninstall(globex_portal.account, 31)
    seconds = itertools.count()  # one for every look at the clock
    monkeypatch.setattr(retention, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
    settings.SLICE_SECONDS = 2
    assert retention.tidy()["accounts"] == 1
    many.refresh_from_db()
    globex_portal.account.refresh_from_db()
    assert (many.purged_at, bool(globex_portal.account.purged_at)) == (None, True)


def test_purged_by_hand_a_large_account_goes_at_once(many: HubSpotAccount) -> None:
    call_command("purge", many.hub_id, "--yes", stdout=io.StringIO())
    many.refresh_from_db()
    assert many.purged_at
    assert not Learner.objects.exists()


def test_sums_that_nobody_asks_for_any_more_go(acme_portal: Portal, globex_portal: Portal) -> None:
    for portal, minutes in ((acme_portal, 61), (globex_portal, 59)):
        at = timezone.now() - timedelta(minutes=minutes)
        Tally.objects.create(
            key=portal.subdomain, account=portal.account, asked=[], numbers=[], counted_at=at
        )
    assert retention.tidy()["tallies"] == 1
    assert Tally.objects.get().key == "globex"


def test_expired_sessions_go(as_acme: Client, acme_portal: Portal) -> None:
    assert Session.objects.exists()
    Session.objects.update(expire_date=timezone.now() - DAY)
    assert retention.tidy()["sessions"] >= 1
    assert not Session.objects.exists()
