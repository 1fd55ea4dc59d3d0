"""Pages for people: the start, HubSpot's consent screen, and everybody's mail."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, select_autoescape

from sandbox.errors import ControlError
from sandbox.hubspot.oauth import Consent, ConsentError, shortcut
from sandbox.worlds import Worlds

Page = Callable[[Worlds, web.Request], Awaitable[web.StreamResponse]]
_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent.parent / "templates"),
    autoescape=select_autoescape(),
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(template: str, /, *, status: int = 200, **context: Any) -> web.Response:
    text = _templates.get_template(f"hubspot/{template}.html").render(**context)
    return web.Response(status=status, text=text, content_type="text/html")


def page(worlds: Worlds, show: Page) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await show(worlds, request)
        except ControlError as error:
            return render("refused", status=error.status, message=error.message)

    return answer


async def start(worlds: Worlds, request: web.Request) -> web.StreamResponse:
    return render(
        "start",
        accounts=worlds.hubspot.accounts.values(),
        installs=worlds.hubspot.installs.current,
        portals=worlds.learnupon.portals.values(),
        learnupon=worlds.learnupon.base_url,
        hubsync=worlds.configuration.public_url,
        mails=len(worlds.mails.mails),
    )


async def authorize(worlds: Worlds, request: web.Request) -> web.StreamResponse:
    """HubSpot's consent screen; the account may be chosen in advance by the path."""
    try:
        consent = Consent(worlds.hubspot, request.query)
        address = shortcut(consent)
    except ConsentError as error:
        return render("consent_error", status=400, message=str(error))
    if address is not None:
        raise web.HTTPFound(address)
    chosen = request.match_info.get("hub_id")
    accounts = [a for a in worlds.hubspot.accounts.values() if chosen in (None, str(a.hub_id))]
    query = urlencode(dict(request.query))
    return render("consent", scopes=sorted(consent.granted()), accounts=accounts, query=query)


async def mails(worlds: Worlds, request: web.Request) -> web.StreamResponse:
    to = request.query.get("to", "").strip().lower()
    found = [mail for mail in reversed(worlds.mails.mails) if to in mail["to"].lower()]
    return render("mails", mails=found[:200], to=to)


async def mail(worlds: Worlds, request: web.Request) -> web.StreamResponse:
    wanted = request.match_info["id"]
    for one in worlds.mails.mails:
        if str(one["id"]) == wanted:
            return render("mail", mail=one)
    raise ControlError(404, f"there is no mail {wanted}")


def add_routes(app: web.Application, worlds: Worlds) -> None:
    app.router.add_get("/", page(worlds, start))
    app.router.add_get("/oauth/authorize", page(worlds, authorize))
    app.router.add_get(r"/oauth/{hub_id:\d+}/authorize", page(worlds, authorize))
    app.router.add_get("/mails", page(worlds, mails))
    app.router.add_get("/mails/{id}", page(worlds, mail))
