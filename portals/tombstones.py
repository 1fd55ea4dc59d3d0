"""Recognising people who asked to be forgotten, without keeping who they were.

A tombstone is an HMAC under TOMBSTONE_KEY, which is never rotated: with another key, the dead would be strangers.
"""

import hashlib
import hmac
from collections.abc import Iterable

from django.conf import settings
from django.db import connection

from portals.models import HubSpotAccount, Tombstone


def digest(hub_id: int, kind: str, record_type: str, value: str) -> bytes:
    """Separate per account and kind, so that equal people of two accounts do not look equal."""
    message = "\x1f".join((str(hub_id), kind, record_type, value)).encode()
    return hmac.new(settings.TOMBSTONE_KEY.encode(), message, hashlib.sha256).digest()


def record_digest(account: HubSpotAccount, record_type: str, record_id: str) -> bytes:
    return digest(account.hub_id, Tombstone.Kind.RECORD, record_type, record_id)


def email_digest(account: HubSpotAccount, record_type: str, email: str) -> bytes:
    return digest(account.hub_id, Tombstone.Kind.EMAIL, record_type, email.strip().casefold())


def hold(account: HubSpotAccount, record_type: str, record_id: str) -> None:
    """Until the transaction ends, nobody else makes or erases what is about this record: whoever makes a link looks
    for a tombstone under the same lock."""
    key = record_digest(account, record_type, record_id).hex()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])


def bury(account: HubSpotAccount, record_type: str, record_id: str, emails: set[str]) -> None:
    digests = [(Tombstone.Kind.RECORD, record_digest(account, record_type, record_id))]
    digests += [
        (Tombstone.Kind.EMAIL, email_digest(account, record_type, email)) for email in emails if email
    ]
    Tombstone.objects.bulk_create(
        [Tombstone(hub_id=account.hub_id, kind=k, record_type=record_type, digest=d) for k, d in digests],
        ignore_conflicts=True,
    )


def dig_up(account: HubSpotAccount, record_type: str, value: bytes) -> None:
    """Forget that a record was erased, by the digest its receipt carries."""
    Tombstone.objects.filter(
        hub_id=account.hub_id, kind=Tombstone.Kind.RECORD, record_type=record_type, digest=value
    ).delete()


def record_is_erased(account: HubSpotAccount, record_type: str, record_id: str) -> bool:
    """A record that was erased stays blocked for ever, whoever asks."""
    return _exists(
        account, record_type, Tombstone.Kind.RECORD, record_digest(account, record_type, record_id)
    )


def email_is_erased(account: HubSpotAccount, record_type: str, email: str) -> bool:
    """An erased person's e-mail is blocked for automatic matching; a record added on purpose is a new link."""
    return _exists(account, record_type, Tombstone.Kind.EMAIL, email_digest(account, record_type, email))


def erased_emails(account: HubSpotAccount, record_type: str, emails: Iterable[str]) -> set[str]:
    """Which of these e-mails belong to somebody erased, in one query."""
    digests = {email_digest(account, record_type, email): email for email in emails}
    found = Tombstone.objects.filter(
        hub_id=account.hub_id, kind=Tombstone.Kind.EMAIL, record_type=record_type, digest__in=list(digests)
    )
    return {digests[bytes(value)] for value in found.values_list("digest", flat=True)}


def _exists(account: HubSpotAccount, record_type: str, kind: str, value: bytes) -> bool:
    return Tombstone.objects.filter(
        hub_id=account.hub_id, kind=kind, record_type=record_type, digest=value
    ).exists()
