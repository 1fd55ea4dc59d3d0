"""What the learners' and the admin's pages share: templates and finding the portal."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, select_autoescape

from sandbox.learnupon.records import Portal
from sandbox.learnupon.world import LearnUponWorld

Page = Callable[[LearnUponWorld, Portal, web.Request], Awaitable[web.StreamResponse]]
_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent.parent / "templates"),
    autoescape=select_autoescape(),
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(world: LearnUponWorld, show: Page) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(request: web.Request) -> web.StreamResponse:
        portal = world.portals.get(request.match_info["subdomain"])
        if portal is None:
            return web.Response(status=404, text="This portal does not exist")
        return await show(world, portal, request)

    return answer


def render(name: str, portal: Portal | None, *, status: int = 200, **context: Any) -> web.Response:
    root = f"/{portal.subdomain}" if portal else ""
    text = _templates.get_template(f"learnupon/{name}.html").render(portal=portal, root=root, **context)
    return web.Response(status=status, text=text, content_type="text/html")


async def form(request: web.Request) -> dict[str, str]:
    return {name: value.strip() for name, value in (await request.post()).items() if isinstance(value, str)}
