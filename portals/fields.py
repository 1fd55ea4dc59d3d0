"""A text column that is encrypted at rest under ENCRYPTION_KEYS: the newest key encrypts, all keys decrypt."""

from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.db import models


@lru_cache(maxsize=4)
def _ring(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key.encode()) for key in keys])


def ring() -> MultiFernet:
    return _ring(tuple(settings.ENCRYPTION_KEYS))


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]  # not generic when it runs
    """Empty stays empty; anything else is stored as a Fernet token. A value no key opens raises InvalidToken:
    passing it on undecrypted would hide a lost key."""

    def get_prep_value(self, value: Any) -> Any:
        text = super().get_prep_value(value)
        return ring().encrypt(text.encode()).decode() if text else text

    def from_db_value(self, value: str | None, *args: Any) -> str | None:
        return ring().decrypt(value.encode()).decode() if value else value
