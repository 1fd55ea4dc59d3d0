"""Read settings from the environment, loudly: a missing or malformed value stops the start and says what to do."""

import os
import re
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
import dj_email_url
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str | None = None) -> str:
    """The value of `name`; without a default, an absent or empty value is refused."""
    value = os.environ.get(name, "").strip()
    if value:
        return value
    if default is None:
        raise ImproperlyConfigured(
            f"{name} is not set. Add it to the environment; .env.example says what it is."
        )
    return default


def flag(name: str, default: bool) -> bool:
    value = os.environ.get(name, "").strip()
    if value not in ("", "True", "False"):
        raise ImproperlyConfigured(f"{name} is {value!r}; write True or False.")
    return default if value == "" else value == "True"


def number(name: str, default: float, *, low: float, high: float) -> float:
    value = os.environ.get(name, "").strip()
    try:
        read = float(value) if value else default
    except ValueError:
        raise ImproperlyConfigured(f"{name} is {value!r}; write a number.") from None
    if not low <= read <= high:
        raise ImproperlyConfigured(f"{name} is {read:g}; it must lie between {low:g} and {high:g}.")
    return read


def items(name: str, default: str | None = None) -> list[str]:
    """A comma-separated list without empty entries; without a default, one of nothing but commas is refused."""
    found = [item.strip() for item in text(name, default).split(",") if item.strip()]
    if not found and default is None:
        raise ImproperlyConfigured(f"{name} lists nothing. Write at least one value, several with commas.")
    return found


def origin(name: str, default: str | None = None) -> str:
    """Scheme, host and port of an http(s) address; a path, a query or a password is refused."""
    value = text(name, default).rstrip("/")
    if value == default == "":
        return value
    try:
        parts = urlsplit(value)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, brackets that do not match
        fine = False
    if not fine or parts.username or value != f"{parts.scheme}://{parts.netloc}":
        raise ImproperlyConfigured(
            f"{name} is not an address; write one such as https://hubsync.example.com, without a path."
        )
    return value


def digits(name: str) -> str:
    value = text(name)
    if not re.fullmatch("[0-9]{1,18}", value):
        raise ImproperlyConfigured(f"{name} is {value!r}; write a number, digits only.")
    return value


def database(name: str) -> dict[str, Any]:
    """A PostgreSQL database; its address may hold a password, so no message quotes it."""
    value = text(name)
    try:
        found = dict(dj_database_url.parse(value, conn_max_age=600, conn_health_checks=True))
    except ValueError:
        found = {}
    if found.get("ENGINE") != "django.db.backends.postgresql":
        raise ImproperlyConfigured(
            f"{name} must name a PostgreSQL database (postgres://…); there is no other mode."
        )
    return found


def mail(name: str) -> dict[str, Any]:
    """Django's mail settings; the address may hold a password, so no message quotes it. A scheme that dj_email_url
    does not know would come back without a backend, and so without TLS: it is refused."""
    value = text(name)
    try:
        found = dict(dj_email_url.parse(value))
    except ValueError:
        found = {}
    if not found.get("EMAIL_BACKEND"):
        raise ImproperlyConfigured(
            f"{name} is not a mail server. Write submission://user:password@host:587 (with TLS) or smtp://host:25."
        )
    return found


def long_secret(name: str) -> str:
    value = text(name)
    if len(value) < 32:
        raise ImproperlyConfigured(f"{name} is too short; use at least 32 random characters.")
    return value


def fernet_keys(name: str) -> list[str]:
    """Fernet keys, newest first: the first encrypts, all of them decrypt."""
    keys = items(name)
    for position, key in enumerate(keys, start=1):
        try:
            Fernet(key.encode())
        except ValueError:
            raise ImproperlyConfigured(
                f"{name}: key number {position} is not a Fernet key. "
                'Make one with: python -c "from cryptography.fernet import Fernet as F; print(F.generate_key().decode())"'
            ) from None
    return keys
