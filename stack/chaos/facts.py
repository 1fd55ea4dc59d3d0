"""What both worlds and our database hold after a run, brought into one shape for the checks."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import orjson

from stack.chaos.database import Row
from stack.chaos.load import Contact, Load
from stack.chaos.stage import Stage
from stack.story.worlds import Snapshot, value

LOST, DOUBLED = "lost", "doubled"


@dataclass
class Check:
    """One thing that must hold: how often it was looked at, and where it did not; whether that would mean that
    something was lost, or done twice."""

    name: str
    of: int
    wrong: list[str] = field(default_factory=list)
    means: str = ""

    @property
    def passed(self) -> bool:
        return not self.wrong


Checker = Callable[["Facts"], Check]


class Facts:
    def __init__(self, stage: Stage, load: Load) -> None:
        self.stage = stage
        self.load = load
        self.world: Snapshot = stage.scene.worlds.look()
        self.requests: list[Row] = stage.scene.worlds.call("GET", "requests")["requests"]
        self.acknowledged: list[Row] = stage.scene.worlds.call("GET", "acknowledged")["requests"]
        database = stage.database
        self.deliveries = database.rows(
            "SELECT d.*, a.hub_id, p.subdomain FROM webhooks_delivery d "
            "JOIN portals_hubspotaccount a ON a.id = d.account_id LEFT JOIN portals_portal p ON p.id = d.portal_id"
        )
        self.learners = database.rows(
            "SELECT l.*, a.hub_id, p.subdomain FROM learners_learner l "
            "JOIN portals_hubspotaccount a ON a.id = l.account_id JOIN portals_portal p ON p.id = l.portal_id "
            "WHERE l.state <> 'unlinked'"
        )
        self.enrollments = database.rows(
            "SELECT e.*, a.hub_id, p.subdomain, p.number FROM learners_enrollment e "
            "JOIN portals_hubspotaccount a ON a.id = e.account_id JOIN portals_portal p ON p.id = e.portal_id"
        )
        self.reviews = database.rows(
            "SELECT r.*, p.subdomain FROM learners_reviewitem r JOIN portals_portal p ON p.id = r.portal_id"
        )
        self.erasures = database.rows("SELECT * FROM gdpr_erasure")
        portals = database.rows("SELECT id, subdomain, number, webhook_id::text FROM portals_portal")
        self.numbers = {row["subdomain"]: row["number"] for row in portals}
        self.portal_of_hook = {row["webhook_id"]: row["id"] for row in portals}

    def keep(self, path: Path) -> None:
        """What was judged, for whoever looks into a run that failed: the next one begins anew."""
        names = ("deliveries", "learners", "enrollments", "reviews", "erasures", "requests")
        kept = {name: getattr(self, name) for name in names}
        path.write_bytes(orjson.dumps({**self.world.parts, **kept}, default=str))

    @cached_property
    def live_contacts(self) -> dict[tuple[int, str], Row]:
        rows = self.world.parts["contacts"]
        return {(row["account"], row["id"]): row for row in rows if not row["archived"]}

    @cached_property
    def erased(self) -> list[Contact]:
        everybody = [*self.load.contacts, *self.load.bystanders]
        return [one for one in everybody if one.gone == "erased"]

    @cached_property
    def linked(self) -> dict[tuple[str, int], Row]:
        """Active learners whose record is there, by LearnUpon user."""
        return {
            (row["subdomain"], row["learnupon_user_id"]): row
            for row in self.learners
            if row["state"] == "active" and (row["hub_id"], row["record_id"]) in self.live_contacts
        }

    @cached_property
    def users(self) -> dict[tuple[str, int], Row]:
        return {(row["portal"], row["id"]): row for row in self.world.parts["learnupon_users"]}

    @cached_property
    def records(self) -> dict[tuple[int, str], list[Row]]:
        """App-object records that are not archived, by account and key."""
        found: dict[tuple[int, str], list[Row]] = defaultdict(list)
        for row in self.world.parts["app_objects"]:
            if not row["archived"]:
                found[row["account"], value(row, "enrollment_key")].append(row)
        return found

    @cached_property
    def tied(self) -> dict[tuple[int, str], set[str]]:
        """Record ids associated with each record id, either way."""
        found: dict[tuple[int, str], set[str]] = defaultdict(set)
        for row in self.world.parts["associations"]:
            ends = str(row["fromObjectId"]), str(row["toObjectId"])
            found[row["account"], ends[0]].add(ends[1])
            found[row["account"], ends[1]].add(ends[0])
        return found

    @cached_property
    def by_callback(self) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = defaultdict(list)
        for row in self.deliveries:
            if row["callback_id"]:
                found[row["callback_id"]].append(row)
        return found

    @cached_property
    def outcomes(self) -> Counter[str]:
        return Counter(row["outcome"] for row in self.deliveries if row["callback_id"])

    @cached_property
    def first_addresses(self) -> dict[tuple[int, str], set[str]]:
        """The addresses of each contact and of those that were merged into it."""
        found: dict[tuple[int, str], set[str]] = defaultdict(set)
        for one in [*self.load.contacts, *self.load.bystanders]:
            found[one.account, one.into or one.id].update(one.addresses)
        return found

    def key(self, portal: str, enrollment_id: int) -> str:
        return f"{self.numbers[portal]}:{enrollment_id}"
