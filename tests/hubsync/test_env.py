"""Settings from the environment: a wrong value stops the start, says what to do, and shows no secret."""

import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from hubsync import env

ROOT = Path(__file__).resolve().parents[2]
KEY = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
READERS: list[tuple[Callable[[str], Any], str, Any]] = [
    (env.text, " x ", "x"),
    (lambda name: env.flag(name, default=False), "True", True),
    (lambda name: env.flag(name, default=True), "", True),
    (lambda name: env.number(name, 1.0, low=0, high=10), "2.5", 2.5),
    (lambda name: env.number(name, 1.0, low=0, high=10), " ", 1.0),
    (env.items, "new, old,", ["new", "old"]),
    (env.origin, "https://a.example/", "https://a.example"),
    (env.origin, "http://127.0.0.1:8000", "http://127.0.0.1:8000"),
    (env.digits, "12345", "12345"),
    (env.long_secret, "s" * 32, "s" * 32),
    (env.fernet_keys, f"{KEY},{KEY}", [KEY, KEY]),
]


@pytest.mark.parametrize(("read", "value", "wanted"), READERS)
def test_what_is_read(
    monkeypatch: pytest.MonkeyPatch, read: Callable[[str], Any], value: str, wanted: Any
) -> None:
    monkeypatch.setenv("A_NAME", value)
    assert read("A_NAME") == wanted


number = lambda name: env.number(name, 1.0, low=0, high=10)  # noqa: E731
flag = lambda name: env.flag(name, default=False)  # noqa: E731
REFUSED: list[tuple[Callable[[str], Any], str | None, str]] = [
    (env.text, None, "Add it to the environment"),
    (env.text, "  ", "Add it to the environment"),
    (flag, "true", "True or False"),
    (flag, "1", "True or False"),
    (number, "ten", "write a number"),
    (number, "11", "between 0 and 10"),
    (number, "nan", "between 0 and 10"),
    (number, "inf", "between 0 and 10"),
    (env.items, " , ,", "at least one value"),
    (env.fernet_keys, ",", "at least one value"),
    (env.fernet_keys, f"{KEY},short", "key number 2"),
    (env.fernet_keys, "é" * 44, "key number 1"),
    (env.long_secret, "s" * 31, "at least 32"),
    (env.digits, "app-1", "digits only"),
    (env.digits, "²", "digits only"),
    *((env.origin, value, "such as https://") for value in (
        "hubsync.example.com", "ftp://a.example", "https://", "https://a.example/path", "https://a.example?x=1",
        "https://user:password@a.example", "https://a.example:port", "https://[::1", "https://a.example#x", "//a.example",
    )),
    *((env.database, value, "PostgreSQL") for value in ("sqlite:///x", "mysql://a/b", "nonsense", "postgres")),
    *((env.mail, value, "mail server") for value in ("mail.example.com", "foo://host", "smtp+tls://u:p@h", "smtp://u:p@h:port")),
]  # fmt: skip


@pytest.mark.parametrize(("read", "value", "says"), REFUSED)
def test_what_is_refused(
    monkeypatch: pytest.MonkeyPatch, read: Callable[[str], Any], value: str | None, says: str
) -> None:
    monkeypatch.delenv("A_NAME", raising=False)
    if value is not None:
        monkeypatch.setenv("A_NAME", value)
    with pytest.raises(ImproperlyConfigured) as caught:
        read("A_NAME")
    message = str(caught.value)
    assert "A_NAME" in message
    assert says in message


@pytest.mark.parametrize(
    ("read", "value"),
    [(env.database, "mysql://u:hunter2@h/d"), (env.mail, "x://u:hunter2@h"), (env.origin, "https://u:hunter2@h"),
     (env.long_secret, "hunter2"), (env.fernet_keys, "hunter2")],
)  # fmt: skip
def test_a_refusal_shows_no_secret(
    monkeypatch: pytest.MonkeyPatch, read: Callable[[str], Any], value: str
) -> None:
    monkeypatch.setenv("A_NAME", value)
    with pytest.raises(ImproperlyConfigured) as caught:
        read("A_NAME")
    assert "hunter2" not in str(caught.value)


# --- the whole settings file, as a process reads it ------------------------------------------------------
PRODUCTION = {
    "SECRET_KEY": "s" * 50, "TOMBSTONE_KEY": "t" * 50, "ENCRYPTION_KEYS": KEY, "PUBLIC_URL": "https://hubsync.example.com",
    "HUBSPOT_APP_ID": "12345", "HUBSPOT_CLIENT_ID": "c", "HUBSPOT_CLIENT_SECRET": "d",
    "DATABASE_URL": "postgres://u:p@127.0.0.1/d", "REDIS_URL": "redis://127.0.0.1/0",
    "EMAIL_URL": "submission://u:p@mail.example.com:587", "DEFAULT_FROM_EMAIL": "a@example.com",
}  # fmt: skip


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Read the settings file anew under exactly these variables."""

    def run(**changes: str | None) -> dict[str, Any]:
        for name in {*os.environ, *PRODUCTION, *changes}:
            if name.isupper():
                monkeypatch.delenv(name, raising=False)
        for name, value in (PRODUCTION | changes).items():
            if value is not None:
                monkeypatch.setenv(name, value)
        return runpy.run_path(str(ROOT / "hubsync" / "settings.py"))

    return run


Start = Callable[..., dict[str, Any]]


def test_a_process_without_settings_does_not_start() -> None:
    ended = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert ended.returncode != 0
    assert "SECRET_KEY is not set. Add it to the environment" in ended.stderr


def test_the_database_is_spoken_to_as_its_address_says(start: Start) -> None:
    """Would catch: a certificate that nobody looks at though DATABASE_URL asks for it."""
    read = start(
        DATABASE_URL="postgres://u:p@db.example/d?sslmode=verify-full&sslrootcert=/etc/ca.pem&options=-c%20a=b"
    )
    options = read["DATABASES"]["default"]["OPTIONS"]
    assert (options["sslmode"], options["sslrootcert"]) == ("verify-full", "/etc/ca.pem")
    assert options["options"].endswith(" -c a=b")
    assert "random_page_cost" in options["options"]


def test_mail_goes_out_with_tls(start: Start) -> None:
    settings = start()
    assert settings["EMAIL_USE_TLS"]
    assert settings["EMAIL_TIMEOUT"]


def test_production_is_locked_down(start: Start) -> None:
    settings = start()
    assert settings["ALLOWED_HOSTS"] == ["hubsync.example.com"]
    assert settings["SESSION_COOKIE_SECURE"]
    assert settings["CSRF_COOKIE_SECURE"]
    assert settings["SECURE_SSL_REDIRECT"]
    assert not settings["DEBUG"]


@pytest.mark.parametrize("changes", [{}, {"DEBUG": "True", "PUBLIC_URL": "http://127.0.0.1:8000", "RETRY_SCALE": "0.01",
                                          "HUBSPOT_API_URL": "http://127.0.0.1:9000",
                                          "LEARNUPON_URL": "http://127.0.0.1:9001/{subdomain}"}])  # fmt: skip
def test_settings_that_are_right_start(start: Start, changes: dict[str, str]) -> None:
    assert start(**changes)["HUBSPOT_CLIENT_SECRETS"] == ["d"]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("HUBSPOT_API_URL", "http://127.0.0.1:9000", "only https://api.hubapi.com"),
        ("HUBSPOT_API_URL", "http://api.hubapi.com", "only https://api.hubapi.com"),
        ("HUBSPOT_API_URL", "https://api.hubapi.com:8443", "only https://api.hubapi.com"),
        ("HUBSPOT_APP_URL", "http://127.0.0.1:9000", "only https://app.hubspot.com"),
        ("LEARNUPON_URL", "http://127.0.0.1:9001/{subdomain}", "only with DEBUG on"),
        ("RETRY_SCALE", "0.5", "leave it out with DEBUG off"),
        ("PUBLIC_URL", "http://hubsync.example.com", "must be https"),
        ("REDIS_URL", "http://127.0.0.1", "redis://"),
        *((name, None, f"{name} is not set") for name in PRODUCTION),
    ],
)
def test_what_stops_the_start_in_production(start: Start, name: str, value: str | None, says: str) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        start(**{name: value})
    assert says in str(caught.value)
