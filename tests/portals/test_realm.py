"""Which portals may join an account: proven by a list, refused by a list, or confirmed by the admin."""

import pytest
from django.test import Client

from portals import connecting, realm
from portals.connecting import ConnectError
from portals.models import HubSpotAccount, Portal
from tests.conftest import make_portal
from tests.portals.vendors import Vendors

Realm = Portal.Realm
TICK = "I confirm that this portal belongs to the same realm"


def connect(account: HubSpotAccount, subdomain: str, *, same_realm: bool = False) -> Portal:
    return connecting.connect(
        account, subdomain=subdomain, api_key=f"{subdomain}-key", api_secret=f"{subdomain}-secret",
        record_type="contact", same_realm=same_realm,
    )  # fmt: skip


def form(subdomain: str) -> dict[str, str]:
    keys = {"api_key": f"{subdomain}-key", "api_secret": f"{subdomain}-secret"}
    return {"subdomain": subdomain, **keys, "record_type": "contact", "sso": "none", "webhook_secret": ""}


@pytest.fixture
def numbered(acme_portal: Portal) -> Portal:
    """Out of the way of the numbers that connecting gives out."""
    Portal.objects.filter(pk=acme_portal.pk).update(number=99)
    return acme_portal


@pytest.fixture
def empty(installed: HubSpotAccount) -> HubSpotAccount:
    return installed


def test_the_first_portal_needs_no_proof(empty: HubSpotAccount) -> None:
    acme = connect(empty, "acme")
    assert acme.realm == Realm.UNKNOWN
    assert acme.sub_portals == [{"subdomain": "acme-partners", "title": "Acme Partner Academy"}]
    assert acme.fields


def test_a_listed_portal_is_proven_and_gets_its_title(empty: HubSpotAccount) -> None:
    acme, partners = connect(empty, "acme"), connect(empty, "acme-partners")
    acme.refresh_from_db()
    assert (acme.realm, partners.realm) == (Realm.PROVEN, Realm.PROVEN)
    assert partners.title == "Acme Partner Academy"


def test_the_order_does_not_matter(empty: HubSpotAccount) -> None:
    partners, acme = connect(empty, "acme-partners"), connect(empty, "acme")
    partners.refresh_from_db()
    assert (acme.realm, partners.realm) == (Realm.PROVEN, Realm.PROVEN)


def test_a_list_that_was_kept_too_long_ago_is_read_again(empty: HubSpotAccount) -> None:
    acme = connect(empty, "acme")
    Portal.objects.filter(pk=acme.pk).update(sub_portals=[])
    assert connect(empty, "acme-partners").realm == Realm.PROVEN


def test_what_is_not_proven_needs_the_admins_word(empty: HubSpotAccount) -> None:
    connect(empty, "acme")
    with pytest.raises(ConnectError, match="this one is not among them") as refused:
        connect(empty, "globex")
    assert refused.value.field == "same_realm"
    assert not Portal.objects.filter(subdomain="globex").exists()
    assert connect(empty, "globex", same_realm=True).realm == Realm.CONFIRMED


def test_two_top_level_portals_are_two_realms_whatever_the_admin_says(empty: HubSpotAccount) -> None:
    other = make_portal(
        empty, "other", number=99, sub_portals=[{"subdomain": "other-team", "title": "Other Team"}]
    )
    verdict = realm.judge(
        empty, "acme", "learnupon.com", [{"subdomain": "acme-partners", "title": "Partners"}]
    )
    assert verdict.other
    assert str(other) in verdict.reason
    with pytest.raises(ConnectError, match="another realm"):
        connect(empty, "acme", same_realm=True)


def test_other_accounts_prove_nothing(empty: HubSpotAccount, globex: HubSpotAccount) -> None:
    connect(empty, "acme")
    connect(globex, "globex")
    with pytest.raises(ConnectError, match="None of your connected portals lists sub-portals"):
        connect(globex, "acme-partners")


def test_a_portal_that_may_not_ask_lists_nothing(empty: HubSpotAccount, vendors: Vendors) -> None:
    fault = {"service": "learnupon", "path": "/portals", "kind": "status", "status": 401}
    vendors.control("POST", "faults", fault)
    assert connect(empty, "acme").sub_portals == []


def test_sub_portals_are_proposed_with_their_address(
    empty: HubSpotAccount, as_acme: Client, numbered: Portal
) -> None:
    realm.refresh(numbered)
    for address in ("/portals/", "/portals/connect/"):
        page = as_acme.get(address).content.decode()
        assert "Connect Acme Partner Academy" in page
        assert "?portal=acme-partners.learnupon.com" in page
    page = as_acme.get("/portals/connect/?portal=acme-partners.learnupon.com").content.decode()
    assert 'value="acme-partners.learnupon.com"' in page
    assert "acme-partners-key" not in page
    as_acme.post("/portals/connect/", form("acme-partners.learnupon.com") | form("acme-partners"))
    assert "Connect Acme Partner Academy" not in as_acme.get("/portals/").content.decode()


def test_the_tick_is_asked_for_only_when_it_is_needed(
    empty: HubSpotAccount, as_acme: Client, numbered: Portal
) -> None:
    assert TICK not in as_acme.get("/portals/connect/").content.decode()
    page = as_acme.post("/portals/connect/", form("globex")).content.decode()
    assert TICK in page
    assert "not proven" in page
    assert 'value="globex"' in page
    answer = as_acme.post("/portals/connect/", form("globex") | {"same_realm": "on"})
    assert answer.status_code == 302
    assert Portal.objects.get(subdomain="globex").realm == Realm.CONFIRMED
