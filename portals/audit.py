"""The trail of what admins did on our pages, and operators in theirs. Details name settings and our own row numbers,
never people."""

from typing import Any

from portals.models import AuditEntry, HubSpotAccount, Portal


def record(
    account: HubSpotAccount, actor: str, action: str, portal: Portal | None = None, **details: Any
) -> None:
    AuditEntry.objects.create(
        account=account, portal=portal, actor=actor[:255], action=action, details=details
    )
