"""Who is told by mail when something needs a person, and the link that takes somebody off that list."""

import hashlib
import hmac

from django.conf import settings
from django.urls import reverse

from portals.models import HubSpotAccount


def save(account: HubSpotAccount, emails: list[str]) -> None:
    """Replace the list. Whoever was taken off stays off when signing in again, until somebody adds them."""
    gone = [email for email in account.admin_emails if email not in emails]
    removed = [email for email in account.removed_emails if email not in emails]
    account.admin_emails, account.removed_emails = emails, list(dict.fromkeys([*removed, *gone]))
    account.save(update_fields=["admin_emails", "removed_emails"])


def unsubscribe_url(account: HubSpotAccount, email: str) -> str:
    """For the foot of a mail. It carries a keyed hash, because an e-mail has no place in an address."""
    address = reverse("portals:unsubscribe", args=[account.pk, token(account, email)])
    return f"{settings.PUBLIC_URL}{address}"


def token(account: HubSpotAccount, email: str) -> str:
    message = f"unsubscribe\x1f{account.pk}\x1f{email}".encode()
    return hmac.new(settings.SECRET_KEY.encode(), message, hashlib.sha256).hexdigest()


def whose(account: HubSpotAccount, given: str) -> str | None:
    """The recipient whom a link is about; None when the link is wrong or the person is off the list already."""
    for email in account.admin_emails:
        if hmac.compare_digest(token(account, email).encode(), given.encode()):
            return str(email)
    return None


def unsubscribe(account: HubSpotAccount, email: str) -> None:
    save(account, [kept for kept in account.admin_emails if kept != email])
