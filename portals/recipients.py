"""Who is told by mail when something needs a person, and the link that takes somebody off that list."""

import hashlib
import hmac

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from portals.models import HubSpotAccount


@transaction.atomic
def save(account: HubSpotAccount, emails: list[str]) -> None:
    """Replace the list. Whoever was taken off stays off when signing in again, until somebody adds them."""
    _hold(account)
    _replace(account, emails)


def _hold(account: HubSpotAccount) -> None:
    """The lists as they are now, and nobody else's to change until the transaction ends."""
    held = HubSpotAccount.objects.select_for_update(no_key=True)
    account.refresh_from_db(fields=["admin_emails", "removed_emails"], from_queryset=held)


def _replace(account: HubSpotAccount, emails: list[str]) -> None:
    wanted = {email.casefold() for email in emails}
    earlier = [*account.removed_emails, *account.admin_emails]
    account.admin_emails = emails
    account.removed_emails = list(dict.fromkeys(e for e in earlier if e.casefold() not in wanted))
    account.save(update_fields=["admin_emails", "removed_emails"])


def known(account: HubSpotAccount, email: str) -> bool:
    """Whether they are told already, or were taken off; people write one address in several ways."""
    listed = [*account.admin_emails, *account.removed_emails]
    return email.casefold() in {one.casefold() for one in listed}


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


@transaction.atomic
def unsubscribe(account: HubSpotAccount, email: str) -> None:
    _hold(account)
    _replace(account, [kept for kept in account.admin_emails if kept != email])
