"""What needs a person, in words, on every page until it is done."""

from dataclasses import dataclass

from django.db.models import Q
from django.urls import reverse

from portals import consent
from portals.models import HubSpotAccount, Portal

APP_REFUSED = (
    "HubSpot does not accept this app's own credentials, so nothing can be read or written. You need not install again: "
    "whoever runs Hubsync must correct HUBSPOT_CLIENT_ID and HUBSPOT_CLIENT_SECRET. What arrives meanwhile is kept."
)
GONE = "HubSpot no longer lets this app in. Install it again; your portals, mappings and links are kept."


@dataclass(frozen=True)
class Banner:
    text: str
    address: str = ""
    link: str = ""

    def __str__(self) -> str:
        return self.text


def banners(account: HubSpotAccount) -> list[Banner]:
    """The account's first, then one for each portal in trouble; one query however many portals there are."""
    troubled = account.portals.live().filter(Q(state=Portal.State.DISCONNECTED) | ~Q(drift=[]))
    return _of_account(account) + [banner for portal in troubled for banner in _of_portal(portal)]


def _of_account(account: HubSpotAccount) -> list[Banner]:
    install = reverse("portals:install")
    if not account.connected:
        return [Banner(GONE, install, "Install again")]
    found = []
    if account.configuration_problem:
        found.append(Banner(account.configuration_problem))
    if new := consent.missing(account, "required"):
        names = ", ".join(scope.name for scope in new)
        text = f"This app now needs what your HubSpot account has not agreed to yet: {names}. Nothing else changes."
        found.append(Banner(text, install, "See why, and agree"))
    if account.app_object_problem:
        found.append(Banner(f"Course progress cannot be written to HubSpot: {account.app_object_problem}"))
    return found


def _of_portal(portal: Portal) -> list[Banner]:
    found = []
    if portal.state == Portal.State.DISCONNECTED:
        text = f"{portal}: LearnUpon refuses the API keys. Links, mapping and what arrives are kept."
        found.append(Banner(text, reverse("portals:settings", args=[portal.pk]), "Enter new keys"))
    broken = [drift for drift in portal.drift if drift.get("breaks")]
    if broken:
        more = f" And {len(broken) - 1} more." if len(broken) > 1 else ""
        text = f"{portal}: the mapping no longer fits. {broken[0]['text']}{more}"
        found.append(Banner(text, reverse("portals:mapping", args=[portal.pk]), "Open the mapping"))
    return found
