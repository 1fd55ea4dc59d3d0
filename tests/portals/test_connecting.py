"""Connecting a LearnUpon portal against the sandbox: what people paste, whose keys those are, what stays."""

import pytest
from django.conf import settings
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from portals import connecting
from portals.connecting import ConnectError, read_address
from portals.models import AuditEntry, HubSpotAccount, Portal, PortalNumber
from tests.conftest import signed_in
from tests.portals.vendors import Vendors

KEYS = {"api_key": "acme-key", "api_secret": "acme-secret"}
PARTNERS = {"api_key": "acme-partners-key", "api_secret": "acme-partners-secret"}


def connect(
    account: HubSpotAccount, subdomain: str = "acme", record_type: str = "contact", **keys: str
) -> Portal:
    return connecting.connect(
        account, subdomain=subdomain, record_type=record_type, actor="ada@acme.example", same_realm=True, **(keys or KEYS)
    )  # fmt: skip


def problem(account: HubSpotAccount, subdomain: str = "acme", **keys: str) -> ConnectError:
    with pytest.raises(ConnectError) as caught:
        connect(account, subdomain, **keys)
    return caught.value


# --- addresses ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("acme", ("acme", "learnupon.com")),
        (" Acme \n", ("acme", "learnupon.com")),
        ("acme.learnupon.com", ("acme", "learnupon.com")),
        ("ACME.LearnUpon.com.", ("acme", "learnupon.com")),
        ("https://acme.learnupon.com", ("acme", "learnupon.com")),
        ("https://acme.learnupon.com/dashboard?x=1#top", ("acme", "learnupon.com")),
        ("http://acme.learnupon.com:443/", ("acme", "learnupon.com")),
        ("acme.learnupon.com?welcome", ("acme", "learnupon.com")),
        ("acme.learnuponau.com", ("acme", "learnuponau.com")),
        ("https://acme-partners.learnuponau.com/users/sign_in", ("acme-partners", "learnuponau.com")),
        ("a", ("a", "learnupon.com")),
        ("a" * 63, ("a" * 63, "learnupon.com")),
    ],
)
def test_forms_of_an_address(typed: str, read: tuple[str, str]) -> None:
    assert read_address(typed) == read


@pytest.mark.parametrize(
    "typed",
    ["learn.acme.com", "https://training.acme.example/", "acme.learnupon.com.evil.example", "www.acme"],
)
def test_a_white_label_address_is_answered_with_what_to_enter(typed: str) -> None:
    with pytest.raises(ConnectError) as caught:
        read_address(typed)
    assert caught.value.field == "subdomain"
    assert "before .learnupon.com" in caught.value.message


@pytest.mark.parametrize(
    "typed", ["", "-acme", "acme-", "ac me", "acme_x", "a" * 64, "acme@", "{region}", "äcme", "..", "%2e"]
)
def test_what_is_no_subdomain(typed: str) -> None:
    with pytest.raises(ConnectError):
        read_address(typed)


@given(st.text(max_size=60))
def test_any_text_is_read_as_a_host_label_or_refused(typed: str) -> None:
    """The subdomain becomes part of an address we call with the customer's keys."""
    try:
        subdomain, region = read_address(typed)
    except ConnectError:
        return
    assert region in ("learnupon.com", "learnuponau.com")
    assert subdomain.isascii()
    assert subdomain.replace("-", "").isalnum()


# --- keys -----------------------------------------------------------------------------------------------
def test_connecting_keeps_what_was_proven(vendors: Vendors, acme: HubSpotAccount) -> None:
    portal = connect(acme)
    assert (portal.account, portal.number, portal.state) == (acme, 1, Portal.State.CONNECTED)
    assert (portal.api_key, portal.api_secret) == ("acme-key", "acme-secret")
    assert len(portal.webhook_secret) >= 32
    assert AuditEntry.objects.get(action="portal connected").actor == "ada@acme.example"


def test_keys_are_trimmed(vendors: Vendors, acme: HubSpotAccount) -> None:
    assert connect(acme, api_key=" acme-key\n", api_secret="\tacme-secret ").api_key == "acme-key"


@pytest.mark.parametrize(
    "keys",
    [
        {"api_key": "acme-key", "api_secret": "wrong"},
        {"api_key": "wrong", "api_secret": "acme-secret"},
        {"api_key": "“acme-key”", "api_secret": "acme-secret"},
        {"api_key": "acme-key:", "api_secret": "acme-secret"},
        {"api_key": "globex-key", "api_secret": "globex-secret"},
        PARTNERS,
    ],
)
def test_keys_that_are_not_this_portals_are_refused(
    vendors: Vendors, acme: HubSpotAccount, keys: dict[str, str]
) -> None:
    """Also living keys of another portal, of this realm or not."""
    refusal = problem(acme, "acme", **keys)
    assert refusal.field == "api_key"
    assert "this very portal" in refusal.message
    assert not Portal.objects.exists()
    assert not PortalNumber.objects.exists()


def test_a_portal_that_does_not_exist(vendors: Vendors, acme: HubSpotAccount) -> None:
    assert problem(acme, "nobody").field in ("subdomain", "api_key")
    assert not Portal.objects.exists()


@pytest.mark.parametrize("kind", ["status", "reset", "truncate"])
def test_learnupon_in_trouble_saves_nothing(vendors: Vendors, acme: HubSpotAccount, kind: str) -> None:
    vendors.control(
        "POST", "faults", {"service": "learnupon", "path": "customuserdata", "kind": kind, "times": 1}
    )
    refusal = problem(acme)
    assert "Nothing was saved" in refusal.message
    assert not Portal.objects.exists()
    assert connect(acme).pk


# --- one portal, one account ----------------------------------------------------------------------------
def test_a_portal_feeds_one_account(vendors: Vendors, acme: HubSpotAccount, globex: HubSpotAccount) -> None:
    connect(acme)
    assert "connected already" in problem(acme).message
    assert "another HubSpot account" in problem(globex).message
    assert not globex.portals.exists()


def test_who_does_not_hold_the_keys_learns_nothing(
    vendors: Vendors, acme: HubSpotAccount, globex: HubSpotAccount
) -> None:
    """Whether a portal is connected somewhere is told only to somebody who has its keys."""
    connect(acme)
    wrong = {"api_key": "guess", "api_secret": "guess"}
    assert problem(globex, "acme", **wrong).message == problem(globex, "acme-partners", **wrong).message


def test_a_removed_portal_is_free_for_another_account(
    vendors: Vendors, acme: HubSpotAccount, globex: HubSpotAccount
) -> None:
    connecting.remove(connect(acme))
    moved = connect(globex)
    assert (moved.account, moved.number) == (globex, 1)
    assert "another HubSpot account" in problem(acme).message


# --- numbers --------------------------------------------------------------------------------------------
def test_a_portal_keeps_its_number_over_removal(vendors: Vendors, acme: HubSpotAccount) -> None:
    """The number begins every enrollment key in HubSpot: another one would double every record."""
    first = connect(acme)
    connecting.remove(first)
    first.refresh_from_db()
    assert (first.api_key, first.api_secret, first.webhook_secret) == ("", "", "")
    other = connect(acme, "acme-partners", **PARTNERS)
    again = connect(acme)
    assert (first.number, other.number) == (1, 2)
    assert (again.pk, again.number) == (first.pk, 1)
    assert again.webhook_secret


def test_a_number_outlives_the_account_row(vendors: Vendors, acme: HubSpotAccount) -> None:
    connect(acme, "acme-partners", **PARTNERS)
    connecting.remove(connect(acme))
    acme.delete()
    back = HubSpotAccount.objects.create(hub_id=1001)
    assert connect(back).number == 2
    assert connect(back, "acme-partners", **PARTNERS).number == 1


def test_numbers_are_counted_for_each_account(
    vendors: Vendors, acme: HubSpotAccount, globex: HubSpotAccount
) -> None:
    assert connect(acme).number == 1
    keys = {"api_key": "globex-key", "api_secret": "globex-secret"}
    assert connect(globex, "globex", **keys).number == 1


def test_another_record_type_is_another_portal_with_the_hosts_number(
    vendors: Vendors, acme: HubSpotAccount
) -> None:
    """However often people change their mind: history stays with its rows, the keys in HubSpot stay the same."""
    seen = []
    for record_type in ("contact", "user", "contact", "user"):
        portal = connect(acme, record_type=record_type)
        seen.append(portal)
        connecting.remove(portal)
    assert [portal.number for portal in seen] == [1, 1, 1, 1]
    assert [portal.record_type for portal in seen] == ["contact", "user", "contact", "user"]
    numbers = list(Portal.objects.values_list("number", flat=True))
    assert len(set(numbers)) == len(numbers)


# --- afterwards -----------------------------------------------------------------------------------------
def test_new_keys_are_tried_first_and_everything_stays(vendors: Vendors, acme: HubSpotAccount) -> None:
    portal = connect(acme)
    connecting.mark_disconnected(portal, "LearnUpon refuses the API keys of this portal.")
    portal.refresh_from_db()
    with pytest.raises(ConnectError):
        connecting.reconnect(portal, "acme-key", "wrong")
    portal.refresh_from_db()
    assert (portal.state, portal.api_secret) == (Portal.State.DISCONNECTED, "acme-secret")
    connecting.reconnect(portal, "acme-key", "acme-secret")
    portal.refresh_from_db()
    assert (portal.state, portal.state_reason) == (Portal.State.CONNECTED, "")


def test_two_portals_of_one_name_in_two_regions_would_be_one_in_workflows(
    vendors: Vendors, acme: HubSpotAccount, globex: HubSpotAccount
) -> None:
    """The sandbox answers under either host; a workflow step says `acme` and nothing more."""
    connect(acme)
    assert f"acme.{settings.LEARNUPON_REGIONS[0]} begins so" in problem(acme, "acme.learnuponau.com").message
    assert connect(globex, "acme.learnuponau.com").region == "learnuponau.com"


def test_a_late_refusal_of_the_old_keys_does_not_stop_the_new_ones(
    vendors: Vendors, acme: HubSpotAccount
) -> None:
    """A worker's call was under way with the keys that LearnUpon had just replaced."""
    portal = connect(acme)
    Portal.objects.filter(pk=portal.pk).update(api_secret="replaced at LearnUpon")
    under_way = Portal.objects.get(pk=portal.pk)
    connecting.reconnect(portal, "acme-key", "acme-secret")
    connecting.mark_disconnected(under_way, "late 401")
    portal.refresh_from_db()
    assert (portal.state, portal.state_reason) == (Portal.State.CONNECTED, "")


def test_new_keys_for_a_paused_portal_do_not_resume_it(vendors: Vendors, acme: HubSpotAccount) -> None:
    portal = connect(acme)
    connecting.pause(portal)
    connecting.reconnect(portal, "acme-key", "acme-secret")
    portal.refresh_from_db()
    assert portal.state == Portal.State.PAUSED


def test_new_keys_for_a_portal_removed_meanwhile_do_not_bring_it_back(
    vendors: Vendors, acme: HubSpotAccount
) -> None:
    portal = connect(acme)
    connecting.remove(Portal.objects.get(pk=portal.pk))
    with pytest.raises(ConnectError, match="removed"):
        connecting.reconnect(portal, "acme-key", "acme-secret")
    portal.refresh_from_db()
    assert (portal.state, portal.api_key) == (Portal.State.REMOVED, "")


def test_a_portal_that_comes_back_has_yet_to_hear_from_learnupon(
    vendors: Vendors, acme: HubSpotAccount
) -> None:
    """It has another webhook secret: what LearnUpon goes on signing with the old one is refused."""
    portal = connect(acme)
    Portal.objects.filter(pk=portal.pk).update(last_event_at=timezone.now())
    connecting.remove(portal)
    again = connect(acme)
    assert (again.pk, again.last_event_at) == (portal.pk, None)


def test_a_paused_portal_is_not_disconnected_and_a_removed_one_not_resumed(
    vendors: Vendors, acme: HubSpotAccount
) -> None:
    portal = connect(acme)
    connecting.pause(portal)
    connecting.mark_disconnected(portal, "late 401")
    portal.refresh_from_db()
    assert portal.state == Portal.State.PAUSED
    connecting.remove(portal)
    connecting.resume(portal)
    portal.refresh_from_db()
    assert portal.state == Portal.State.REMOVED


def test_a_session_connects_to_its_own_account_only(
    vendors: Vendors, acme: HubSpotAccount, globex: HubSpotAccount
) -> None:
    form = {
        "subdomain": "acme",
        "record_type": "contact",
        "sso": "none",
        **KEYS,
        "account": acme.pk,
        "hub_id": 1001,
    }
    signed_in(globex).post("/portals/connect/", form)
    assert Portal.objects.get(subdomain="acme").account == globex
