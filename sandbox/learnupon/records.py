"""The rows of a LearnUpon realm and the indexes that keep 300,000 of them quick to find."""

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Row = dict[str, Any]
FINISHED = frozenset({"completed", "passed", "failed"})
STATUSES = FINISHED | {"not_started", "in_progress", "pending_review"}


def stamp(seconds: float) -> str:
    """LearnUpon's timestamp: UTC to the second (docs.learnupon.com/api)."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def same(address: str) -> str:
    """Addresses are compared without case."""
    return address.strip().lower()


@dataclass(slots=True)
class Definition:
    """One custom user data field. `choices` stays empty for free fields."""

    id: int
    type_id: int
    label: str
    choices: tuple[str, ...] = ()


@dataclass(slots=True)
class User:
    id: int
    email: str
    username: str
    first_name: str
    last_name: str
    password: str
    locale: str
    created_at: str
    updated_at: str
    user_type: str = "learner"
    enabled: bool = True
    account_expires: str | None = None
    timezone_id: int | None = None
    membership_type: str | None = None
    must_change_password: bool = False
    last_sign_in_at: str | None = None
    sign_in_count: int = 0
    sf_contact_id: str | None = None
    sf_user_id: str | None = None
    values: dict[int, Any] = field(default_factory=dict)
    flags: dict[str, bool] = field(default_factory=dict)


@dataclass(slots=True)
class Course:
    id: int
    name: str
    source_id: int
    version: int = 1
    reference_code: str | None = None
    published: bool = True
    licensed: bool = False
    capacity: int | None = None
    credits: float | None = None
    certificate: str | None = None
    modules: tuple[str, ...] = ("Introduction", "Lesson", "Test")
    due_days: int | None = None


@dataclass(slots=True)
class Enrollment:
    """Derived fields (names, e-mail) are read from the user and the course, so renames show at once."""

    id: int
    user: User
    course: Course
    date_enrolled: str
    updated_at: str
    status: str = "not_started"
    percentage: float | None = None
    percentage_complete: float | None = 0
    date_started: str | None = None
    date_completed: str | None = None
    date_lastaccessed: str | None = None
    due_date: str | None = None
    course_access_expires_at: str | None = None
    cert_expires_at: str | None = None
    group_id: int | None = None
    was_recertified: bool = False
    unenrolled: bool = False


@dataclass(slots=True)
class Group:
    id: int
    title: str
    description: str
    created_at: str
    updated_at: str
    course_ids: list[int] = field(default_factory=list)
    members: dict[int, int] = field(default_factory=dict)  # user id -> membership id


@dataclass(slots=True)
class Invite:
    id: int
    email: str
    first_name: str
    last_name: str
    token: str
    created_at: str
    expires_at: str
    expires: float
    group_id: int | None = None
    user_type: str = "learner"
    status: str = "sent"
    account_expires: str | None = None
    sf_contact_id: str | None = None
    sf_user_id: str | None = None
    values: dict[int, Any] = field(default_factory=dict)
    courses: list[int] = field(default_factory=list)

    def is_open(self, now: float) -> bool:
        return self.status == "sent" and now < self.expires


@dataclass(slots=True)
class LearningPath:
    id: int
    name: str
    course_ids: list[int]


@dataclass(slots=True)
class PathEnrollment:
    id: int
    path: LearningPath
    user: User
    date_enrolled: str
    due_date: str | None = None
    unenrolled: bool = False


@dataclass
class Portal:
    """One LearnUpon site. Portals with the same `realm` share one set of e-mail addresses."""

    id: int
    subdomain: str
    title: str
    realm: str
    key: str
    secret: str
    created_at: str
    parent: str | None = None
    sso: str = "none"
    languages: set[str] = field(default_factory=lambda: {"en"})
    # Settings > Users > General, decided by the top-level portal.
    allow_existing: bool = False
    # Courses every new user is put into, as a rule of the portal can do.
    auto_enroll: list[int] = field(default_factory=list)
    webhook_url: str = ""
    webhook_secret: str = ""
    definitions: dict[int, Definition] = field(default_factory=dict)
    users: dict[int, User] = field(default_factory=dict)
    by_email: dict[str, User] = field(default_factory=dict)
    by_username: dict[str, User] = field(default_factory=dict)
    courses: dict[int, Course] = field(default_factory=dict)
    groups: dict[int, Group] = field(default_factory=dict)
    memberships: dict[int, tuple[int, int]] = field(default_factory=dict)
    invites: dict[int, Invite] = field(default_factory=dict)
    invites_by_email: dict[str, list[Invite]] = field(default_factory=dict)
    enrollments: dict[int, Enrollment] = field(default_factory=dict)
    by_course: dict[int, dict[int, Enrollment]] = field(default_factory=dict)
    by_user: dict[int, dict[int, Enrollment]] = field(default_factory=dict)
    paths: dict[int, LearningPath] = field(default_factory=dict)
    path_enrollments: dict[int, PathEnrollment] = field(default_factory=dict)
    audit: list[Row] = field(default_factory=list)
    minute: deque[float] = field(default_factory=deque)
    week_used: int = 0

    @property
    def top_level(self) -> bool:
        return self.parent is None

    def add_user(self, user: User) -> None:
        self.users[user.id] = user
        if user.email:
            self.by_email[same(user.email)] = user
        if user.username:
            self.by_username[same(user.username)] = user

    def drop_user(self, user: User) -> None:
        """Deleting an account destroys its training history."""
        for enrollment in list(self.by_user.get(user.id, {}).values()):
            self.drop_enrollment(enrollment)
        for group in self.groups.values():
            self.memberships.pop(group.members.pop(user.id, 0), None)
        for path_enrollment in [p for p in self.path_enrollments.values() if p.user is user]:
            del self.path_enrollments[path_enrollment.id]
        self.by_user.pop(user.id, None)
        self.by_email.pop(same(user.email), None)
        self.by_username.pop(same(user.username), None)
        del self.users[user.id]

    def add_enrollment(self, enrollment: Enrollment) -> None:
        self.enrollments[enrollment.id] = enrollment
        self.by_course.setdefault(enrollment.course.id, {})[enrollment.id] = enrollment
        self.by_user.setdefault(enrollment.user.id, {})[enrollment.id] = enrollment

    def drop_enrollment(self, enrollment: Enrollment) -> None:
        del self.enrollments[enrollment.id]
        self.by_course[enrollment.course.id].pop(enrollment.id, None)
        self.by_user[enrollment.user.id].pop(enrollment.id, None)

    def add_invite(self, invite: Invite) -> None:
        self.invites[invite.id] = invite
        self.invites_by_email.setdefault(same(invite.email), []).append(invite)

    def open_invite(self, email: str, now: float) -> Invite | None:
        found = [invite for invite in self.invites_by_email.get(same(email), []) if self.accepts(invite, now)]
        return found[-1] if found else None

    def accepts(self, invite: Invite, now: float) -> bool:
        """Whether the invitation can still make an account: there is one a person, however it came to be."""
        return invite.is_open(now) and same(invite.email) not in self.by_email
