"""What an admin does in LearnUpon's own pages and no API offers: webhook settings, fields, keys, people."""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from sandbox.learnupon import accounts, courses, customdata, enrollments, groups, invites, portals, progress
from sandbox.learnupon.errors import Problem
from sandbox.learnupon.pages import form, page, render
from sandbox.learnupon.records import Definition, Portal, User
from sandbox.learnupon.wire import whole
from sandbox.learnupon.world import LearnUponWorld

ROWS = 50
Fields = dict[str, str]


def add_routes(app: web.Application, world: LearnUponWorld) -> None:
    app.router.add_get("/{subdomain}/admin", page(world, show))
    app.router.add_post("/{subdomain}/admin/{deed}", page(world, do))


async def show(world: LearnUponWorld, portal: Portal, request: web.Request) -> web.StreamResponse:
    return _admin_page(world, portal, whole(request.query.get("page")) or 1)


def _admin_page(
    world: LearnUponWorld, portal: Portal, number: int, refused: str = "", status: int = 200
) -> web.Response:
    start = (max(number, 1) - 1) * ROWS
    today = enrollments.today(world)
    context: dict[str, Any] = {
        "users": list(portal.users.values())[start : start + ROWS],
        "enrollments": [
            enrollments.describe(row, today)
            for row in list(portal.enrollments.values())[start : start + ROWS]
        ],
        "invites": list(portal.invites.values())[::-1][:ROWS],
        "courses": list(portal.courses.values())[:ROWS],
        "groups": list(portal.groups.values())[:ROWS],
        "more": max(len(portal.users), len(portal.enrollments)) > start + ROWS,
        "page": max(number, 1),
        "now": world.clock(),
        "refused": refused,
    }
    return render("admin", portal, status=status, **context)


async def do(world: LearnUponWorld, portal: Portal, request: web.Request) -> web.StreamResponse:
    """One form, one deed; then the page again."""
    deed = DEEDS.get(request.match_info["deed"])
    if deed is None:
        raise web.HTTPNotFound
    try:
        deed(world, portal, await form(request))
    except Problem as problem:
        return _admin_page(world, portal, 1, refused=problem.message, status=problem.status)
    raise web.HTTPFound(f"/{portal.subdomain}/admin")


def _user(portal: Portal, fields: Fields) -> User:
    user = portal.users.get(whole(fields.get("user_id")) or 0)
    if user is None:
        raise Problem(404, "user not found")
    return user


def _webhook(world: LearnUponWorld, portal: Portal, fields: Fields) -> None:
    portal.webhook_url, portal.webhook_secret = fields.get("url", ""), fields.get("secret", "")


def _progress(world: LearnUponWorld, portal: Portal, fields: Fields) -> None:
    enrollment = portal.enrollments.get(whole(fields.get("enrollment_id")) or 0)
    if enrollment is None:
        raise Problem(404, "enrollment not found")
    complete = 50.0 if fields.get("status") == "in_progress" else None
    score = {"passed": 88.0, "failed": 35.0}.get(fields.get("status", ""))
    progress.move(world, portal, enrollment, fields.get("status", ""), score, complete)


def _enroll(world: LearnUponWorld, portal: Portal, fields: Fields) -> None:
    user, course = _user(portal, fields), enrollments.find_course(portal, fields)
    if enrollments.current(portal, user, course.id) is None:
        enrollments.add(world, portal, user, course)


def _unenroll(world: LearnUponWorld, portal: Portal, fields: Fields) -> None:
    enrollment = portal.enrollments.get(whole(fields.get("enrollment_id")) or 0)
    if enrollment is None:
        raise Problem(404, "enrollment not found")
    enrollments.unenroll(world, portal, enrollment)


def _access(world: LearnUponWorld, portal: Portal, fields: Fields) -> None:
    accounts.set_enabled(world, portal, _user(portal, fields), enabled=fields.get("enabled") == "true")


def _expire_invite(world: LearnUponWorld, portal: Portal, fields: Fields) -> None:
    invites.expire(world, portal, whole(fields.get("invite_id")) or 0)


def _delete_user(world: LearnUponWorld, portal: Portal, fields: Fields) -> None:
    accounts.delete(world, portal, _user(portal, fields))


def _delete_course(world: LearnUponWorld, portal: Portal, fields: Fields) -> None:
    courses.delete(world, portal, whole(fields.get("course_id")) or 0)


def _join(world: LearnUponWorld, portal: Portal, fields: Fields) -> None:
    user, group = _user(portal, fields), portal.groups.get(whole(fields.get("group_id")) or 0)
    if group is None:
        raise Problem(404, "group not found")
    if user.id not in group.members:
        groups.join(world, portal, group, user, enroll=True)


def _field(world: LearnUponWorld, portal: Portal, fields: Fields) -> None:
    """Renames a custom field, turns text into a choice or back, or deletes it with everybody's value."""
    definition = portal.definitions.get(whole(fields.get("definition_id")) or 0)
    if definition is None:
        raise Problem(404, "field not found")
    if fields.get("label"):
        definition.label = fields["label"]
        return
    if "choices" in fields:
        _retype(definition, tuple(part.strip() for part in fields["choices"].split(",") if part.strip()))
        return
    del portal.definitions[definition.id]
    for user in portal.users.values():
        user.values.pop(definition.id, None)


def _retype(definition: Definition, choices: tuple[str, ...]) -> None:
    """String <-> String Choice is the one change of type that LearnUpon allows after saving."""
    if definition.type_id not in (customdata.STRING, customdata.STRING_CHOICE):
        raise Problem(400, "the type of this field cannot be changed")
    definition.type_id = customdata.STRING_CHOICE if choices else customdata.STRING
    definition.choices = choices


def _keys(world: LearnUponWorld, portal: Portal, fields: Fields) -> None:
    """New keys kill the old ones at once."""
    portals.replace_keys(portal)


def _realm(world: LearnUponWorld, portal: Portal, fields: Fields) -> None:
    world.top_of(portal).allow_existing = fields.get("allow_existing") == "true"


DEEDS: dict[str, Callable[[LearnUponWorld, Portal, Fields], None]] = {
    "webhook": _webhook,
    "progress": _progress,
    "enroll": _enroll,
    "unenroll": _unenroll,
    "access": _access,
    "delete-user": _delete_user,
    "expire-invite": _expire_invite,
    "delete-course": _delete_course,
    "join": _join,
    "field": _field,
    "keys": _keys,
    "realm": _realm,
}
