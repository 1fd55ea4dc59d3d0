"""A vendor that does not answer is said so on the pages it concerns, and can be asked again at once."""

import pytest
from django.test import Client

from portals.clients import breaker
from portals.clients.breaker import FAILURES, Vendor
from portals.clients.errors import TryAgain
from portals.models import HubSpotAccount, Portal
from tests.conftest import make_portal, signed_in
from tests.portals.vendors import Vendors


def opened(vendor: Vendor, name: object) -> None:
    for _ in range(FAILURES):
        with pytest.raises(TryAgain), breaker.guard(vendor, name):
            raise TryAgain("500", vendor_failed=True)


def test_each_page_says_who_does_not_answer_and_only_to_whom_it_concerns(
    clean_limiter: None, as_acme: Client, as_globex: Client, acme_portal: Portal, globex_portal: Portal
) -> None:
    opened(Vendor.HUBSPOT, 1001)
    opened(Vendor.LEARNUPON, globex_portal.host)
    for address in (
        "/portals/",
        f"/portals/{acme_portal.pk}/settings",
        f"/portals/{acme_portal.pk}/activity",
    ):
        page = as_acme.get(address).content.decode()
        assert "HubSpot has not answered since" in page
        assert "the next try is in" in page
        assert "LearnUpon has not answered" not in page
    page = as_globex.get("/portals/").content.decode()
    assert "LearnUpon has not answered since" in page
    assert "HubSpot has not answered" not in page
    metrics = Client().get("/metrics").content.decode()
    assert 'hubsync_breakers_open{vendor="hubspot"} 1.0' in metrics


def test_trying_now_asks_once_and_ends_it(vendors: Vendors, installed: HubSpotAccount) -> None:
    portal = make_portal(installed, "acme")
    client = signed_in(installed)
    for vendor, name, address in (
        (Vendor.HUBSPOT, 1001, "/portals/try-hubspot"),
        (Vendor.LEARNUPON, portal.host, f"/portals/{portal.pk}/settings/try-now"),
    ):
        opened(vendor, name)
        assert "answers again" in client.post(address, follow=True).content.decode()
        assert breaker.troubles() == {}


def test_trying_now_in_vain_says_so_and_waits_longer(vendors: Vendors, installed: HubSpotAccount) -> None:
    vendors.control("POST", "faults", {"service": "hubspot", "path": "/", "kind": "status", "status": 500})
    opened(Vendor.HUBSPOT, 1001)
    page = signed_in(installed).post("/portals/try-hubspot", follow=True).content.decode()
    assert "HubSpot still does not answer" in page
    assert breaker.rests(Vendor.HUBSPOT, 1001)


def test_nobody_tries_for_another_account(as_globex: Client, acme_portal: Portal) -> None:
    assert as_globex.post(f"/portals/{acme_portal.pk}/settings/try-now").status_code == 404
