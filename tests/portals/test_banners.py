"""What needs a person is said in words, and no more often than it helps."""

import pytest
from django.conf import settings as app_settings
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from portals import consent, tokens
from portals.banners import APP_REFUSED, banners
from portals.models import HubSpotAccount, Portal
from portals.oauth import SCOPES
from portals.tasks import tend
from tests.portals.vendors import Vendors


def said(account: HubSpotAccount) -> str:
    account.refresh_from_db()
    return " ".join(str(banner) for banner in banners(account))


def test_all_is_well_in_silence(acme: HubSpotAccount, acme_portal: Portal) -> None:
    assert banners(acme) == []


def test_a_lost_installation_is_the_only_thing_said_of_the_account(acme: HubSpotAccount) -> None:
    acme.state, acme.scopes, acme.configuration_problem = "disconnected", [], "Something."
    found = banners(acme)
    assert len(found) == 1
    assert found[0].link == "Install again"


def test_permissions_that_are_newly_required_are_asked_for(acme: HubSpotAccount, as_acme: Client) -> None:
    acme.scopes = [scope.name for scope in SCOPES if scope.name != "crm.objects.owners.read"]
    acme.save()
    page = as_acme.get("/portals/").content.decode()
    assert "has not agreed to yet: crm.objects.owners.read" in page
    assert "See why, and agree" in page


def test_permissions_that_can_be_left_out_are_explained_and_not_nagged(
    acme: HubSpotAccount, as_acme: Client
) -> None:
    acme.scopes = [scope.name for scope in SCOPES if scope.name != "automation"]
    acme.save()
    assert banners(acme) == []
    assert [scope.name for scope in consent.missing(acme, "conditional")] == ["automation"]
    page = as_acme.get("/portals/").content.decode()
    assert "1 optional permission not given" in page
    assert "Tell a waiting workflow" in page


@pytest.fixture
def expiring(installed: HubSpotAccount) -> HubSpotAccount:
    HubSpotAccount.objects.update(token_expires_at=timezone.now())
    return installed


def test_an_app_that_hubspot_refuses_is_the_operators_and_passes(
    expiring: HubSpotAccount, settings: Settings
) -> None:
    right = app_settings.HUBSPOT_CLIENT_SECRETS
    settings.HUBSPOT_CLIENT_SECRETS = ["wrong"]
    tend()
    assert said(expiring) == APP_REFUSED
    assert expiring.connected
    settings.HUBSPOT_CLIENT_SECRETS = right
    tend()
    assert said(expiring) == ""


def test_what_is_mended_is_no_longer_said_whoever_finds_out(
    expiring: HubSpotAccount, settings: Settings
) -> None:
    """A call may renew the token before the tick does; the next tick that would is twenty minutes away."""
    right = app_settings.HUBSPOT_CLIENT_SECRETS
    settings.HUBSPOT_CLIENT_SECRETS = ["wrong"]
    tend()
    settings.HUBSPOT_CLIENT_SECRETS = right
    tokens.access_token(HubSpotAccount.objects.get(pk=expiring.pk))
    tend()
    assert said(expiring) == ""


def test_a_busy_hubspot_is_nobodys_mistake(expiring: HubSpotAccount, vendors: Vendors) -> None:
    fault = {"service": "hubspot", "path": "/oauth/.*token", "kind": "status", "status": 503}
    vendors.control("POST", "faults", fault)
    tend()
    assert said(expiring) == ""


def test_signing_in_with_a_refused_app_says_whose_it_is_to_mend(
    vendors: Vendors, client: Client, settings: Settings, db: None
) -> None:
    address = client.get("/oauth/hubspot/start")["Location"]
    back = vendors.consent(address)
    settings.HUBSPOT_CLIENT_SECRETS = ["wrong"]
    page = client.get("/oauth/hubspot/callback", back).content.decode()
    assert "HUBSPOT_CLIENT_SECRET" in page
    assert "nothing you can mend" in page
