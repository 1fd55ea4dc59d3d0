"""Installing and signing in against the sandbox: one browser, one state, one use; what a re-install keeps."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from django.test import Client

from portals import oauth, tasks
from portals.models import HubSpotAccount, Portal, PropertyMapping
from tests.conftest import make_portal
from tests.portals.vendors import Vendors

CALLBACK = "/oauth/hubspot/callback"
pytestmark = pytest.mark.django_db


def begin(browser: Client) -> str:
    return str(browser.get("/oauth/hubspot/start")["Location"])


def failed(browser: Client, query: dict[str, str]) -> str:
    answer = browser.get(CALLBACK, query)
    assert answer.status_code == 400
    assert "account" not in browser.session
    return answer.content.decode()


def test_installing_signs_in_and_describes_the_account(vendors: Vendors) -> None:
    browser = vendors.install_by_browser(1001)
    account = HubSpotAccount.objects.get()
    assert browser.session["account"] == account.pk
    assert "@" in browser.session["actor"]
    assert account.hub_id == 1001
    assert account.connected
    assert account.generation == 1
    assert set(account.scopes) == {scope.name for scope in oauth.SCOPES}
    assert account.app_object_type.startswith("1-")
    assert account.app_object_problem == ""
    assert account.ui_domain
    assert account.admin_emails == [browser.session["actor"]]


def test_two_tenants_end_in_two_sessions(vendors: Vendors) -> None:
    acme, globex = vendors.install_by_browser(1001), vendors.install_by_browser(1002)
    of_globex = make_portal(HubSpotAccount.objects.get(hub_id=1002), "globex")
    assert acme.session["account"] != globex.session["account"]
    assert acme.get(f"/portals/{of_globex.pk}/settings").status_code == 404
    assert globex.get(f"/portals/{of_globex.pk}/settings").status_code == 200


# --- the state ------------------------------------------------------------------------------------------
def test_a_callback_works_once(vendors: Vendors) -> None:
    browser = Client()
    back = vendors.consent(begin(browser))
    assert browser.get(CALLBACK, back).status_code == 302
    assert browser.get(CALLBACK, back).status_code == 400
    assert HubSpotAccount.objects.get().generation == 1


def test_a_state_is_spent_by_a_failure_too(vendors: Vendors) -> None:
    browser = Client()
    back = vendors.consent(begin(browser))
    failed(browser, back | {"state": "wrong"})
    failed(browser, back)
    assert not HubSpotAccount.objects.exists()


def test_another_browser_cannot_use_the_code(vendors: Vendors) -> None:
    """Login CSRF: an attacker sends a victim the address HubSpot sent the attacker back to."""
    attacker, victim = Client(), Client()
    back = vendors.consent(begin(attacker))
    failed(victim, back)
    begin(victim)
    failed(victim, back)
    assert not HubSpotAccount.objects.exists()


def test_a_code_of_another_round_is_refused_by_its_verifier(vendors: Vendors) -> None:
    """Code injection: the state is this browser's own, the code somebody else's. PKCE ties them together."""
    attacker, victim = Client(), Client()
    code = vendors.consent(begin(attacker))["code"]
    state = vendors.consent(begin(victim))["state"]
    page = failed(victim, {"code": code, "state": state})
    assert "did not accept this sign-in" in page
    assert not HubSpotAccount.objects.exists()


@pytest.mark.parametrize(
    "change",
    [{"state": None}, {"code": None}, {"state": ""}, {"code": ""}, {"state": "é"}, {"code": "made-up"}],
)
def test_missing_and_made_up_values(vendors: Vendors, change: dict[str, str | None]) -> None:
    browser = Client()
    back = {**vendors.consent(begin(browser)), **change}
    failed(browser, {name: value for name, value in back.items() if value is not None})
    assert not HubSpotAccount.objects.exists()


@pytest.mark.parametrize("what", ["all", "app_objects"])
def test_a_refusal_at_hubspot_is_told_and_can_be_repeated(vendors: Vendors, what: str) -> None:
    browser = Client()
    page = failed(browser, vendors.consent(begin(browser), _deny=what))
    assert "did not grant access" in page
    assert browser.get(CALLBACK, vendors.consent(begin(browser))).status_code == 302


def test_an_account_that_cannot_grant_app_objects_is_installed_without(vendors: Vendors) -> None:
    browser = Client()
    address = str(browser.get("/oauth/hubspot/start?app_objects=0")["Location"])
    assert browser.get(CALLBACK, vendors.consent(address, _deny="app_objects")).status_code == 302
    account = HubSpotAccount.objects.get()
    assert account.connected
    assert not account.app_object_type
    assert account.app_object_problem
    assert not account.has_scopes(*oauth.APP_OBJECT_SCOPES)


def test_the_verifier_and_the_secret_never_travel_by_the_browser(vendors: Vendors) -> None:
    browser = Client()
    address = begin(browser)
    query = parse_qs(urlsplit(address).query)
    held = browser.session["oauth"]
    assert held["verifier"] not in address
    assert "secret" not in address
    assert len(query["state"][0]) >= 32
    assert begin(browser) != address


# --- the session ----------------------------------------------------------------------------------------
def test_signing_in_takes_a_new_session_key(vendors: Vendors) -> None:
    """Session fixation: a key that somebody planted in the browser beforehand must not become the admin's."""
    browser = Client()
    address = begin(browser)
    planted = browser.session.session_key
    browser.get(CALLBACK, vendors.consent(address))
    assert browser.session.session_key != planted
    intruder = Client()
    intruder.cookies[settings.SESSION_COOKIE_NAME] = str(planted)
    assert intruder.get("/portals/")["Location"] == "/install/"


def test_signing_in_to_another_account_leaves_the_first(vendors: Vendors) -> None:
    browser = vendors.install_by_browser(1001)
    browser.get(CALLBACK, vendors.consent(begin(browser), 1002))
    assert browser.session["account"] == HubSpotAccount.objects.get(hub_id=1002).pk
    assert HubSpotAccount.objects.get(hub_id=1001).generation == 1


# --- installing again -----------------------------------------------------------------------------------
def mapped(account: HubSpotAccount) -> Portal:
    portal = make_portal(account, "acme")
    PropertyMapping.objects.create(
        portal=portal,
        position=0,
        property="company",
        property_type="string",
        definition_id=7,
        definition_type=1,
    )
    return portal


def test_installing_again_keeps_portals_and_mappings(vendors: Vendors) -> None:
    vendors.install_by_browser(1001)
    account = HubSpotAccount.objects.get()
    portal = mapped(account)
    vendors.control("POST", "uninstall", {"account": 1001})
    HubSpotAccount.objects.update(
        state="disconnected", disconnected_reason="BAD_REFRESH_TOKEN", access_token="", refresh_token=""
    )
    vendors.install_by_browser(1001)
    again = HubSpotAccount.objects.get()
    assert (again.pk, again.generation, again.connected) == (account.pk, 2, True)
    assert again.disconnected_reason == ""
    assert again.disconnected_at is None
    assert again.access_token != ""
    kept = Portal.objects.get()
    assert (kept.pk, kept.api_key, kept.state) == (portal.pk, "acme-key", Portal.State.CONNECTED)
    assert kept.mappings.get().property == "company"


def fault(vendors: Vendors, path: str, **more: Any) -> None:
    vendors.control("POST", "faults", {"service": "hubspot", "path": path, "kind": "status", **more})


@pytest.mark.parametrize("path", ["/oauth/2026-09/token$", "/oauth/2026-09/token/introspect"])
@pytest.mark.parametrize("status", [500, 429])
def test_hubspot_in_trouble_is_told_and_installs_nothing(vendors: Vendors, path: str, status: int) -> None:
    fault(vendors, path, status=status)
    browser = Client()
    assert "could not be reached" in failed(browser, vendors.consent(begin(browser)))
    assert not HubSpotAccount.objects.exists()


def test_what_comes_after_the_grant_may_fail(vendors: Vendors) -> None:
    """Time zone and app object are asked for again later; the installation stands."""
    fault(vendors, "/account-info")
    fault(vendors, "/crm-object-schemas")
    vendors.install_by_browser(1001)
    account = HubSpotAccount.objects.get()
    assert account.connected
    assert account.app_object_problem
    vendors.control("DELETE", "faults")
    tasks.tend()
    tasks.watch_drift()
    account.refresh_from_db()
    assert account.ui_domain
    assert account.app_object_type
    assert account.app_object_problem == ""
    fault(vendors, "/crm-object-schemas")
    vendors.install_by_browser(1001)
    account.refresh_from_db()
    assert account.app_object_type, "a passing failure made it forget"
    assert account.app_object_problem == ""


def test_properties_that_were_lacking_may_come_with_the_next_upload(vendors: Vendors) -> None:
    vendors.install_by_browser(1001)
    lacking = "The course enrollment object lacks: score_percent."
    HubSpotAccount.objects.update(app_object_problem=lacking)
    fault(vendors, "/crm-object-schemas")
    tasks.watch_drift()
    assert HubSpotAccount.objects.get().app_object_problem == lacking  # HubSpot did not say otherwise
    vendors.control("DELETE", "faults")
    tasks.watch_drift()
    assert HubSpotAccount.objects.get().app_object_problem == ""


def test_an_account_that_did_not_grant_app_objects_is_not_asked_again_and_again(vendors: Vendors) -> None:
    """HubSpot counts what it refuses; installing again is what mends it."""
    browser = Client()
    address = str(browser.get("/oauth/hubspot/start?app_objects=0")["Location"])
    browser.get(CALLBACK, vendors.consent(address, _deny="app_objects"))
    before = len(vendors.calls("/crm-object-schemas"))
    tasks.watch_drift()
    assert len(vendors.calls("/crm-object-schemas")) == before


# --- leaving --------------------------------------------------------------------------------------------
def test_disconnecting_removes_the_app_at_hubspot(vendors: Vendors) -> None:
    browser = vendors.install_by_browser(1001)
    vendors.install_by_browser(1002)
    browser.post("/portals/disconnect", {"confirm": "yes"})
    assert not HubSpotAccount.objects.get(hub_id=1001).connected
    assert HubSpotAccount.objects.get(hub_id=1002).connected
    assert [call["status"] for call in vendors.calls("external-install")] == [204]


def test_disconnecting_while_hubspot_is_down_changes_nothing_and_says_so(vendors: Vendors) -> None:
    browser = vendors.install_by_browser(1001)
    fault(vendors, "external-install", status=503)
    page = browser.post("/portals/disconnect", {"confirm": "yes"}, follow=True)
    assert page.status_code == 200
    assert "nothing was changed" in page.content.decode()
    assert HubSpotAccount.objects.get().connected


def test_disconnecting_what_hubspot_has_removed_already_ends_disconnected(vendors: Vendors) -> None:
    browser = vendors.install_by_browser(1001)
    vendors.control("POST", "uninstall", {"account": 1001})
    browser.post("/portals/disconnect", {"confirm": "yes"})
    assert not HubSpotAccount.objects.get().connected
