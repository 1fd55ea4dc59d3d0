"""What Hubsync says to LearnUpon, on behalf of one portal. https://docs.learnupon.com/api/

LearnUpon ignores filters it does not know and answers 200 with everything, wraps some bodies and not others, and
names its lists irregularly; all of that is met here, so that nobody else needs to know.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlencode

import orjson
from django.conf import settings

from portals.clients import breaker, http, pace
from portals.clients.breaker import Vendor
from portals.clients.errors import Disconnected, NotFound, Refused, TryAgain, Unclear
from portals.clients.http import Answer

MAX_WAIT_SECONDS = 3600  # however long LearnUpon's 429 says; then it is asked again
MAX_PAGES = 10_000  # a safety stop far above any portal, against a page header that never says the end


class RealmClash(Refused):
    """The e-mail has an account elsewhere in the realm: it can only be invited."""


class AlreadyThere(Refused):
    """LearnUpon has this user, or this invitation, already."""


class DataRejected(Refused):
    """LearnUpon refused the content: a custom data value, a language, a name."""


class Credentials(Protocol):
    """What a call needs to know of a portal; a Portal has it, and so does one that is not saved yet."""

    @property
    def subdomain(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def api_key(self) -> str: ...
    @property
    def api_secret(self) -> str: ...
    @property
    def host(self) -> str: ...


@dataclass(frozen=True)
class Page:
    rows: list[dict[str, Any]]
    more: bool
    as_of: datetime


class LearnUpon:
    """One portal's LearnUpon. Methods raise the errors of portals/clients/errors.py and the ones above."""

    def __init__(self, portal: Credentials, lane: str) -> None:
        self.portal = portal
        self.lane = lane

    # --- the wire -------------------------------------------------------------------------------------
    def send(
        self, method: str, path: str, body: dict[str, Any] | None = None, query: dict[str, Any] | None = None
    ) -> Answer:
        with breaker.guard(Vendor.LEARNUPON, self.portal.host):
            return self._sent(method, path, body, query)

    def _sent(
        self, method: str, path: str, body: dict[str, Any] | None, query: dict[str, Any] | None
    ) -> Answer:
        pace.take(self.portal.host, self.lane)
        base = settings.LEARNUPON_URL.format(subdomain=self.portal.subdomain, region=self.portal.region)
        url = f"{base}/api/v1/{path}" + (f"?{urlencode(query)}" if query else "")
        headers = {"Accept": "application/json"}
        if body is not None:  # a content type on a GET without a body has been answered 400
            headers["Content-Type"] = "application/json"
        payload = None if body is None else orjson.dumps(body)
        answer = http.send(
            method, url, headers=headers, body=payload, auth=(self.portal.api_key, self.portal.api_secret)
        )
        pace.report(self.portal.host, answer)
        return self._checked(answer, method)

    def _checked(self, answer: Answer, method: str) -> Answer:
        """Errors carry `message` or `error`, sometimes under a 200 (learnupon.md 1.6)."""
        error = answer.error()
        text = str(error.get("message") or error.get("error") or "")
        correlation = str(answer.headers.get("X-Request-Id", ""))[:64]
        status = _status(answer, error)
        if answer.ok and error.get("response_type") != "ERROR":
            return answer
        if status == 401:
            raise Disconnected("LearnUpon refuses the API keys of this portal.", correlation_id=correlation)
        if status == 429:
            after = answer.number("Retry-After")
            wait = 30.0 if after is None else float(min(after, MAX_WAIT_SECONDS))
            pace.stop(self.portal.host, wait)
            raise TryAgain("LearnUpon's request allowance is used up.", after=wait, counts=False)
        if status >= 500:
            kind = TryAgain if method == "GET" else Unclear
            raise kind(f"LearnUpon answered {status}.", vendor_failed=True, correlation_id=correlation)
        raise _refusal(status, text, correlation)

    def _json(self, answer: Answer) -> dict[str, Any]:
        parsed = answer.json()
        if not isinstance(parsed, dict):
            raise Unclear("LearnUpon's answer had an unexpected shape.")
        return parsed

    def _list(self, key: str, path: str, **query: Any) -> Page:
        answer = self.send(
            "GET", path, query={name: value for name, value in query.items() if value is not None}
        )
        parsed = self._json(answer)
        rows = parsed.get(key)
        if not isinstance(rows, list):
            raise Unclear("LearnUpon's answer had no list.")
        more = str(answer.headers.get("LU-Has-Next-Page", "")).lower() == "true" and bool(rows)
        return Page(rows, more, answer.at)

    def _pages(self, key: str, path: str, **query: Any) -> Iterator[dict[str, Any]]:
        for number in range(1, MAX_PAGES):
            page = self._list(key, path, page=number, **query)
            yield from page.rows
            if not page.more:
                return

    # --- the portal -----------------------------------------------------------------------------------
    def fields(self) -> list[dict[str, Any]]:
        """Custom user data definitions: `{"id", "type_id", "label", "predefined_values"}`. Also the cheapest way to
        find out whether a key pair works."""
        parsed = self._json(self.send("GET", "users/customuserdata"))
        definitions = parsed.get("customDataFieldDefinitions", parsed.get("customDataFieldDefintions"))
        if not isinstance(definitions, list):
            raise Unclear("LearnUpon's answer had no field definitions.")
        return definitions

    def sub_portals(self) -> list[dict[str, Any]]:
        """The portals below a top-level portal; empty for others."""
        return list(self._pages("portals", "portals"))

    def courses(self, *, every: bool = False) -> Iterator[dict[str, Any]]:
        """The courses people can be enrolled in; `every` adds drafts and superseded versions, which may have learners."""
        more = {"include_all_versions": "true", "include_draft": "true"} if every else {}
        return self._pages("courses", "courses", include_licensed_courses="true", **more)

    def groups(self) -> Iterator[dict[str, Any]]:
        return self._pages("groups", "groups")

    # --- users ----------------------------------------------------------------------------------------
    def find_user(self, email: str) -> dict[str, Any] | None:
        """The user with this e-mail in this portal. A search miss is a 404 or an error body under 200; a filter
        that was ignored returns everybody, so the e-mail is compared."""
        try:
            rows = self._json(self.send("GET", "users/search", query={"email": email})).get("user")
        except NotFound:
            return None
        for row in rows if isinstance(rows, list) else []:
            if str(row.get("email", "")).casefold() == email.casefold():
                return dict(row)
        return None

    def user(self, user_id: int) -> dict[str, Any]:
        rows = self._json(self.send("GET", f"users/{user_id}")).get("user")
        for row in rows if isinstance(rows, list) else []:
            if row.get("id") == user_id:
                return dict(row)
        raise NotFound("LearnUpon has no such user.", code="user_gone")

    def users(self, page: int) -> Page:
        """One page of the portal's accounts, custom data included."""
        return self._list("user", "users", page=page)

    def create_user(self, user: dict[str, Any]) -> int:
        """`{"email", "password", "first_name", …, "CustomData": {…}}` -> the new user's id."""
        made = self._json(self.send("POST", "users", {"User": user})).get("id")
        if not isinstance(made, int):
            raise Unclear("LearnUpon did not say which user it created.")
        return made

    def update_user(self, user_id: int, changes: dict[str, Any]) -> None:
        self.send("PUT", f"users/{user_id}", {"User": changes})

    def invite(self, invite: dict[str, Any]) -> None:
        """`{"email", "first_name", "last_name", "group_id", "CustomData"}`: LearnUpon mails the invitation."""
        self.send("POST", "portal_invite", {"Invite": invite})

    def invitations(self) -> Iterator[dict[str, Any]]:
        """Every invitation of the portal, as a log: `invite_email_address`, `invite_status`, `expires_at`."""
        return self._pages("group_invite", "group_invites")

    def add_to_group(self, user_id: int, group_id: int) -> None:
        body = {"GroupMembership": {"group_id": group_id, "user_id": user_id}}
        self.send("POST", "group_memberships", body)

    def remove_from_group(self, user_id: int, group_id: int) -> None:
        body = {"GroupMembership": {"group_id": group_id, "user_id": user_id}}
        self.send("DELETE", "group_memberships/0", body)

    def groups_of_user(self, user_id: int) -> set[int]:
        rows = self._pages("group", "group_memberships", user_id=user_id)
        return {int(row.get("group_id", row["id"])) for row in rows}

    # --- enrollments ----------------------------------------------------------------------------------
    def enrollments_of_course(self, course_id: int, page: int) -> Page:
        found = self._list("enrollments", "enrollments/search", course_id=course_id, page=page)
        return Page([row for row in found.rows if row.get("course_id") == course_id], found.more, found.as_of)

    def enrollments_of_user(self, user_id: int) -> Page:
        """All of one learner's enrollments, in one answer for almost everybody."""
        rows: list[dict[str, Any]] = []
        for number in range(1, MAX_PAGES):
            page = self._list("enrollments", "enrollments/search", user_id=user_id, page=number)
            rows += [row for row in page.rows if row.get("user_id") == user_id]
            if not page.more:
                break
        return Page(rows, False, page.as_of)

    def enrollment(self, enrollment_id: int) -> tuple[dict[str, Any], datetime]:
        """One enrollment, and LearnUpon's time of the answer."""
        answer = self.send("GET", f"enrollments/{enrollment_id}")
        rows = self._json(answer).get("enrollments")
        for row in rows if isinstance(rows, list) else []:
            if row.get("id") == enrollment_id:
                return dict(row), answer.at
        raise NotFound("LearnUpon has no such enrollment.", code="enrollment_gone")

    def enroll(self, user_id: int, course_id: int) -> None:
        self.send("POST", "enrollments", {"Enrollment": {"user_id": user_id, "course_id": course_id}})

    def unenroll(self, enrollment_id: int) -> None:
        """DELETE takes no wrapped body; without `remove_from_history` a finished enrollment is kept."""
        self.send("DELETE", f"enrollments/{enrollment_id}")


def is_admin(user: dict[str, Any]) -> bool:
    """Whether a user, as LearnUpon returns it, may manage its portal (learnupon.md 1.8)."""
    return user.get("user_type") == "admin"


def _status(answer: Answer, error: dict[str, Any]) -> int:
    """An error under 200 says in its body which status it should have had."""
    said = error.get("response_code")
    return said if answer.ok and isinstance(said, int) else answer.status


def _refusal(status: int, text: str, correlation: str) -> Refused:
    """LearnUpon has no error codes, so its sentences must serve (learnupon.md 1.6)."""
    said = text.casefold()
    shown = f"LearnUpon said: {text[:200]}" if text else f"LearnUpon answered {status} without a reason."
    if "try to invite them" in said:
        return RealmClash("This e-mail has an account in another portal of the realm.", code="realm_clash")
    if "already been invited" in said or "duplicate invite" in said:
        return AlreadyThere("This e-mail has been invited already.", code="already_invited")
    if "already" in said and ("exist" in said or "taken" in said):
        return AlreadyThere("LearnUpon has this e-mail already.", code="already_exists")
    if "already" in said and ("enrolled" in said or "member" in said):
        return AlreadyThere("LearnUpon has this already.", code="already_there")
    if status == 404:
        return NotFound(shown, code="not_found", correlation_id=correlation)
    return DataRejected(shown, code=f"HTTP_{status}", correlation_id=correlation)
