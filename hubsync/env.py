"""Read settings from the environment, loudly: a missing or malformed value stops the start and says what to do."""

import os
from urllib.parse import urlsplit

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
    """A comma-separated list without empty entries."""
    return [item.strip() for item in text(name, default).split(",") if item.strip()]


def origin(name: str, default: str | None = None) -> str:
    """An http(s) address without a trailing slash, a query or a password."""
    value = text(name, default).rstrip("/")
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.username:
        raise ImproperlyConfigured(
            f"{name} is {value!r}; write an address such as https://hubsync.example.com."
        )
    return value


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
