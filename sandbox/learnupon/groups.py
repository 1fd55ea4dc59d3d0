"""Groups and their members; joining a group enrolls in its courses unless told not to."""

from typing import TYPE_CHECKING

from sandbox.learnupon import audit, customdata, enrollments, users
from sandbox.learnupon.errors import Problem
from sandbox.learnupon.records import FINISHED, Group, Portal, Row, User, same, stamp
from sandbox.learnupon.wire import Call, Reply, paged, text, whole

if TYPE_CHECKING:
    from sandbox.learnupon.world import LearnUponWorld


def describe(group: Group) -> Row:
    return {
        "id": group.id,
        "title": group.title,
        "description": group.description,
        "number_of_members": len(group.members),
        "created_at": group.created_at,
        "updated_at": group.updated_at,
    }


def index(world: "LearnUponWorld", portal: Portal, call: Call) -> Reply:
    rows = list(portal.groups.values())
    if "title" in call.query:
        rows = [group for group in rows if same(group.title) == same(call.query["title"])]
    return paged(rows, call, "groups", describe)


def create(world: "LearnUponWorld", portal: Portal, call: Call) -> Reply:
    fields = call.wrapped("Group")
    title = text(fields.get("title"))
    _check_title(portal, title, None)
    now = stamp(world.clock())
    group = Group(world.next_id("group"), title, text(fields.get("description")), now, now)
    portal.groups[group.id] = group
    return Reply({"id": group.id}, status=201)


def update(world: "LearnUponWorld", portal: Portal, call: Call) -> Reply:
    group = _found(portal, call.id())
    fields = call.wrapped("Group")
    title = text(fields.get("title")) or group.title
    _check_title(portal, title, group)
    group.title, group.updated_at = title, stamp(world.clock())
    group.description = text(fields.get("description")) or group.description
    return Reply({"id": group.id})


def _check_title(portal: Portal, title: str, own: Group | None) -> None:
    if not title:
        raise Problem(400, "title: can't be blank")
    if any(same(group.title) == same(title) and group is not own for group in portal.groups.values()):
        raise Problem(400, "title: has already been taken")


def delete(world: "LearnUponWorld", portal: Portal, call: Call) -> Reply:
    group = portal.groups.pop(_found(portal, call.id()).id)
    for membership_id in group.members.values():
        portal.memberships.pop(membership_id, None)
    return Reply({})


def _found(portal: Portal, number: object) -> Group:
    group = portal.groups.get(whole(number) or 0)
    if group is None:
        raise Problem(404, "group not found")
    return group


def _user(portal: Portal, number: object) -> User:
    user = portal.users.get(whole(number) or 0)
    if user is None:
        raise Problem(404, "user not found")
    return user


def memberships(world: "LearnUponWorld", portal: Portal, call: Call) -> Reply:
    """Members of a group under `user`, groups of a user under `group`; without a filter 404."""
    if "group_id" in call.query:
        group = _found(portal, call.query["group_id"])
        return paged(
            group.members,
            call,
            "user",
            lambda number: users.describe(portal, portal.users[number]),
            customDataFieldDefinitions=customdata.describe_all(portal),
        )
    if "user_id" in call.query:
        user = _user(portal, call.query["user_id"])
        return paged([g for g in portal.groups.values() if user.id in g.members], call, "group", describe)
    raise Problem(404, "group_id or user_id is required")


def add_member(world: "LearnUponWorld", portal: Portal, call: Call) -> Reply:
    fields = call.wrapped("GroupMembership")
    group = _found(portal, fields.get("group_id"))
    user = _user(portal, fields.get("user_id"))
    if user.id in group.members:
        raise Problem(400, "user is already a member of this group")
    enroll = fields.get("process_enrollments", True) not in (False, "false", 0)
    return Reply({"id": join(world, portal, group, user, enroll=enroll)}, status=201)


def join(world: "LearnUponWorld", portal: Portal, group: Group, user: User, *, enroll: bool) -> int:
    """Group enrollments do not apply to disabled users."""
    membership_id = world.next_id("membership")
    group.members[user.id] = membership_id
    portal.memberships[membership_id] = (group.id, user.id)
    for course_id in group.course_ids if enroll and user.enabled else ():
        if course_id in portal.courses and not enrollments.current(portal, user, course_id):
            enrollments.add(world, portal, user, portal.courses[course_id], group_id=group.id)
    return membership_id


def remove_member(world: "LearnUponWorld", portal: Portal, call: Call) -> Reply:
    """By membership id, or under id 0 by the wrapped pair."""
    fields = call.wrapped("GroupMembership") or call.body
    pair = portal.memberships.get(call.id())
    if call.id() == 0:
        pair = (whole(fields.get("group_id")) or 0, whole(fields.get("user_id")) or 0)
    group = portal.groups.get(pair[0]) if pair else None
    if group is None or pair is None or pair[1] not in group.members:
        raise Problem(404, "group membership not found")
    portal.memberships.pop(group.members.pop(pair[1]), None)
    user = portal.users[pair[1]]
    audit.note(world, portal, audit.REMOVED_FROM_GROUP, user, group.title)
    if fields.get("process_unenrollments", False) in (True, "true", 1):
        _leave_courses(world, portal, group, user)
    return Reply({})


def _leave_courses(world: "LearnUponWorld", portal: Portal, group: Group, user: User) -> None:
    for enrollment in list(portal.by_user.get(user.id, {}).values()):
        if enrollment.course.id in group.course_ids and enrollment.status not in FINISHED:
            enrollments.unenroll(world, portal, enrollment)
