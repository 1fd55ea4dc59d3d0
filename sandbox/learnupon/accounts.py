"""What happens to people in a realm: one login over all its portals, one user row in each of them.

Switching off or deleting in the top-level portal does the same in its sub-portals, never the other way round.
"""

from typing import TYPE_CHECKING

from sandbox.learnupon import audit, enrollments
from sandbox.learnupon.records import Portal, User, same, stamp

if TYPE_CHECKING:
    from sandbox.learnupon.world import LearnUponWorld


def new_user(world: "LearnUponWorld", email: str, username: str, password: str) -> User:
    """A user of no portal yet; `created_at` stays empty until one takes it."""
    number = world.next_id("user")
    return User(number, email, username, "", "", password, "en", created_at="", updated_at="")


def add(world: "LearnUponWorld", portal: Portal, user: User) -> None:
    """Where the realm knows the address its login is kept, so the password given here counts for nothing."""
    known = elsewhere(world, portal, user.email)
    if known:
        user.password = known[0].password
    user.created_at = user.updated_at = stamp(world.clock())
    portal.add_user(user)
    for course_id in portal.auto_enroll:
        if course_id in portal.courses:
            enrollments.add(world, portal, user, portal.courses[course_id])


def elsewhere(world: "LearnUponWorld", portal: Portal, email: str) -> list[User]:
    """Users with this address in the other portals of the realm."""
    if not email:
        return []
    found = (other.by_email.get(same(email)) for other in world.realm(portal) if other is not portal)
    return [user for user in found if user is not None]


def rename(world: "LearnUponWorld", portal: Portal, user: User, email: str, username: str) -> None:
    """An address belongs to the login, so it changes in every portal of the realm."""
    if email == user.email and username == user.username:
        return
    old = user.email
    for other in world.realm(portal):
        twin = user if other is portal else other.by_email.get(same(old))
        if old and twin is not None:
            other.by_email.pop(same(old), None)
            twin.email = email
            other.by_email[same(email)] = twin
    portal.by_username.pop(same(user.username), None)
    user.username = username
    user.email = email
    portal.add_user(user)


def set_password(world: "LearnUponWorld", portal: Portal, user: User, password: str) -> None:
    for twin in [user, *elsewhere(world, portal, user.email)]:
        twin.password = password
        twin.must_change_password = False


def set_enabled(world: "LearnUponWorld", portal: Portal, user: User, *, enabled: bool) -> None:
    for where, twin in _reach(world, portal, user):
        if twin.enabled != enabled:
            twin.enabled = enabled
            twin.updated_at = stamp(world.clock())
            audit.note(world, where, audit.LOGIN_ENABLED if enabled else audit.LOGIN_DISABLED, twin)


def delete(world: "LearnUponWorld", portal: Portal, user: User) -> None:
    for where, twin in _reach(world, portal, user):
        where.drop_user(twin)
        audit.note(world, where, audit.USER_DELETED, twin)


def _reach(world: "LearnUponWorld", portal: Portal, user: User) -> list[tuple[Portal, User]]:
    reached = [(portal, user)]
    if portal.top_level and user.email:
        for sub in world.realm(portal):
            twin = sub.by_email.get(same(user.email))
            if twin is not None and sub is not portal:
                reached.append((sub, twin))
    return reached


def touched(world: "LearnUponWorld", portal: Portal, user: User) -> None:
    user.updated_at = stamp(world.clock())
    world.announcer.user_updated(portal, user)
