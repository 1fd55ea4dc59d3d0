"""Tokens against the sandbox: one refresh for everybody, and a dead grant stops exactly its own installation."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import responses
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from portals import tasks, tokens
from portals.clients import breaker
from portals.clients.breaker import FAILURES, Vendor
from portals.clients.errors import Disconnected, Refused, TryAgain, VendorError
from portals.clients.hubspot import HubSpot
from portals.lanes import Lane
from portals.models import AuditEntry, HubSpotAccount
from tests.flows.worlds import hurry_breakers
from tests.portals.vendors import Vendors

TOKEN = "/oauth/2026-09/token"
ENDPOINT = settings.HUBSPOT_API_URL + TOKEN


def runs_out_in(account: HubSpotAccount, **left: float) -> HubSpotAccount:
    account.token_expires_at = timezone.now() + timedelta(**left)
    account.save(update_fields=["token_expires_at"])
    return account


def stored(account: HubSpotAccount) -> HubSpotAccount:
    return HubSpotAccount.objects.get(pk=account.pk)


def refreshes(vendors: Vendors) -> list[dict[str, Any]]:
    return [call for call in vendors.calls(TOKEN) if call["path"] == TOKEN]


# --- renewing -------------------------------------------------------------------------------------------
def test_a_living_token_is_used_as_it_is(vendors: Vendors, installed: HubSpotAccount) -> None:
    before = len(refreshes(vendors))
    assert tokens.access_token(installed) == installed.access_token
    assert len(refreshes(vendors)) == before


def test_a_token_about_to_die_is_renewed_and_works(
    vendors: Vendors, installed: HubSpotAccount, globex: HubSpotAccount
) -> None:
    old, others = installed.access_token, stored(globex).access_token
    token = tokens.access_token(runs_out_in(installed, seconds=30))
    assert token != old
    assert stored(installed).access_token == installed.access_token == token
    assert HubSpot(stored(installed), Lane.LIVE).details()["portalId"] == 1001
    assert stored(globex).access_token == others


def test_the_sweep_renews_ahead_and_leaves_the_others(
    vendors: Vendors, installed: HubSpotAccount, globex: HubSpotAccount
) -> None:
    runs_out_in(installed, minutes=9)
    others = stored(globex).access_token
    tasks.tend()
    left = stored(installed).token_expires_at
    assert left is not None
    assert left > timezone.now() + timedelta(minutes=25)
    assert stored(globex).access_token == others


def test_the_sweep_leaves_a_hubspot_alone_that_does_not_answer(
    vendors: Vendors, installed: HubSpotAccount, globex: HubSpotAccount
) -> None:
    """Would catch: a time-out for every account in every tick, as long as HubSpot's sign-in is down."""
    for account in (installed, globex):
        runs_out_in(account, minutes=-1)
    fault = {"service": "hubspot", "path": TOKEN, "kind": "status", "status": 503, "times": 1000}
    vendors.control("POST", "faults", fault)
    before = len(refreshes(vendors))
    tasks.tend()
    assert len(refreshes(vendors)) == before + 1  # one is enough to know
    for _ in range(20):
        tasks.tend()
    assert len(refreshes(vendors)) == before + 2 * FAILURES
    assert breaker.rests(Vendor.HUBSPOT, installed.hub_id)
    vendors.control("DELETE", "faults")
    hurry_breakers(60)
    tasks.tend()
    lasting = timezone.now() + timedelta(minutes=25)
    assert all((stored(account).token_expires_at or lasting) > lasting for account in (installed, globex))
    assert breaker.troubles() == {}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("threads", [20])
def test_a_hundred_callers_make_one_refresh(
    vendors: Vendors, installed: HubSpotAccount, threads: int
) -> None:
    runs_out_in(installed, seconds=-1)
    vendors.control("POST", "faults", {"service": "hubspot", "path": TOKEN, "kind": "delay", "seconds": 0.3})
    before = len(refreshes(vendors))

    with ThreadPoolExecutor(20) as pool:
        given = set(pool.map(lambda _: renew_and_close(stored(installed)), range(100)))
    assert len(refreshes(vendors)) == before + 1
    assert given == {stored(installed).access_token}


@pytest.mark.django_db(transaction=True)
def test_many_refusals_of_one_token_make_one_refresh(vendors: Vendors, installed: HubSpotAccount) -> None:
    """All calls under way when HubSpot stops accepting a token come back 401, some after it was renewed."""
    holders = [stored(installed) for _ in range(5)]
    before = len(refreshes(vendors))
    for holder in holders:
        tokens.expire(holder)
        tokens.access_token(stored(installed))
    assert len(refreshes(vendors)) == before + 1


@pytest.mark.django_db(transaction=True)
def test_rows_can_be_added_to_an_account_whose_token_is_being_renewed(
    vendors: Vendors, installed: HubSpotAccount
) -> None:
    """A lock that stopped foreign keys to the account would stop every webhook for the length of a call."""
    runs_out_in(installed, seconds=-1)
    vendors.control("POST", "faults", {"service": "hubspot", "path": TOKEN, "kind": "delay", "seconds": 0.5})
    with ThreadPoolExecutor(1) as pool:
        renewing = pool.submit(renew_and_close, stored(installed))
        vendors.wait(lambda: vendors.control("GET", "faults")["faults"][0]["hits"])
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '100ms'")
            AuditEntry.objects.create(account=installed, actor="x", action="y")
        assert not renewing.done()
        renewing.result()


def renew_and_close(account: HubSpotAccount) -> str:
    try:
        return tokens.access_token(account)
    finally:
        connection.close()


# --- what HubSpot answers -------------------------------------------------------------------------------
Answer = Callable[..., None]


@pytest.fixture
def token_answer() -> Any:
    with responses.RequestsMock() as wire:
        yield lambda status, body, **more: wire.post(ENDPOINT, status=status, json=body, **more)


def test_the_answer_is_stored_as_it_came(
    token_answer: Answer, acme: HubSpotAccount, clean_limiter: None
) -> None:
    long = "n" * 900
    token_answer(200, {"access_token": long, "refresh_token": "r2", "expires_in": 600, "scopes": ["b", "a"]})
    tokens.refresh(runs_out_in(acme, seconds=1), tokens.REFRESH_NOW)
    kept = stored(acme)
    assert (kept.access_token, kept.refresh_token, kept.scopes) == (long, "r2", ["a", "b"])
    assert kept.token_expires_at is not None
    assert timedelta(minutes=9) < kept.token_expires_at - timezone.now() <= timedelta(minutes=10)


def test_a_refresh_token_that_is_not_repeated_stays(token_answer: Answer, acme: HubSpotAccount) -> None:
    token_answer(200, {"access_token": "n", "expires_in": 600})
    tokens.refresh(runs_out_in(acme, seconds=1), tokens.REFRESH_NOW)
    assert stored(acme).refresh_token == "refresh-of-1001"


@pytest.mark.parametrize(
    ("status", "body", "headers", "after"),
    [
        (429, {}, {"Retry-After": "7"}, 7),
        (429, {}, {"Retry-After": "²"}, 5),
        (429, {}, {}, 5),
        (500, {}, {}, 5),
        (503, {}, {"Retry-After": "99999999"}, 3600),
        (200, [], {}, 0),
        (200, {}, {}, 0),
        (200, {"access_token": ""}, {}, 0),
        (200, {"access_token": "x", "expires_in": "soon"}, {}, 0),
    ],
)
def test_what_passes_is_tried_again_and_changes_nothing(
    token_answer: Answer, acme: HubSpotAccount, status: int, body: Any, headers: dict[str, str], after: float
) -> None:
    token_answer(status, body, headers=headers)
    with pytest.raises(TryAgain) as caught:
        tokens.access_token(runs_out_in(acme, seconds=1))
    assert caught.value.after == after
    kept = stored(acme)
    assert (kept.connected, kept.refresh_token) == (True, "refresh-of-1001")


@pytest.mark.parametrize(
    "status", ["BAD_CLIENT_ID", "BAD_CLIENT_SECRET", "BAD_REDIRECT_URI", "BAD_GRANT_TYPE"]
)
def test_a_mistake_of_ours_leaves_every_installation_alone(
    token_answer: Answer, acme: HubSpotAccount, status: str
) -> None:
    """A wrong client secret after a rotation would otherwise disconnect all customers within a minute."""
    token_answer(400, {"status": status, "message": "no", "error": "invalid_client"})
    with pytest.raises(Refused):
        tokens.access_token(runs_out_in(acme, seconds=1))
    assert stored(acme).connected
    assert stored(acme).refresh_token == "refresh-of-1001"


def test_a_mistake_of_ours_makes_calls_wait_and_refuses_none(
    token_answer: Answer, acme: HubSpotAccount
) -> None:
    """Refused, a workflow action would end for good because of a secret that is mended an hour later."""
    token_answer(400, {"status": "BAD_CLIENT_SECRET", "message": "no", "error": "invalid_client"})
    with pytest.raises(TryAgain) as caught:
        HubSpot(runs_out_in(acme, seconds=1), Lane.ACTIONS).details()
    assert not caught.value.counts


@pytest.mark.parametrize(
    "body",
    [
        {"status": "BAD_REFRESH_TOKEN", "message": "x", "error": "invalid_grant"},
        {"status": "BAD_REFRESH_TOKEN", "message": "x"},
        {"error": "invalid_grant", "error_description": "x"},
    ],
)
def test_a_dead_grant_disconnects_its_account_only(
    token_answer: Answer, acme: HubSpotAccount, globex: HubSpotAccount, body: dict[str, str]
) -> None:
    token_answer(400, body)
    with pytest.raises(Disconnected):
        tokens.access_token(runs_out_in(acme, seconds=1))
    dead = stored(acme)
    assert not dead.connected
    assert (dead.access_token, dead.refresh_token) == ("", "")
    assert dead.disconnected_at is not None
    assert stored(globex).connected
    with pytest.raises(Disconnected):
        tokens.access_token(dead)


def test_the_message_of_a_failure_holds_no_token(token_answer: Answer, acme: HubSpotAccount) -> None:
    token_answer(400, {"status": "BAD_CLIENT_SECRET", "message": "secret sandbox-secret refresh-of-1001"})
    with pytest.raises(VendorError) as caught:
        tokens.access_token(runs_out_in(acme, seconds=1))
    assert "refresh-of-1001" not in str(caught.value)


def test_the_sweep_ends_with_its_slice(
    vendors: Vendors, installed: HubSpotAccount, globex: HubSpotAccount, settings: Settings
) -> None:
    """Where HubSpot is slow, two hundred renewals would hold a worker until it is killed, and the next tick another."""
    settings.SLICE_SECONDS = 0
    runs_out_in(installed, minutes=1)
    runs_out_in(globex, minutes=2)
    old = stored(globex).access_token
    tasks.tend()
    assert stored(globex).access_token == old
    tasks.tend()
    assert stored(globex).access_token != old


def test_the_sweep_goes_on_after_one_dead_grant(
    vendors: Vendors, installed: HubSpotAccount, globex: HubSpotAccount
) -> None:
    vendors.control("POST", "uninstall", {"account": 1001})
    runs_out_in(installed, minutes=1)
    runs_out_in(globex, minutes=2)
    old = stored(globex).access_token
    tasks.tend()
    assert not stored(installed).connected
    assert stored(globex).connected
    assert stored(globex).access_token != old


# --- generations ----------------------------------------------------------------------------------------
def test_a_disconnect_that_began_before_a_reinstall_does_not_touch_it(acme: HubSpotAccount) -> None:
    stale = stored(acme)
    HubSpotAccount.objects.filter(pk=acme.pk).update(generation=acme.generation + 1)
    assert not tokens.mark_disconnected(stale, "BAD_REFRESH_TOKEN")
    assert stored(acme).connected
    assert stored(acme).access_token == "token-of-1001"


def test_a_refused_token_of_an_earlier_installation_does_not_expire_the_new_one(acme: HubSpotAccount) -> None:
    stale = stored(acme)
    HubSpotAccount.objects.filter(pk=acme.pk).update(generation=acme.generation + 1)
    before = stored(acme).token_expires_at
    tokens.expire(stale)
    assert stored(acme).token_expires_at == before


@pytest.mark.django_db(transaction=True)
def test_a_reinstall_during_a_dying_refresh_survives(vendors: Vendors, installed: HubSpotAccount) -> None:
    """The refresh of the old grant is under way and will be told that it is dead; meanwhile an admin installs
    again. Whichever ends first, the account is connected with the new grant."""
    runs_out_in(installed, seconds=-1)
    vendors.control("POST", "uninstall", {"account": 1001})
    fault = {"service": "hubspot", "path": f"{TOKEN}$", "kind": "delay", "seconds": 0.4, "times": 1}
    vendors.control("POST", "faults", fault)

    def dying() -> str:
        try:
            return renew_and_close(stored(installed))
        except Disconnected:
            return "disconnected"

    with ThreadPoolExecutor(1) as pool:
        ending = pool.submit(dying)
        vendors.wait(lambda: vendors.control("GET", "faults")["faults"][0]["hits"])
        vendors.install_by_browser(1001)
        assert ending.result() == "disconnected"
    kept = stored(installed)
    assert kept.connected
    assert kept.generation == 2
    assert HubSpot(kept, Lane.LIVE).details()["portalId"] == 1001
