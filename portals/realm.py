"""Do two portals share one realm, one set of e-mail addresses? Only `/portals` of a top-level portal tells.

ASSUMPTION(learnupon-top-level): only a top-level portal lists sub-portals, and it lists the portals of its own realm only
(https://docs.learnupon.com/api/, learnupon.md 1.14). What cannot be known: a sub-portal does not say whose it is, so
two portals of which neither lists the other, with no connected portal above them, may or may not share a realm.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from portals.clients.errors import Disconnected, Refused
from portals.clients.learnupon import Credentials, LearnUpon
from portals.lanes import Lane
from portals.models import HubSpotAccount, Portal

Realm = Portal.Realm


@dataclass(frozen=True)
class Proposal:
    """A sub-portal that LearnUpon lists and that is not connected yet."""

    title: str
    subdomain: str
    region: str
    listed_by: str

    @property
    def host(self) -> str:
        return f"{self.subdomain}.{self.region}"


@dataclass(frozen=True)
class Verdict:
    """What is known about a new portal beside the account's others; `reason` says why it is not proven."""

    realm: str
    other: bool = False
    reason: str = ""
    title: str = ""


def sub_portals(portal: Credentials) -> list[dict[str, str]]:
    """The portals that this one lists below itself. One without the right to ask lists none: its keys were tried
    before, so a 401 here is about this list and not about the keys."""
    with suppress(Refused, Disconnected):
        return _read(portal, Lane.ACTIONS)
    return []


def refresh(portal: Portal, lane: str = Lane.ACTIONS) -> None:
    """Ask a connected portal for its list again; where it may not ask, or not any more, the list stays as it is."""
    with suppress(Refused, Disconnected):
        portal.sub_portals = _read(portal, lane)
        portal.save(update_fields=["sub_portals"])


def _read(portal: Credentials, lane: str) -> list[dict[str, str]]:
    rows = LearnUpon(portal, lane).sub_portals()
    found = [_named(row) for row in rows if isinstance(row, dict) and row.get("subdomain")]
    return [row for row in found if row["subdomain"] != portal.subdomain]


def _named(row: dict[str, Any]) -> dict[str, str]:
    subdomain = str(row["subdomain"]).casefold()[:63]
    return {"subdomain": subdomain, "title": str(row.get("title") or subdomain)[:255]}


def judge(account: HubSpotAccount, subdomain: str, region: str, listed: list[dict[str, str]]) -> Verdict:
    """Where a portal that lists `listed` stands beside the portals the account has already."""
    live = Portal.objects.live().filter(account=account)
    others = list(live.exclude(subdomain=subdomain, region=region))
    near = [other for other in others if other.region == region]
    for top in near:
        for row in top.sub_portals:
            if row["subdomain"] == subdomain:
                return Verdict(Realm.PROVEN, title=row["title"])
    below = {row["subdomain"] for row in listed}
    if any(other.subdomain in below for other in near):
        return Verdict(Realm.PROVEN)
    tops = [other for other in others if other.sub_portals]
    if tops and listed:
        return Verdict(Realm.UNKNOWN, True, _two_tops(tops[0], listed))
    return _unproven(others, tops)


def _two_tops(top: Portal, listed: list[dict[str, str]]) -> str:
    return (
        f"This portal belongs to another realm: it is a top-level portal of its own (LearnUpon lists {listed[0]['title']} "
        f"below it), and {top} is the top-level portal of yours. All portals of one HubSpot account belong to one realm; "
        "connect this one to another HubSpot account."
    )


def _unproven(others: list[Portal], tops: list[Portal]) -> Verdict:
    if not others:
        return Verdict(Realm.UNKNOWN)
    if tops:
        return Verdict(
            Realm.UNKNOWN, reason=f"{tops[0]} lists its sub-portals, and this one is not among them."
        )
    return Verdict(Realm.UNKNOWN, reason="None of your connected portals lists sub-portals.")


def confirm_by_lists(account: HubSpotAccount) -> None:
    """Portals that a list ties together are proven, whichever of them was connected first."""
    portals = list(Portal.objects.live().filter(account=account))
    names = {(portal.subdomain, portal.region) for portal in portals}
    proven = set()
    for top in portals:
        below = {(row["subdomain"], top.region) for row in top.sub_portals} & names
        proven |= below | ({(top.subdomain, top.region)} if below else set())
    for portal in portals:
        if (portal.subdomain, portal.region) in proven and portal.realm != Realm.PROVEN:
            portal.realm = Realm.PROVEN
            portal.save(update_fields=["realm"])


def proposals(portals: Sequence[Portal]) -> list[Proposal]:
    """Sub-portals of these portals that are not among them; from the lists kept, without asking."""
    taken = {(portal.subdomain, portal.region) for portal in portals}
    found = [
        Proposal(row["title"], row["subdomain"], top.region, str(top))
        for top in portals
        for row in top.sub_portals
        if (row["subdomain"], top.region) not in taken
    ]
    return sorted(found, key=lambda proposal: proposal.title.casefold())
