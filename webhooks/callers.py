"""The account a workflow's request came from, and which of its portals is meant."""

import time
from dataclasses import dataclass

from hubsync.postgresql import run_prepared
from portals.models import Portal

NO_PORTAL = (
    "Choose a LearnUpon portal in this workflow step: this HubSpot account has several or none connected."
)
OTHER_PORTAL = "The LearnUpon portal named in this workflow step is not connected to this HubSpot account."
# HubSpot sends an account's requests in bursts; what is asked once a second need not be asked for each of them.
KEPT_SECONDS = 1.0
MOST_KEPT = 10_000


@dataclass(frozen=True)
class Caller:
    account_id: int
    hub_id: int
    waits: bool  # for our callbacks: the scope was granted
    portals: tuple[tuple[str, int], ...]  # live ones: subdomain and id

    def portal(self, subdomain: str) -> tuple[int | None, str]:
        """The id of the portal that is meant, or what is wrong in words."""
        if not subdomain:
            return (self.portals[0][1], "") if len(self.portals) == 1 else (None, NO_PORTAL)
        wanted = subdomain.strip().casefold()
        found = next((number for name, number in self.portals if name == wanted), None)
        return found, "" if found else OTHER_PORTAL


_SELECT = f"""
SELECT a.id, jsonb_exists(a.scopes, 'automation'), p.subdomain, p.id FROM portals_hubspotaccount a
LEFT JOIN portals_portal p ON p.account_id = a.id AND p.state <> '{Portal.State.REMOVED}' WHERE a.hub_id = $1
"""  # noqa: S608  (a constant of ours)
_kept: dict[int, tuple[Caller, float]] = {}


def caller(hub_id: int, subdomain: str) -> Caller | None:
    """None for an account that has not installed the app. One that was known a moment ago, with the portal that is
    meant, is not read again: what was connected meanwhile counts at once, what was removed after KEPT_SECONDS, as if
    the request had come that much earlier."""
    known, until = _kept.get(hub_id, (None, 0.0))
    if known and until > time.monotonic() and not known.portal(subdomain)[1]:
        return known
    found = _read(hub_id)
    if len(_kept) >= MOST_KEPT:
        _kept.clear()
    if found:
        _kept[hub_id] = (found, time.monotonic() + KEPT_SECONDS)
    return found


def _read(hub_id: int) -> Caller | None:
    rows = run_prepared("caller", _SELECT, hub_id)
    if not rows:
        return None
    account_id, waits, *_ = rows[0]
    return Caller(account_id, hub_id, waits, tuple((name, number) for _, _, name, number in rows if number))
