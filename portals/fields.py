"""A text column that is encrypted at rest under ENCRYPTION_KEYS: the newest key encrypts, all keys decrypt."""

import hashlib
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models

VERSION = "v1"


def key_id(key: str) -> str:
    """Names a key without telling anything about it: what a stored value carries to say which key opens it."""
    return hashlib.sha256(b"hubsync key id\x1f" + key.encode()).hexdigest()[:8]


def mark(key: str) -> str:
    """How every value that this key encrypted begins."""
    return f"{VERSION}.{key_id(key)}."


@lru_cache(maxsize=4)
def _openers(keys: tuple[str, ...]) -> tuple[dict[str, Fernet], MultiFernet]:
    """By mark; and all together, for values stored before values were marked."""
    by_mark = {mark(key): Fernet(key.encode()) for key in keys}
    return by_mark, MultiFernet(list(by_mark.values()))


def encrypt(text: str) -> str:
    """`v1.<key id>.<Fernet token>`, under the newest key."""
    newest = mark(settings.ENCRYPTION_KEYS[0])
    by_mark, _ = _openers(tuple(settings.ENCRYPTION_KEYS))
    return newest + by_mark[newest].encrypt(text.encode()).decode()


def decrypt(stored: str) -> str:
    """What was encrypted. A value no key opens raises InvalidToken: passing it on undecrypted would hide a lost key."""
    by_mark, unmarked = _openers(tuple(settings.ENCRYPTION_KEYS))
    head, found, token = stored.rpartition(".")
    if not found:
        return unmarked.decrypt(stored.encode()).decode()
    opener = by_mark.get(f"{head}.")
    if opener is None:
        raise InvalidToken
    return opener.decrypt(token.encode()).decode()


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]  # not generic when it runs
    """Empty stays empty; anything else is stored encrypted."""

    def get_prep_value(self, value: Any) -> Any:
        text = super().get_prep_value(value)
        return encrypt(text) if text else text

    def from_db_value(self, value: str | None, *args: Any) -> str | None:
        return decrypt(value) if value else value
