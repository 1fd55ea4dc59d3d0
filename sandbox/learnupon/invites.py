"""Portal and group invitations: LearnUpon mails a link, and only its acceptance makes an account."""

import secrets
from typing import TYPE_CHECKING

from sandbox.learnupon import accounts, customdata, enrollments, groups, letters
from sandbox.learnupon.errors import ALREADY_INVITED, Problem
from sandbox.learnupon.records import Invite, Portal, Row, User, same, stamp
from sandbox.learnupon.users import USER_TYPES, is_email
from sandbox.learnupon.wire import ODD_PAGE_ROWS, Call, Reply, day, paged, text, whole

if TYPE_CHECKING:
    from sandbox.learnupon.world import LearnUponWorld

# LearnUpon's pages on its HR integrations: links in its mails are valid for 72 hours.
LINK_SECONDS = 72 * 3600
MEMBERSHIP_TYPES = {1: "learner", 2: "admin", 3: "instructor", 4: "manager"}


def invite_to_portal(world: "LearnUponWorld", portal: Portal, call: Call) -> Reply:
    """`expires_at` here is the account's end, not the invitation's. Refusals are assumed to be 400s."""
    fields = call.wrapped("Invite")
    email = text(fields.get("email"))
    if not is_email(email):
        raise Problem(400, "email: is invalid")
    _check_free(world, portal, email, status=400)
    values = customdata.apply(portal, {}, fields.get("CustomData"))
    invite = _new(world, email, _group(portal, fields), fields.get("portal_membership_type_id"))
    invite.first_name, invite.last_name = text(fields.get("first_name")), text(fields.get("last_name"))
    invite.account_expires = day(fields.get("expires_at"), "expires_at")
    invite.sf_contact_id = text(fields.get("sf_contact_id")) or None
    invite.sf_user_id = text(fields.get("sf_user_id")) or None
    invite.values = values
    send(world, portal, invite)
    return Reply({"portal_invite": {"id": invite.id, "email": invite.email}}, status=201)


def invite_to_group(world: "LearnUponWorld", portal: Portal, call: Call) -> Reply:
    """Without `group_id` a portal invitation. One refused address refuses the whole call (assumption)."""
    fields = call.wrapped("GroupInvite")
    addresses = [part.strip() for part in text(fields.get("email_addresses")).split(",") if part.strip()]
    if not addresses:
        raise Problem(400, "email_addresses: can't be blank")
    group_id = _group(portal, fields)
    for address in addresses:
        if not is_email(address):
            raise Problem(400, f"email_addresses: {address[:80]} is invalid")
        _check_free(world, portal, address, status=422)
    kind = fields.get("group_membership_type_id")
    invites = [_new(world, address, group_id, kind) for address in addresses]
    for invite in invites:
        if len(invites) == 1:
            invite.first_name, invite.last_name = (
                text(fields.get("first_name")),
                text(fields.get("last_name")),
            )
        send(world, portal, invite)
    shown = [{"id": invite.id, "invite_email_address": invite.email} for invite in invites]
    return Reply({"group_invites": shown}, status=201)


def _check_free(world: "LearnUponWorld", portal: Portal, email: str, *, status: int) -> None:
    if same(email) in portal.by_email:
        raise Problem(status, f"{email} is already a member of this portal")
    if portal.open_invite(email, world.clock()) is not None:
        raise Problem(status, f"duplicate invite: {email} {ALREADY_INVITED}")


def _group(portal: Portal, fields: Row) -> int | None:
    if fields.get("group_id") in (None, ""):
        return None
    group = portal.groups.get(whole(fields["group_id"]) or 0)
    if group is None:
        raise Problem(404, "group not found")
    return group.id


def _new(world: "LearnUponWorld", email: str, group_id: int | None, kind: object) -> Invite:
    user_type = MEMBERSHIP_TYPES.get(1 if kind in (None, "") else whole(kind) or 0)
    if user_type not in USER_TYPES:
        raise Problem(400, "membership type: is invalid")
    now = world.clock()
    expires = now + LINK_SECONDS
    invite = Invite(
        world.next_id("invite"), email, "", "", secrets.token_urlsafe(24), stamp(now), stamp(expires), expires
    )
    invite.group_id, invite.user_type = group_id, user_type
    return invite


def send(world: "LearnUponWorld", portal: Portal, invite: Invite) -> None:
    portal.add_invite(invite)
    world.invite_tokens[invite.token] = (portal.subdomain, invite.id)
    letters.invitation(world, portal, invite)


def describe(portal: Portal, invite: Invite) -> Row:
    return {
        "id": invite.id,
        "first_name": invite.first_name,
        "last_name": invite.last_name,
        "invite_email_address": invite.email,
        "num_reminders_sent": 0,
        "group_id": invite.group_id,
        "sf_contact_id": invite.sf_contact_id,
        "sf_user_id": invite.sf_user_id,
        "accept_url": f"/accept_invitation/{invite.token}",
        "created_at": invite.created_at,
        "expires_at": invite.expires_at,
        "last_reminder_sent_at": None,
        "invite_status": invite.status,
        "user_type": invite.user_type,
        "customDataFieldValues": customdata.by_id(invite.values),
    }


def index(world: "LearnUponWorld", portal: Portal, call: Call) -> Reply:
    """A log, not a roster. That portal invitations show up here too is an assumption."""
    rows = list(portal.invites.values())
    if "group_id" in call.query:
        group_id = whole(call.query["group_id"])
        rows = [invite for invite in rows if invite.group_id == group_id]
    return _listed(portal, call, rows)


def show(world: "LearnUponWorld", portal: Portal, call: Call) -> Reply:
    return _listed(portal, call, [_found(portal, call.id())])


def _listed(portal: Portal, call: Call, rows: list[Invite]) -> Reply:
    definitions = customdata.describe_all(portal)
    return paged(
        rows,
        call,
        "group_invite",
        lambda invite: describe(portal, invite),
        ODD_PAGE_ROWS,
        customDataFieldDefinitions=definitions,
    )


def cancel(world: "LearnUponWorld", portal: Portal, call: Call) -> Reply:
    invite = _found(portal, call.id())
    if invite.status == "sent":
        invite.status = "canceled"
    return Reply({})


def expire(world: "LearnUponWorld", portal: Portal, number: int) -> None:
    """As if the 72 hours were over: the status stays `sent`, the link is dead."""
    invite = _found(portal, number)
    invite.expires = world.clock()
    invite.expires_at = stamp(invite.expires)


def _found(portal: Portal, number: int) -> Invite:
    invite = portal.invites.get(number)
    if invite is None:
        raise Problem(404, "group invite not found")
    return invite


def queue_course(world: "LearnUponWorld", portal: Portal, call: Call) -> Reply:
    """An enrollment that waits for the acceptance."""
    fields = call.wrapped("GroupInviteCourseEnrollment")
    invite = _found(portal, whole(fields.get("group_invite_id")) or 0)
    course = enrollments.find_course(portal, fields)
    if not invite.is_open(world.clock()):
        raise Problem(422, "the invitation is not open")
    if course.id not in invite.courses:
        invite.courses.append(course.id)
    return Reply({"group_invite_course_enrollment": {"id": world.next_id("queued")}}, status=201)


def accept(world: "LearnUponWorld", portal: Portal, invite: Invite, password: str) -> User:
    """Makes the account: data from the invitation, then its group's courses, then those that were queued."""
    user = accounts.new_user(world, invite.email, "", password)
    user.first_name, user.last_name, user.user_type = invite.first_name, invite.last_name, invite.user_type
    user.values, user.account_expires = dict(invite.values), invite.account_expires
    user.sf_contact_id, user.sf_user_id = invite.sf_contact_id, invite.sf_user_id
    invite.status = "accepted"
    accounts.add(world, portal, user)
    group = portal.groups.get(invite.group_id or 0)
    if group is not None:
        groups.join(world, portal, group, user, enroll=True)
    for course_id in invite.courses:
        if course_id in portal.courses and not enrollments.current(portal, user, course_id):
            enrollments.add(world, portal, user, portal.courses[course_id])
    return user
