"""All of LearnUpon's state, and what the sandbox's control may do to it."""

import itertools
import os
import time
from collections.abc import Callable
from typing import Any

from sandbox.errors import ControlError
from sandbox.learnupon import bulk, courses, enrollments, groups, invites, portals, progress, seed, users
from sandbox.learnupon.errors import Problem
from sandbox.learnupon.records import FINISHED, Portal, Row
from sandbox.learnupon.webhooks import Announcer
from sandbox.learnupon.wire import whole
from sandbox.mail import MailSink
from sandbox.options import Options
from sandbox.outbox import Outbox

# Where each kind of id begins: far apart, so that a mixed-up id is noticed.
FIRST_IDS = {
    "portal": 501,
    "user": 100_001,
    "course": 2_587_201,
    "group": 31_001,
    "membership": 410_001,
    "invite": 620_001,
    "queued": 660_001,
    "definition": 231,
    "enrollment": 17_906_601,
    "path": 9_001,
    "path_enrollment": 730_001,
}


class LearnUponWorld:
    def __init__(
        self, options: Options, outbox: Outbox, mails: MailSink, clock: Callable[[], float] = time.time
    ) -> None:
        self.options = options
        self.outbox = outbox
        self.mails = mails
        self.clock = clock
        # The server corrects this once it listens; links in mails and pages are made from it.
        self.base_url = f"http://127.0.0.1:{os.environ.get('SANDBOX_LEARNUPON_PORT', '9001')}"
        self.announcer = Announcer(self)
        self.reset()

    def reset(self) -> None:
        self.announcer.clear()
        self.mails.clear()
        self.invite_tokens: dict[str, tuple[str, int]] = {}
        self.reset_tokens: dict[str, tuple[str, int]] = {}
        self.sessions: dict[str, tuple[str, int]] = {}
        self.portals: dict[str, Portal] = {}
        self._ids = {kind: itertools.count(first) for kind, first in FIRST_IDS.items()}
        seed.plant(self)

    def next_id(self, kind: str) -> int:
        return next(self._ids[kind])

    def address(self, portal: Portal) -> str:
        return f"{self.base_url}/{portal.subdomain}"

    def realm(self, portal: Portal) -> list[Portal]:
        return [other for other in self.portals.values() if other.realm == portal.realm]

    def top_of(self, portal: Portal) -> Portal:
        return next(other for other in self.realm(portal) if other.top_level)

    def snapshot(self) -> dict[str, list[Row]]:
        today = enrollments.today(self)
        found: dict[str, list[Row]] = {
            name: [] for name in ("portals", "learnupon_users", "invites", "groups", "courses", "enrollments")
        }
        for portal in self.portals.values():
            mark = {"portal": portal.subdomain}
            found["portals"].append(portals.describe(portal) | mark | _settings(portal))
            found["learnupon_users"] += [
                users.describe(portal, u, "1.2") | mark for u in portal.users.values()
            ]
            found["invites"] += [invites.describe(portal, i) | mark for i in portal.invites.values()]
            found["groups"] += [
                groups.describe(g) | mark | {"user_ids": list(g.members)} for g in portal.groups.values()
            ]
            found["courses"] += [courses.describe(c) | mark for c in portal.courses.values()]
            found["enrollments"] += [
                enrollments.describe(e, today) | mark for e in portal.enrollments.values()
            ]
        return found

    def enroll(self, portal: str, user_id: int, course_id: int) -> Row:
        """What an admin does in LearnUpon; an enrollment that is there already is given back."""
        where = self._portal(portal)
        user, course = where.users.get(_id(user_id)), where.courses.get(_id(course_id))
        if user is None or course is None:
            raise ControlError(404, f"{portal} has no such user or course")
        live = enrollments.current(where, user, course.id)
        if live is None or live.status in FINISHED:
            live = enrollments.add(self, where, user, course)
        return enrollments.describe(live, enrollments.today(self))

    def progress(
        self,
        portal: str,
        enrollment_id: int,
        status: str,
        percentage: float | None = None,
        percentage_complete: float | None = None,
    ) -> Row:
        where = self._portal(portal)
        enrollment = where.enrollments.get(_id(enrollment_id))
        if enrollment is None:
            raise ControlError(404, f"{portal} has no enrollment {enrollment_id}")
        try:
            progress.move(self, where, enrollment, status, percentage, percentage_complete)
        except Problem as problem:
            raise ControlError(problem.status, problem.message) from None
        return enrollments.describe(enrollment, enrollments.today(self))

    def accept_invite(self, portal: str, email: str, password: str = "accepted-1") -> Row:  # noqa: S107
        where = self._portal(portal)
        invite = where.open_invite(str(email), self.clock())
        if invite is None:
            raise ControlError(404, f"{portal} has no open invitation for {email}")
        return users.describe(where, invites.accept(self, where, invite, password), "1.2")

    def set_webhook(self, portal: str, url: str, secret: str) -> None:
        where = self._portal(portal)
        where.webhook_url, where.webhook_secret = str(url), str(secret)

    def seed_bulk(
        self, portal: str, users: int = 50_000, courses: int = 60, enrollments: int = 300_000
    ) -> Row:
        return bulk.fill(self, self._portal(portal), users, courses, enrollments)

    def _portal(self, subdomain: str) -> Portal:
        portal = self.portals.get(str(subdomain))
        if portal is None:
            raise ControlError(404, f"there is no portal {subdomain}")
        return portal


def _id(value: object) -> int:
    """An id of a control body, where anything may stand."""
    return whole(value) or 0


def _settings(portal: Portal) -> dict[str, Any]:
    return {"parent": portal.parent, "sso": portal.sso, "webhook_url": portal.webhook_url}
