"""LearnUpon's addresses: `/{subdomain}/api/v1/…` and the pages, on one aiohttp app.

Checks what comes before any handler: portal, keys, allowance, body. Order and bodies as observed.
"""

import base64
import binascii
import hmac
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from sandbox.learnupon import (
    admin_pages,
    audit,
    courses,
    enrollments,
    groups,
    invites,
    learner_pages,
    limits,
    paths,
    portals,
    progress,
    users,
)
from sandbox.learnupon.errors import BAD_JSON, Problem, error_body
from sandbox.learnupon.records import Portal
from sandbox.learnupon.wire import Call, Handler, Reply
from sandbox.learnupon.world import LearnUponWorld

MAX_BODY = 5_000_000
_request_ids = itertools.count(1)

API: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/users", users.index),
    ("GET", "/users/search", users.search),
    ("GET", "/users/customuserdata", users.definitions),
    ("GET", r"/users/{id:\d+}", users.show),
    ("POST", "/users", users.create),
    ("PUT", r"/users/{id:\d+}", users.update),
    ("DELETE", r"/users/{id:\d+}", users.delete),
    ("POST", "/portal_invite", invites.invite_to_portal),
    ("POST", "/group_invites", invites.invite_to_group),
    ("GET", "/group_invites", invites.index),
    ("GET", r"/group_invites/{id:\d+}", invites.show),
    ("DELETE", r"/group_invites/{id:\d+}", invites.cancel),
    ("POST", "/group_invite_course_enrollments", invites.queue_course),
    ("GET", "/groups", groups.index),
    ("POST", "/groups", groups.create),
    ("PUT", r"/groups/{id:\d+}", groups.update),
    ("DELETE", r"/groups/{id:\d+}", groups.delete),
    ("GET", "/group_memberships", groups.memberships),
    ("POST", "/group_memberships", groups.add_member),
    ("DELETE", r"/group_memberships/{id:\d+}", groups.remove_member),
    ("GET", "/courses", courses.index),
    ("GET", "/modules", courses.modules),
    ("GET", "/enrollments", enrollments.refuse_bare_list),
    ("GET", "/enrollments/search", enrollments.search),
    ("GET", r"/enrollments/{id:\d+}", enrollments.show),
    ("GET", r"/enrollments/{id:\d+}/modules", enrollments.modules),
    ("POST", "/enrollments", enrollments.create),
    ("PATCH", r"/enrollments/{id:\d+}", enrollments.update),
    ("DELETE", r"/enrollments/{id:\d+}", enrollments.delete),
    ("POST", "/markcompletes", progress.mark_complete),
    ("GET", "/learning_paths", paths.index),
    ("GET", "/learning_path_enrollments/search", paths.search),
    ("GET", r"/learning_path_enrollments/{id:\d+}", paths.show),
    ("POST", "/learning_path_enrollments", paths.enroll),
    ("GET", "/portals", portals.index),
    ("GET", "/portals/membership_types", portals.membership_types),
    # One source says GET, another POST.
    ("GET", r"/portals/{id:\d+}/generate_keys", portals.generate_keys),
    ("POST", r"/portals/{id:\d+}/generate_keys", portals.generate_keys),
    ("GET", "/audit-trails", audit.trail),
)


def add_routes(app: web.Application, world: LearnUponWorld) -> None:
    for method, path, handler in API:
        app.router.add_route(method, "/{subdomain}/api/v1" + path, _endpoint(world, handler))
    app.router.add_route("*", "/{subdomain}/api/v1/bulk-operations/{rest:.*}", _endpoint(world, _bulk_off))
    app.router.add_route("*", "/{subdomain}/api/v1/{rest:.*}", _endpoint(world, _no_route))
    learner_pages.add_routes(app, world)
    admin_pages.add_routes(app, world)


def _bulk_off(world: LearnUponWorld, portal: Portal, call: Call) -> Reply:
    return Reply({"error": "feature_not_enabled"}, status=403)


def _no_route(world: LearnUponWorld, portal: Portal, call: Call) -> Reply:
    raise Problem(404, "The requested resource could not be found")


def _endpoint(world: LearnUponWorld, handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        portal = world.portals.get(request.match_info["subdomain"])
        if portal is None:
            return web.Response(
                status=404, text="<h1>This portal does not exist</h1>", content_type="text/html"
            )
        body = await _body(request)
        if body is None:
            return _json(400, BAD_JSON, {})
        refused = _keys_refused(world, portal, request)
        if refused is not None:
            return refused
        return _spend_and_run(world, portal, handler, Call(request.match_info, request.query, body))

    return answer


async def _body(request: web.Request) -> dict[str, Any] | None:
    """The JSON object sent; None for bad JSON, which an empty body announced as JSON is too, on GET as well."""
    raw = await request.read()
    if "json" not in request.headers.get("Content-Type", ""):
        return {}
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None


def _keys_refused(world: LearnUponWorld, portal: Portal, request: web.Request) -> web.Response | None:
    """The body of a 401 is not known: assumed plain text, and JSON for keys that live in another portal."""
    pair = _basic(request.headers.get("Authorization", ""))
    if _matches(portal, pair):
        return None
    if pair[0] and any(_matches(other, pair) for other in world.portals.values()):
        return _json(401, error_body(401, "These API keys do not belong to this portal"), {})
    headers = {"WWW-Authenticate": 'Basic realm="Application"'}
    return web.Response(status=401, text="HTTP Basic: Access denied.\n", headers=headers)


def _matches(portal: Portal, pair: tuple[str, str]) -> bool:
    wanted = f"{portal.key}:{portal.secret}".encode()
    return hmac.compare_digest(wanted, ":".join(pair).encode())


def _basic(header: str) -> tuple[str, str]:
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, secret


def _spend_and_run(world: LearnUponWorld, portal: Portal, handler: Handler, call: Call) -> web.Response:
    """The allowance is counted per portal; its headers come with 2xx only (observed)."""
    enforced, minute = world.options.rate_limits == "on", world.options.learnupon_minute
    if enforced and not limits.spend(portal, world.clock(), minute):
        return _json(429, error_body(429, "API rate limit exceeded"), {})
    try:
        reply = handler(world, portal, call)
    except Problem as problem:
        return _json(problem.status, problem.body, {})
    if reply.status < 300:
        reply.headers |= limits.headers(portal, minute, enforced=enforced)
    return _json(reply.status, reply.body, reply.headers)


def _json(status: int, body: Any, headers: dict[str, str]) -> web.Response:
    headers = headers | {"X-Request-Id": f"sandbox-{next(_request_ids)}"}
    return web.Response(
        status=status, body=orjson.dumps(body), content_type="application/json", headers=headers
    )
