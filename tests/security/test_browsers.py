"""A person's browser between us and somebody hostile: whose session, whose button, whose cache."""

from datetime import timedelta

import pytest
import time_machine
from django.conf import settings as project
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from portals.models import HubSpotAccount, Portal
from tests.conftest import signed_in
from tests.portals.vendors import Vendors
from tests.security.routes import addresses

COOKIE = project.SESSION_COOKIE_NAME
EVIL = "https://evil.example/"


def opens(session: str) -> bool:
    """Does somebody with this session's key see an account's pages?"""
    browser = Client()
    browser.cookies[COOKIE] = session
    return browser.get("/portals/").status_code == 200


# --- whose session --------------------------------------------------------------------------------------
def through_consent(vendors: Vendors, browser: Client, hub_id: int) -> HttpResponse:
    address = browser.get("/oauth/hubspot/start")["Location"]
    return browser.get("/oauth/hubspot/callback", vendors.consent(address, hub_id))  # type: ignore[return-value]


@pytest.mark.django_db
def test_a_session_fixed_beforehand_is_worth_nothing(vendors: Vendors) -> None:
    """Somebody plants a key of theirs in the victim's browser, and waits until the victim signs in with it."""
    attacker = Client()
    attacker.get("/oauth/hubspot/start")
    planted = attacker.cookies[COOKIE].value
    victim = Client()
    victim.cookies[COOKIE] = planted
    assert through_consent(vendors, victim, 1001).status_code == 302
    assert victim.cookies[COOKIE].value != planted
    assert opens(victim.cookies[COOKIE].value)
    assert not opens(planted)


@pytest.mark.django_db
def test_a_sign_in_begun_elsewhere_is_not_finished_here(vendors: Vendors) -> None:
    """Else a victim could be signed in to the attacker's account, and type their own keys there."""
    attacker, victim = Client(), Client()
    address = attacker.get("/oauth/hubspot/start")["Location"]
    victim.get("/oauth/hubspot/start")
    assert victim.get("/oauth/hubspot/callback", vendors.consent(address, 1002)).status_code == 400
    assert victim.get("/portals/").status_code == 302


@pytest.mark.django_db
def test_an_answer_of_hubspot_is_good_once(vendors: Vendors) -> None:
    browser = Client()
    answer = vendors.consent(browser.get("/oauth/hubspot/start")["Location"], 1001)
    first = browser.cookies[COOKIE].value
    assert browser.get("/oauth/hubspot/callback", answer).status_code == 302
    replay = Client()
    replay.cookies[COOKIE] = first
    assert replay.get("/oauth/hubspot/callback", answer).status_code == 400


def test_signing_out_ends_the_session_on_the_server(acme: HubSpotAccount, globex: HubSpotAccount) -> None:
    """A copy of the cookie opens nothing afterwards."""
    browser, other = signed_in(acme), signed_in(globex)
    copied = browser.cookies[COOKIE].value
    assert opens(copied)
    browser.post("/signout/")
    assert not opens(copied)
    assert opens(other.cookies[COOKIE].value)


@pytest.mark.django_db
def test_signing_in_as_somebody_else_ends_the_first_session(vendors: Vendors) -> None:
    browser = vendors.install_by_browser(1001)
    first = browser.cookies[COOKIE].value
    through_consent(vendors, browser, 1002)
    assert not opens(first)
    assert "1002" in browser.get("/portals/").content.decode()


@pytest.mark.django_db
def test_a_session_ends_twelve_hours_after_signing_in(vendors: Vendors) -> None:
    """Whatever is written into it meanwhile: whoever has a copied cookie could else keep it alive for ever."""
    signed_in_at = timezone.now()
    browser = vendors.install_by_browser(1001)
    key = browser.cookies[COOKIE].value
    with time_machine.travel(signed_in_at + timedelta(hours=11), tick=False):
        browser.get("/oauth/hubspot/start")
    ends = Session.objects.get(pk=key).expire_date
    assert ends - signed_in_at < timedelta(hours=12, minutes=1)


# --- whose button ---------------------------------------------------------------------------------------
# What has no cookie's authority: signed requests, and links whose address proves the right to press them.
NO_COOKIE = ("/webhooks/", "/unsubscribe/", "/notices/")


def test_every_post_of_a_person_needs_the_page_s_token(acme: HubSpotAccount) -> None:
    browser, tried = Client(enforce_csrf_checks=True), 0
    browser.cookies[COOKIE] = signed_in(acme).cookies[COOKIE].value
    for path, pattern in addresses():
        if getattr(pattern.callback, "csrf_exempt", False):
            assert path.startswith((*NO_COOKIE, "/api/")), f"{path} takes posts without a token"
            continue
        for method in (browser.post, browser.put, browser.patch, browser.delete):
            assert method(path, {"confirm": "yes"}).status_code == 403, path
        tried += 1
    assert tried > 40


def test_the_token_of_another_browser_and_another_site_s_page_are_refused(acme: HubSpotAccount) -> None:
    browser, other = Client(enforce_csrf_checks=True), Client(enforce_csrf_checks=True)
    for one in (browser, other):
        one.cookies[COOKIE] = signed_in(acme).cookies[COOKIE].value
        one.get("/portals/")
    token = other.cookies[project.CSRF_COOKIE_NAME].value
    assert browser.post("/signout/", {"csrfmiddlewaretoken": token}).status_code == 403
    mine = browser.cookies[project.CSRF_COOKIE_NAME].value
    hostile = {"HTTP_ORIGIN": "https://evil.example"}
    assert browser.post("/signout/", {"csrfmiddlewaretoken": mine}, **hostile).status_code == 403  # type: ignore[arg-type]
    assert browser.post("/signout/", {"csrfmiddlewaretoken": mine}).status_code == 302


@pytest.mark.django_db
def test_the_page_s_token_changes_at_sign_in(vendors: Vendors) -> None:
    browser = Client()
    browser.cookies[project.CSRF_COOKIE_NAME] = "a" * 32
    through_consent(vendors, browser, 1001)
    assert browser.cookies[project.CSRF_COOKIE_NAME].value != "a" * 32


def test_nothing_is_changed_by_looking(as_acme: Client, acme_portal: Portal) -> None:
    """A GET needs no token, so none may act: what a picture in a mail could call."""
    for path, _ in addresses():
        path = path.replace("/portals/1/", f"/portals/{acme_portal.pk}/")
        if any(
            word in path
            for word in ("pause", "resume", "remove", "erase", "leave", "lift", "disconnect", "signout")
        ):
            assert as_acme.get(path).status_code in (404, 405), path
    acme_portal.refresh_from_db()
    assert acme_portal.connected


# --- where to next --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "name", ["next", "url", "redirect", "redirect_uri", "return_to", "continue", "state"]
)
def test_no_address_leads_to_a_stranger_s(as_acme: Client, acme_portal: Portal, name: str) -> None:
    for path, _ in addresses():
        if path.startswith("/webhooks/") or "mapping" in path:
            continue
        for target in (EVIL, "//evil.example/", "/\\evil.example"):
            answer = as_acme.get(path, {name: target}, headers={"Referer": EVIL})
            where = answer.headers.get("Location", "/")
            ours = where.startswith("/") and not where.startswith(("//", "/\\"))
            assert ours or where.startswith(f"{project.HUBSPOT_APP_URL}/oauth/authorize?"), (path, where)


@pytest.mark.parametrize(
    "path", ["//evil.example/", "/\\evil.example", "/%0d%0aLocation:%20https://evil.example/", "//x//"]
)
def test_odd_paths_are_not_redirected(db: None, path: str) -> None:
    answer = Client().get("/", PATH_INFO=path)
    assert answer.status_code in (400, 404)
    assert "Location" not in answer.headers


@pytest.mark.django_db
def test_the_admin_login_leads_to_the_admin_site() -> None:
    get_user_model().objects.create_superuser("root", password="right horse battery")
    form = {"username": "root", "password": "right horse battery", "next": EVIL}
    assert "evil" not in Client().post(f"/admin/login/?next={EVIL}", form)["Location"]


# --- which host -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "127.0.0.1:80@evil.example", "", "a b"]
)
def test_another_host_is_not_answered(db: None, host: str) -> None:
    assert Client().get("/install/", headers={"Host": host}).status_code == 400


def test_what_a_proxy_could_be_made_to_forward_is_not_believed(as_acme: Client, acme_portal: Portal) -> None:
    hostile = {
        "X-Forwarded-Host": "evil.example", "X-Host": "evil.example", "Forwarded": "host=evil.example",
        "X-Forwarded-Server": "evil.example", "X-Original-URL": "/admin/", "X-Rewrite-URL": "/admin/",
    }  # fmt: skip
    for path in ("/install/", "/portals/", f"/portals/{acme_portal.pk}/settings", "/oauth/hubspot/start"):
        plain, poisoned = as_acme.get(path), as_acme.get(path, headers=hostile)
        assert poisoned.status_code == plain.status_code
        assert "evil.example" not in poisoned.content.decode() + str(poisoned.headers)


# --- whose cache ----------------------------------------------------------------------------------------
def test_no_cache_keeps_any_page(as_acme: Client, acme_portal: Portal, settings: Settings) -> None:
    """Neither a proxy for somebody else, nor the browser for who comes after signing out."""
    seen = 0
    for path, _ in addresses():
        path = path.replace("/portals/1/", f"/portals/{acme_portal.pk}/")
        if "mapping" in path or "users" in path:  # these ask a vendor first
            continue
        answer = as_acme.get(path)
        assert "no-store" in answer.headers.get("Cache-Control", ""), path
        seen += answer.status_code == 200
    assert seen > 12


@pytest.mark.parametrize("path", ["/install/", "/portals/", "/nowhere", "/admin/login/", "/portals/connect/"])
def test_every_page_forbids_frames_scripts_and_guessing(as_acme: Client, path: str) -> None:
    headers = as_acme.get(path).headers
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "*" not in headers["Content-Security-Policy"]
    assert "Access-Control-Allow-Origin" not in headers
