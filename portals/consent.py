"""Which of the permissions that the app asks for an account has given, and what is missing without the others."""

from typing import Literal

from portals.models import HubSpotAccount
from portals.oauth import SCOPES, Scope


def missing(account: HubSpotAccount, needed: Literal["required", "conditional"]) -> list[Scope]:
    """A required one is new since the account agreed; a conditional one was left out or the account cannot give it."""
    given = set(account.scopes)
    return [scope for scope in SCOPES if scope.needed == needed and scope.name not in given]
