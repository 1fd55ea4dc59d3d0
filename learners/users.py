"""The HubSpot users of an account with their teams, read live, for portals that train the customer's own people."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from learners.models import Learner
from portals.clients.hubspot import HubSpot
from portals.lanes import Lane
from portals.models import Portal

# https://developers.hubspot.com/docs/api-reference/legacy/crm/objects/users/guide
PROPERTIES = (
    "hs_email",
    "hs_given_name",
    "hs_family_name",
    "hs_job_title",
    "hs_internal_user_id",
    "hs_deactivated",
)
MOST = 2000  # users and owners read for one page: 40 of HubSpot's calls at most


@dataclass(frozen=True)
class HubSpotUser:
    record_id: str
    name: str
    email: str
    job_title: str
    deactivated: bool
    teams: tuple[str, ...] = ()
    learner: Learner | None = None

    @property
    def addable(self) -> bool:
        return not self.deactivated and self.learner is None


@dataclass(frozen=True)
class Staff:
    """Everybody, by name; `invited` have been asked into HubSpot and have no user record before they accept."""

    users: list[HubSpotUser]
    invited: list[tuple[str, ...]]  # the teams of each
    more: bool

    @property
    def teams(self) -> list[str]:
        return sorted({team for user in self.users for team in user.teams}, key=str.casefold)

    def of_team(self, team: str) -> list[HubSpotUser]:
        return [user for user in self.users if team in user.teams]

    def found(self, text: str, team: str) -> list[HubSpotUser]:
        words = text.casefold().split()
        rows = self.of_team(team) if team else self.users
        return [user for user in rows if all(w in f"{user.name} {user.email}".casefold() for w in words)]

    def waiting(self, team: str) -> int:
        return sum(not team or team in teams for teams in self.invited)


def read(portal: Portal) -> Staff:
    """Both lists, joined by the user number that they share."""
    hubspot = HubSpot(portal.account, Lane.ACTIONS)
    rows = list(islice(hubspot.users(PROPERTIES), MOST + 1))
    teams = dict(_teams(islice(hubspot.owners(), MOST)))
    known = {str((row.get("properties") or {}).get("hs_internal_user_id")) for row in rows}
    learners = _learners(portal, [str(row["id"]) for row in rows])
    users = [_user(row, teams, learners) for row in rows[:MOST]]
    users.sort(key=lambda user: (user.name.casefold(), user.record_id))
    return Staff(users, [names for number, names in teams.items() if number not in known], len(rows) > MOST)


def _teams(owners: Iterable[dict[str, Any]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """User number -> names of teams. Queues are owners too, of no user."""
    for owner in owners:
        number = owner.get("userId") or owner.get("userIdIncludingInactive")
        if number and not owner.get("archived"):
            yield str(number), tuple(str(team.get("name")) for team in owner.get("teams") or [])


def _learners(portal: Portal, record_ids: list[str]) -> dict[str, Learner]:
    live = Learner.objects.filter(portal=portal, record_type=portal.record_type, record_id__in=record_ids)
    return {learner.record_id: learner for learner in live.exclude(state=Learner.State.UNLINKED)}


def _user(
    row: dict[str, Any], teams: dict[str, tuple[str, ...]], learners: dict[str, Learner]
) -> HubSpotUser:
    values = row.get("properties") or {}
    first, last, email, title = (
        str(values.get(name) or "")
        for name in ("hs_given_name", "hs_family_name", "hs_email", "hs_job_title")
    )
    return HubSpotUser(
        record_id=str(row["id"]),
        name=f"{first} {last}".strip() or email,
        email=email,
        job_title=title,
        deactivated=str(values.get("hs_deactivated")) == "true",
        teams=teams.get(str(values.get("hs_internal_user_id")), ()),
        learner=learners.get(str(row["id"])),
    )
