"""`manage.py account` tells how a customer is doing and nothing about people; `manage.py purge` deletes one now."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Model
from django.utils import timezone

from gdpr.models import Erasure, ErasureStep
from learners.models import Enrollment, Learner
from portals.clients import breaker, limiter
from portals.clients.breaker import Vendor
from portals.clients.errors import TryAgain
from portals.lanes import Lane
from portals.models import AuditEntry, HubSpotAccount, Portal, PortalNumber, Tombstone
from tests.portals.conftest import clean_limiter as clean_limiter
from tests.security.planted import PERSON, SECRETS, furnish
from webhooks.models import Delivery


@pytest.fixture
def accounts(db: None) -> list[HubSpotAccount]:
    return [furnish(hub_id) for hub_id in (1001, 1002)]


def told(*words: object) -> str:
    out = StringIO()
    call_command(*[str(word) for word in words], stdout=out)
    return out.getvalue()


@pytest.mark.usefixtures("clean_limiter")
def test_one_page_tells_of_one_customer_without_naming_anybody(accounts: list[HubSpotAccount]) -> None:
    mine, _ = accounts
    mine.scopes.remove("automation")
    mine.save(update_fields=["scopes"])
    Delivery.objects.filter(account=mine).update(outcome="disabled")
    page = told("account", 1001)
    for known in (
        "HubSpot account 1001", "Connected", "not given, conditional: automation", "p1001.learnupon.com",
        "1  active learners", "failed · actions", "disabled", "refused by HubSpot", "running · admin",
        "blank, still to do", "identity questions open", "portal settings saved", "Erasures",
    ):  # fmt: skip
        assert known in page, known
    hidden = [*SECRETS, *PERSON, "1002", "@", "token-of", "someone"]
    assert [word for word in hidden if word in page.replace("-", "")] == []


@pytest.mark.usefixtures("clean_limiter")
def test_it_says_why_things_fail_and_what_to_do(accounts: list[HubSpotAccount]) -> None:
    assert "again." not in told("account", 1001)
    Delivery.objects.filter(account=accounts[0]).update(why="internal")
    Enrollment.objects.filter(account=accounts[0]).update(why="refused")
    page = told("account", 1001)
    assert "1  internal (Our mistake): Whoever runs Hubsync finds it in the log." in page
    assert "1  refused (Refused): Mend what the reason names, then try it again." in page
    assert "Our mistake" not in told("account", 1002)


@pytest.mark.usefixtures("clean_limiter")
def test_the_budget_and_the_breakers_are_this_customers_and_of_this_moment(
    accounts: list[HubSpotAccount],
) -> None:
    for _ in range(3):
        limiter.acquire(1001, Lane.LIVE)
    for name in (1001, "p1002.learnupon.com"):
        for _ in range(breaker.FAILURES):
            with (
                pytest.raises(TryAgain),
                breaker.guard(Vendor.HUBSPOT if name == 1001 else Vendor.LEARNUPON, name),
            ):
                raise TryAgain("500", vendor_failed=True)
    mine, other = told("account", 1001), told("account", 1002)
    most, _ = limiter.LIMITS[limiter.Budget.GENERAL]
    assert f"general: 3 of {most}" in mine
    assert f"general: 0 of {most}" in other
    assert "HubSpot (1001) has not answered" in mine
    assert "p1002.learnupon.com" not in mine
    assert "LearnUpon (p1002.learnupon.com) has not answered" in other


def test_an_unknown_customer_is_said_to_be_unknown(db: None) -> None:
    for command in ("account", "purge"):
        with pytest.raises(CommandError, match="No HubSpot account 77"):
            told(command, 77)


@pytest.fixture
def uninstalled(accounts: list[HubSpotAccount]) -> HubSpotAccount:
    account = accounts[0]
    account.state, account.disconnected_at = HubSpotAccount.State.DISCONNECTED, timezone.now()
    account.save()
    return account


@pytest.fixture
def typing(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return lambda answer: monkeypatch.setattr("builtins.input", lambda _: answer)


def test_purge_leaves_receipts_tombstones_and_numbers_and_the_neighbour(uninstalled: HubSpotAccount) -> None:
    assert "is purged" in told("purge", 1001, "--yes")
    uninstalled.refresh_from_db()
    assert (uninstalled.access_token, uninstalled.admin_emails) == ("", [])
    gone: list[type[Model]] = [Portal, Learner, Enrollment, Delivery, AuditEntry]
    for model in gone:
        left = model._default_manager.values_list("account__hub_id", flat=True)
        assert set(left) == {1002}, model
    assert set(ErasureStep.objects.values_list("erasure__account__hub_id", flat=True)) == {1002}
    kept: list[type[Model]] = [Tombstone, PortalNumber]
    for model in kept:
        assert set(model._default_manager.values_list("hub_id", flat=True)) == {1001, 1002}
    assert Erasure.objects.get(account=uninstalled).state == Erasure.State.DONE
    assert "purged before" in told("purge", 1001)
    assert "only receipts" in told("account", 1001)


def test_purge_asks_for_the_number(uninstalled: HubSpotAccount, typing: Callable[[str], None]) -> None:
    typing("1002")
    with pytest.raises(CommandError, match="nothing was deleted"):
        told("purge", 1001)
    assert Learner.objects.filter(account=uninstalled).exists()
    typing("1001")
    told("purge", 1001)
    assert not Learner.objects.filter(account=uninstalled).exists()


def test_an_installed_account_is_not_purged(accounts: list[HubSpotAccount]) -> None:
    HubSpotAccount.objects.update(disconnected_at=timezone.now() - timedelta(days=90))
    with pytest.raises(CommandError, match="still has the app installed"):
        told("purge", 1001, "--yes")
    assert Learner.objects.filter(account=accounts[0]).exists()
