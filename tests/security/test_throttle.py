"""Guessing is slow: for all processes together, for each alone while Redis is away, and never for those who may."""

import hashlib
import hmac
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.contrib.auth.models import User
from django.test import Client, RequestFactory, override_settings
from django.urls import URLResolver, get_resolver
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from portals import operators, throttle
from portals.clients import limiter
from portals.models import HubSpotAccount, Portal
from portals.throttle import Limit, Rule
from tests.conftest import signed_in


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same rules with numbers that a test reaches."""
    sign_in = Rule("sign-in", address=Limit(3, 60))
    keys = Rule("keys", address=Limit(4, 600), account=Limit(2, 600))
    admin = Rule("admin", address=Limit(3, 300), name=Limit(2, 900))
    for (method, name), rule in {
        ("GET", "portals:start"): sign_in,
        ("GET", "portals:callback"): sign_in,
        ("POST", "portals:connect"): keys,
        ("POST", "portals:keys"): keys,
        ("POST", "admin:login"): admin,
        ("POST", "admin:password_change"): admin,
    }.items():
        assert throttle.RULES[method, name].bucket == rule.bucket
        monkeypatch.setitem(throttle.RULES, (method, name), rule)
    monkeypatch.setattr(throttle, "UNSIGNED", Rule("unsigned", address=Limit(2, 60)))


@pytest.fixture
def redis_is_away(settings: Settings) -> Iterator[None]:
    """A port nobody listens on."""
    limiter.store.cache_clear()
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    yield
    limiter.store.cache_clear()


# --- signing in -----------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_signing_in_too_often_says_so_and_when_to_come_back() -> None:
    assert [Client().get("/oauth/hubspot/start").status_code for _ in range(4)] == [302, 302, 302, 429]
    answer = Client().get("/oauth/hubspot/callback?code=guessed&state=guessed")
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 60
    assert "Try again in 1 minute" in answer.content.decode()


@pytest.mark.django_db
def test_another_address_is_not_held_for_it() -> None:
    for _ in range(4):
        Client().get("/oauth/hubspot/start", REMOTE_ADDR="192.0.2.1")
    assert Client().get("/oauth/hubspot/start", REMOTE_ADDR="192.0.2.1").status_code == 429
    assert Client().get("/oauth/hubspot/start", REMOTE_ADDR="192.0.2.2").status_code == 302


@pytest.mark.django_db
def test_what_others_counted_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process has none of this one's memory, only Redis."""
    for _ in range(3):
        Client().get("/oauth/hubspot/start")
    monkeypatch.setattr(throttle, "_here", {})
    assert Client().get("/oauth/hubspot/start").status_code == 429


@pytest.mark.django_db
def test_the_count_ends_with_its_window() -> None:
    for _ in range(4):
        Client().get("/oauth/hubspot/start")
    for key in limiter.store().scan_iter(f"{throttle.PREFIX}:*"):
        assert 0 < limiter.store().ttl(key) <= 60  # it goes by itself
        limiter.store().delete(key)
    assert Client().get("/oauth/hubspot/start").status_code == 302


@pytest.mark.django_db
def test_without_redis_people_sign_in_and_guessing_stays_slow(redis_is_away: None) -> None:
    assert [Client().get("/oauth/hubspot/start").status_code for _ in range(5)] == [302, 302, 302, 429, 429]


@pytest.mark.django_db
def test_a_redis_that_does_not_answer_is_not_asked_by_every_request(
    redis_is_away: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    plain = redis.Redis.eval

    def counted(store: redis.Redis, *arguments: Any) -> Any:
        asked.append("once")
        return plain(store, *arguments)

    monkeypatch.setattr(redis.Redis, "eval", counted)
    for _ in range(3):
        Client().get("/oauth/hubspot/start")
    assert asked == ["once"]


def test_this_process_alone_remembers_no_more_than_it_must(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "MOST_REMEMBERED", 10)
    monkeypatch.setattr(throttle, "_here", {})
    for number in range(100):
        throttle._own(f"key-{number}", Limit(1, 60))
    assert len(throttle._here) <= 10


# --- connecting -----------------------------------------------------------------------------------------
def test_keys_are_guessed_twice_and_not_again(
    as_acme: Client, as_globex: Client, acme_portal: Portal
) -> None:
    """Connecting and replacing keys are two doors to one lock."""
    form = {"api_key": "", "api_secret": ""}
    assert as_acme.post("/portals/connect/", form).status_code == 200
    assert as_acme.post(f"/portals/{acme_portal.pk}/settings/keys", form).status_code == 200
    assert as_acme.post("/portals/connect/", form).status_code == 429
    assert as_acme.get("/portals/connect/").status_code == 200  # looking is no guess
    assert as_globex.post("/portals/connect/", form).status_code == 200


def test_one_address_with_many_accounts_guesses_no_more(
    as_acme: Client, as_globex: Client, acme: HubSpotAccount
) -> None:
    answers = [c.post("/portals/connect/", {}).status_code for c in (as_acme, as_globex) * 2]
    assert answers == [200] * 4
    assert as_globex.post("/portals/connect/", {}).status_code == 429


def test_moving_to_another_address_does_not_help_an_account(
    acme: HubSpotAccount, acme_portal: Portal
) -> None:
    for number in range(3):
        last = signed_in(acme).post("/portals/connect/", {}, REMOTE_ADDR=f"192.0.2.{number}")
    assert last.status_code == 429


# --- the admin site ---------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_admin_passwords_are_not_guessed_by_name_from_many_addresses() -> None:
    User.objects.create_superuser("Root", password="right horse battery")
    guess = {"username": "root", "password": "wrong"}
    for number in range(2):
        assert Client().post("/admin/login/", guess, REMOTE_ADDR=f"192.0.2.{number}").status_code == 200
    answer = Client().post("/admin/login/", guess | {"username": "ROOT"}, REMOTE_ADDR="192.0.2.9")
    assert answer.status_code == 429


@pytest.mark.django_db
@pytest.mark.parametrize("typed", [" root", "root\t", "\u2003root", "\uff52oot", " " * 300 + "root"])
def test_a_name_is_one_however_it_is_typed(typed: str) -> None:
    """Django's login strips and normalizes it: each of these would open the same account."""
    User.objects.create_superuser("root", password="right horse battery")
    right = {"username": typed, "password": "right horse battery"}
    assert Client().post("/admin/login/", right, REMOTE_ADDR="192.0.2.7").status_code == 302
    Client().post("/admin/login/", {"username": "root", "password": "x"}, REMOTE_ADDR="192.0.2.8")
    assert Client().post("/admin/login/", right, REMOTE_ADDR="192.0.2.9").status_code == 429


@pytest.mark.django_db
def test_many_names_from_one_address_are_not_tried() -> None:
    answers = [
        Client().post("/admin/login/", {"username": f"name{n}", "password": "x"}).status_code
        for n in range(4)
    ]
    assert answers == [200, 200, 200, 429]


@pytest.mark.django_db
def test_a_stolen_session_does_not_guess_the_password_either() -> None:
    """The page behind the login asks for the old password, and no name that is posted there makes it another's."""
    person = User.objects.create_superuser("Root", password="right horse battery")
    answers = []
    for number in range(3):
        guess = {"username": f"name{number}", "old_password": "wrong"}
        client = operator(person, f"192.0.2.{number}")
        answers.append(client.post("/admin/password_change/", guess).status_code)
    assert answers == [200, 200, 429]
    login = {"username": "root", "password": "wrong"}
    assert Client().post("/admin/login/", login, REMOTE_ADDR="192.0.2.9").status_code == 429


@pytest.mark.django_db
def test_strangers_keep_nobody_from_changing_a_password() -> None:
    """They have no password to guess there, only a way to the login."""
    person = User.objects.create_superuser("Root", password="right horse battery")
    for number in range(4):
        sent = Client().post("/admin/password_change/", {}, REMOTE_ADDR=f"192.0.2.{number}")
        assert sent.status_code == 302
    assert operator(person, "192.0.2.9").post("/admin/password_change/", {}).status_code == 200


def operator(person: User, address: str) -> Client:
    """Signed in already: the login would count too."""
    client = Client(REMOTE_ADDR=address)
    client.force_login(person)
    client.cookies[operators.COOKIE] = client.cookies["hubsync_session"].value
    return client


# --- LearnUpon's addresses ----------------------------------------------------------------------------------
UNKNOWN = "/webhooks/learnupon/00000000-0000-4000-8000-000000000000"


@pytest.mark.django_db
def test_trying_addresses_is_slowed_down_in_the_contracts_words() -> None:
    answers = [Client().post(UNKNOWN, b"{}", content_type="application/json") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert answers[2].json()["error"] == "throttled"
    assert int(answers[2]["Retry-After"]) > 0


def test_one_portal_with_a_wrong_secret_does_not_shut_out_another(
    acme_portal: Portal, globex_portal: Portal
) -> None:
    """All of LearnUpon's webhooks come from the same addresses."""
    body = b'{"data": []}'
    for _ in range(5):
        refused = Client().post(f"/webhooks/learnupon/{acme_portal.webhook_id}", body, "application/json")
    assert refused.status_code == 429
    key = globex_portal.webhook_secret.encode()
    right = {"X-Webhook-Signature": hmac.new(key, body, hashlib.sha256).hexdigest()}
    address = f"/webhooks/learnupon/{globex_portal.webhook_id}"
    assert Client().post(address, body, "application/json", headers=right).status_code == 200


# --- who is at the other end ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("proxies", "forwarded", "seen"),
    [
        (0, "203.0.113.9", "10.0.0.1"),  # nobody of ours wrote it
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "198.51.100.1, 203.0.113.9", "203.0.113.9"),  # the caller wrote the first
        (2, "198.51.100.1, 203.0.113.9, 10.1.1.1", "203.0.113.9"),
        (2, "203.0.113.9", "10.0.0.1"),  # came past a proxy
        (1, "", "10.0.0.1"),
        (1, "203.0.113.9:4711", "203.0.113.9"),
        (1, "[2001:db8:1:2:3:4:5:6]:443", "2001:db8:1:2::"),
        (1, "2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
        (1, "::ffff:203.0.113.9", "203.0.113.9"),
        (1, "unknown", "10.0.0.1"),
        (1, "\x00; DROP TABLE", "10.0.0.1"),
    ],
)
def test_whose_address_is_believed(settings: Settings, proxies: int, forwarded: str, seen: str) -> None:
    settings.PROXY_COUNT = proxies
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR=forwarded)
    assert throttle.client_address(request) == seen


@given(forwarded=st.text(max_size=60))
def test_no_header_a_caller_writes_changes_what_the_last_proxy_saw(forwarded: str) -> None:
    """Else every request could come from an address of its own."""
    header = f"{forwarded}, 203.0.113.9"
    with override_settings(PROXY_COUNT=1):
        request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR=header)
        assert throttle.client_address(request) == "203.0.113.9"


@pytest.mark.django_db
def test_redis_is_told_no_address_and_no_name() -> None:
    Client().post("/admin/login/", {"username": "homer", "password": "x"}, REMOTE_ADDR="192.0.2.77")
    keys = list(limiter.store().scan_iter(f"{throttle.PREFIX}:*"))
    assert len(keys) == 2
    assert not any("homer" in key or "192.0.2.77" in key for key in keys)


def test_every_rule_is_about_an_address_there_is() -> None:
    """A renamed view would silently lose its limit."""
    names = {name for _, name in throttle.RULES}
    assert names == {name for name in names if name in known_views()}


def known_views() -> set[str]:
    found: set[str] = set()

    def walk(resolver: URLResolver, space: str) -> None:
        inside = ":".join(part for part in (space, resolver.namespace) if part)
        for pattern in resolver.url_patterns:
            if isinstance(pattern, URLResolver):
                walk(pattern, inside)
            elif pattern.name:
                found.add(f"{inside}:{pattern.name}" if inside else pattern.name)

    walk(get_resolver(), "")
    return found
