"""The sandbox as the story sees it: what both worlds hold, and the levers that stand for people and vendors."""

import re
from dataclasses import dataclass
from typing import Any

import requests

from stack.environment import APP_ID
from stack.story.judge import CheckFailed

Row = dict[str, Any]
TIMEOUT = (5, 30)
PLAIN_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[a-z]+", re.IGNORECASE)
PUBLISHED = 2
# HubSpot puts the app's id before the names of an app object's properties.
PREFIX = f"a{APP_ID}_"


class Worlds:
    def __init__(self, address: str) -> None:
        self.address = address
        self._session = requests.Session()
        self._session.trust_env = False  # No proxy for addresses on this machine.

    def call(self, method: str, what: str, body: Row | None = None) -> Any:
        answer = self._session.request(method, f"{self.address}/_sandbox/{what}", json=body, timeout=TIMEOUT)
        if not answer.ok:
            raise CheckFailed(f"the sandbox answered {answer.status_code} to {what}: {answer.text[:200]}")
        return answer.json()

    def look(self, *parts: str) -> "Snapshot":
        """Both worlds at this moment, or only those parts of them."""
        return Snapshot(self.call("GET", f"world?only={','.join(parts)}"))

    def run_workflow(self, account: int, action: str, people: list[Row], inputs: Row) -> list[str]:
        """The callback ids of the runs it started."""
        ids = [person["id"] for person in people]
        body = {"account": account, "action": action, "record_ids": ids, "inputs": inputs}
        started: list[str] = self.call("POST", "workflow", body)["callback_ids"]
        return started

    def enroll(self, portal: str, user_id: int, course_id: int) -> int:
        row = self.call("POST", "enroll", {"portal": portal, "user_id": user_id, "course_id": course_id})
        return int(row["id"])

    def progress(self, portal: str, enrollment_id: int, status: str, percentage: float) -> None:
        body = {"portal": portal, "enrollment_id": enrollment_id, "status": status}
        self.call("POST", "progress", body | {"percentage": percentage, "percentage_complete": 100})


@dataclass(frozen=True)
class Snapshot:
    parts: dict[str, list[Row]]

    def contacts(self, account: int) -> list[Row]:
        return [row for row in self.parts["contacts"] if row["account"] == account]

    def callbacks(self, ids: list[str]) -> list[Row]:
        wanted = set(ids)
        return [row for row in self.parts["callbacks"] if row["callback_id"] in wanted]

    def learners(self, portal: str, email: str) -> list[Row]:
        """One, or none; more would be a mistake of ours."""
        wanted = (portal, email.lower())
        return [
            u for u in self.parts["learnupon_users"] if (u["portal"], (u["email"] or "").lower()) == wanted
        ]

    def courses(self, portal: str) -> list[Row]:
        """Those a learner can take, in LearnUpon's order."""
        rows = [row for row in self.parts["courses"] if row["portal"] == portal]
        return [row for row in rows if row["published_status_id"] == PUBLISHED]

    def mails(self, system: str, to: str = "") -> list[Row]:
        rows = [row for row in self.parts["mails"] if row["sender_system"] == system]
        return [row for row in rows if to.lower() in ("", row["to"].lower())]

    def app_objects(self, account: int) -> list[Row]:
        """Course enrollment records that are not archived."""
        return [row for row in self.parts["app_objects"] if row["account"] == account and not row["archived"]]

    def completed(self, account: int, person: Row) -> list[Row]:
        """Records of finished courses that are tied to this contact."""
        tied = self._tied(account, str(person["id"]))
        rows = [row for row in self.app_objects(account) if row["id"] in tied]
        return [row for row in rows if value(row, "status") == "completed"]

    def _tied(self, account: int, contact_id: str) -> set[str]:
        tied = set()
        for row in self.parts["associations"]:
            ends = {str(row["fromObjectId"]), str(row["toObjectId"])}
            if row["account"] == account and contact_id in ends:
                tied |= ends - {contact_id}
        return tied


def value(record: Row, name: str) -> str:
    """A property of an app-object record."""
    return str(record["properties"].get(PREFIX + name) or record["properties"].get(name) or "")


def email_of(contact: Row) -> str:
    return str(contact["properties"].get("email") or "")


def has_plain_email(contact: Row) -> bool:
    return bool(PLAIN_EMAIL.fullmatch(email_of(contact)))
