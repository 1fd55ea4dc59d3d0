"""Installing, signing in and out, and that nothing opens without it."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.template.loader import render_to_string
from django.test import Client

from portals import oauth
from portals.models import HubSpotAccount, Portal

PAGES = [
    "",
    "/settings",
    "/mapping",
    "/learners",
    "/activity",
    "/activity.csv",
    "/backfill",
    "/insights",
    "/privacy",
]


@pytest.mark.django_db
def test_install_page_says_what_is_read_and_written_and_why(client: Client) -> None:
    page = client.get("/install/").content.decode()
    assert "What is read from HubSpot" in page
    assert "What is written to HubSpot" in page
    for scope in oauth.SCOPES:
        assert scope.name in page
        assert scope.why.split("'")[0] in page


@pytest.mark.django_db
def test_first_page_is_install_until_signed_in(client: Client) -> None:
    assert "Continue to HubSpot" in client.get("/").content.decode()


def test_first_page_leads_to_the_portals_when_signed_in(as_acme: Client) -> None:
    assert as_acme.get("/")["Location"] == "/portals/"


@pytest.mark.django_db
def test_start_sends_the_browser_to_hubspot_with_a_state(client: Client) -> None:
    query = parse_qs(urlsplit(client.get("/oauth/hubspot/start")["Location"]).query)
    assert query["state"][0]
    assert query["code_challenge_method"] == ["S256"]
    assert set(query["scope"][0].split()) == {scope.name for scope in oauth.SCOPES}


@pytest.mark.django_db
def test_app_objects_can_be_left_out(client: Client) -> None:
    query = parse_qs(urlsplit(client.get("/oauth/hubspot/start?app_objects=0")["Location"]).query)
    assert not any(scope.startswith("crm.app.") for scope in query["scope"][0].split())


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["", "?code=x", "?code=x&state=wrong", "?error=access_denied&state=wrong"])
def test_a_callback_that_this_browser_did_not_begin_is_refused_kindly(client: Client, query: str) -> None:
    client.get("/oauth/hubspot/start")
    answer = client.get(f"/oauth/hubspot/callback{query}")
    assert answer.status_code == 400
    assert "Begin again" in answer.content.decode()
    assert not HubSpotAccount.objects.exists()


@pytest.mark.django_db
def test_cancelling_at_hubspot_says_what_to_do(client: Client) -> None:
    sent_to = client.get("/oauth/hubspot/start")["Location"]
    state = parse_qs(urlsplit(sent_to).query)["state"][0]
    answer = client.get("/oauth/hubspot/callback", {"state": state, "error": "access_denied"})
    assert answer.status_code == 400
    assert "did not grant access" in answer.content.decode()


def test_signing_out_ends_the_session(as_acme: Client) -> None:
    assert as_acme.get("/signout/").status_code == 405
    assert as_acme.post("/signout/")["Location"] == "/install/"
    assert as_acme.get("/portals/")["Location"] == "/install/"


@pytest.mark.parametrize("page", PAGES)
def test_nothing_opens_without_signing_in(client: Client, acme_portal: Portal, page: str) -> None:
    answer = client.get(f"/portals/{acme_portal.pk}{page or '/'}")
    assert answer.status_code == 302
    assert answer["Location"] == "/install/"


@pytest.mark.parametrize("page", PAGES)
def test_another_accounts_portal_does_not_exist(as_globex: Client, acme_portal: Portal, page: str) -> None:
    assert as_globex.get(f"/portals/{acme_portal.pk}{page or '/'}").status_code == 404


def test_disconnecting_needs_the_box_ticked(as_acme: Client, acme: HubSpotAccount) -> None:
    page = as_acme.post("/portals/disconnect", follow=True).content.decode()
    assert "tick the box" in page
    acme.refresh_from_db()
    assert acme.connected


@pytest.mark.django_db
def test_error_pages_stand_alone(client: Client) -> None:
    answer = client.get("/portals/none-such")
    assert answer.status_code == 404
    assert "There is nothing at this address" in answer.content.decode()


@pytest.mark.parametrize("page", ["400.html", "403.html", "500.html"])
def test_error_pages_need_nothing_that_could_be_broken(page: str) -> None:
    assert "</html>" in render_to_string(page)


def test_forms_without_a_token_are_refused(acme: HubSpotAccount) -> None:
    answer = Client(enforce_csrf_checks=True).post("/signout/")
    assert answer.status_code == 403
    assert "too old" in answer.content.decode()


@pytest.mark.django_db
def test_the_page_allows_no_inline_code(client: Client) -> None:
    answer = client.get("/install/")
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert " style=" not in answer.content.decode()
    assert "<style" not in answer.content.decode()
