"""What a learner sees: logging in, setting a password, accepting an invitation, taking courses."""

import secrets

from aiohttp import web

from sandbox.learnupon import accounts, enrollments, invites, letters, progress
from sandbox.learnupon.pages import form, page, render
from sandbox.learnupon.records import FINISHED, Invite, Portal, User, same, stamp
from sandbox.learnupon.seed import PASSWORD
from sandbox.learnupon.users import MIN_PASSWORD
from sandbox.learnupon.world import LearnUponWorld

COOKIE = "learnupon_session"
TOO_SHORT = f"A password needs at least {MIN_PASSWORD} characters."


def add_routes(app: web.Application, world: LearnUponWorld) -> None:
    async def start(request: web.Request) -> web.StreamResponse:
        return render("start", None, portals=world.portals.values())

    app.router.add_get("/", start)
    for method, path, show in (
        ("GET", "", home),
        ("GET", "/", home),
        ("GET", "/login", login_form),
        ("POST", "/login", login),
        ("POST", "/logout", logout),
        ("POST", "/company-login", company_login),
        ("GET", "/forgot-password", forgot_form),
        ("POST", "/forgot-password", forgot),
        ("GET", "/reset-password/{token}", reset_form),
        ("POST", "/reset-password/{token}", reset),
        ("GET", "/accept_invitation/{token}", invitation_form),
        ("POST", "/accept_invitation/{token}", invitation),
        ("POST", r"/courses/{enrollment_id:\d+}/{step:start|finish|relaunch}", take_course),
    ):
        app.router.add_route(method, "/{subdomain}" + path, page(world, show))


def signed_in(world: LearnUponWorld, portal: Portal, request: web.Request) -> User | None:
    subdomain, user_id = world.sessions.get(request.cookies.get(COOKIE, ""), ("", 0))
    user = portal.users.get(user_id) if subdomain == portal.subdomain else None
    return user if user is not None and user.enabled else None


async def home(world: LearnUponWorld, portal: Portal, request: web.Request) -> web.StreamResponse:
    user = signed_in(world, portal, request)
    if user is None:
        raise web.HTTPFound(f"/{portal.subdomain}/login")
    today = enrollments.today(world)
    taken = portal.by_user.get(user.id, {}).values()
    rows = [enrollments.describe(row, today) for row in taken if not row.unenrolled]
    return render("home", portal, user=user, enrollments=rows, finished=FINISHED)


async def login_form(world: LearnUponWorld, portal: Portal, request: web.Request) -> web.StreamResponse:
    return _login_page(portal)


def _login_page(portal: Portal, *, refused: str = "", status: int = 200) -> web.Response:
    return render("login", portal, refused=refused, seed_password=PASSWORD, status=status)


async def login(world: LearnUponWorld, portal: Portal, request: web.Request) -> web.StreamResponse:
    if portal.sso != "none":
        return _login_page(portal, refused="This portal uses your company login.", status=403)
    fields = await form(request)
    name = same(fields.get("email", ""))
    user = portal.by_email.get(name) or portal.by_username.get(name)
    if user is None or not secrets.compare_digest(
        user.password.encode(), fields.get("password", "").encode()
    ):
        return _login_page(portal, refused="Wrong e-mail or password.", status=401)
    if not user.enabled:
        return _login_page(portal, refused="This account is disabled.", status=403)
    if user.must_change_password:
        token = letters.reset_token(world, portal, user)
        raise web.HTTPFound(f"/{portal.subdomain}/reset-password/{token}")
    return _enter(world, portal, user)


async def company_login(world: LearnUponWorld, portal: Portal, request: web.Request) -> web.StreamResponse:
    """Stands in for the customer's identity provider: whoever it names is let in without a password."""
    user = portal.by_email.get(same((await form(request)).get("email", "")))
    if portal.sso == "none" or user is None or not user.enabled:
        return _login_page(portal, refused="The company login does not know this person.", status=403)
    return _enter(world, portal, user)


def _enter(world: LearnUponWorld, portal: Portal, user: User) -> web.Response:
    token = secrets.token_urlsafe(24)
    world.sessions[token] = (portal.subdomain, user.id)
    user.sign_in_count += 1
    user.last_sign_in_at = stamp(world.clock())
    response = web.Response(status=302, headers={"Location": f"/{portal.subdomain}/"})
    response.set_cookie(COOKIE, token, httponly=True, samesite="Lax", path=f"/{portal.subdomain}")
    return response


async def logout(world: LearnUponWorld, portal: Portal, request: web.Request) -> web.StreamResponse:
    world.sessions.pop(request.cookies.get(COOKIE, ""), None)
    raise web.HTTPFound(f"/{portal.subdomain}/login")


async def forgot_form(world: LearnUponWorld, portal: Portal, request: web.Request) -> web.StreamResponse:
    return render("forgot", portal, sent_to="")


async def forgot(world: LearnUponWorld, portal: Portal, request: web.Request) -> web.StreamResponse:
    """Says the same whether or not the address is known."""
    if portal.sso != "none":
        return render("forgot", portal, sent_to="", status=403)
    email = (await form(request)).get("email", "")
    user = portal.by_email.get(same(email))
    if user is not None:
        letters.password_reset(world, portal, user)
    return render("forgot", portal, sent_to=email)


def _reset_user(world: LearnUponWorld, portal: Portal, request: web.Request) -> User | None:
    subdomain, user_id = world.reset_tokens.get(request.match_info["token"], ("", 0))
    return portal.users.get(user_id) if subdomain == portal.subdomain else None


async def reset_form(world: LearnUponWorld, portal: Portal, request: web.Request) -> web.StreamResponse:
    user = _reset_user(world, portal, request)
    return render("password", portal, user=user, refused="", status=200 if user else 404)


async def reset(world: LearnUponWorld, portal: Portal, request: web.Request) -> web.StreamResponse:
    user = _reset_user(world, portal, request)
    password = (await form(request)).get("password", "")
    if user is None:
        return render("password", portal, user=None, refused="", status=404)
    if len(password) < MIN_PASSWORD:
        return render("password", portal, user=user, refused=TOO_SHORT, status=400)
    world.reset_tokens.pop(request.match_info["token"])
    accounts.set_password(world, portal, user, password)
    return _enter(world, portal, user)


def _open_invite(world: LearnUponWorld, portal: Portal, request: web.Request) -> Invite | None:
    subdomain, invite_id = world.invite_tokens.get(request.match_info["token"], ("", 0))
    invite = portal.invites.get(invite_id) if subdomain == portal.subdomain else None
    return invite if invite and portal.accepts(invite, world.clock()) else None


def _invitation_page(
    world: LearnUponWorld, portal: Portal, invite: Invite | None, refused: str = ""
) -> web.Response:
    known = invite is not None and bool(accounts.elsewhere(world, portal, invite.email))
    status = 400 if refused else 200 if invite else 404
    return render("invitation", portal, invite=invite, known=known, refused=refused, status=status)


async def invitation_form(world: LearnUponWorld, portal: Portal, request: web.Request) -> web.StreamResponse:
    return _invitation_page(world, portal, _open_invite(world, portal, request))


async def invitation(world: LearnUponWorld, portal: Portal, request: web.Request) -> web.StreamResponse:
    """Someone the realm knows keeps the login they have; others choose a password."""
    invite = _open_invite(world, portal, request)
    fields = await form(request)
    if invite is None:
        return _invitation_page(world, portal, None)
    if fields.get("answer") == "decline":
        invite.status = "rejected"
        return _invitation_page(world, portal, None)
    password = fields.get("password", "")
    if len(password) < MIN_PASSWORD and not accounts.elsewhere(world, portal, invite.email):
        return _invitation_page(world, portal, invite, TOO_SHORT)
    return _enter(world, portal, invites.accept(world, portal, invite, password))


async def take_course(world: LearnUponWorld, portal: Portal, request: web.Request) -> web.StreamResponse:
    user = signed_in(world, portal, request)
    enrollment = portal.enrollments.get(int(request.match_info["enrollment_id"]))
    if user is None or enrollment is None or enrollment.user is not user or enrollment.unenrolled:
        raise web.HTTPNotFound
    step = request.match_info["step"]
    if step == "finish":
        progress.move(world, portal, enrollment, "passed", percentage=90, percentage_complete=100)
    else:
        progress.move(world, portal, enrollment, "in_progress", percentage_complete=40)
    raise web.HTTPFound(f"/{portal.subdomain}/")
