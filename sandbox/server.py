"""Both HTTP servers and the mail sink on one loop; every API call passes log, fault and latency here."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Middleware

from sandbox import control
from sandbox.faults import Handler, VendorBody, apply
from sandbox.hubspot import app_pages, pages, record_pages, routes, signed_requests
from sandbox.hubspot import errors as hubspot_errors
from sandbox.hubspot.call import ACCOUNT
from sandbox.learnupon import errors as learnupon_errors
from sandbox.learnupon.routes import add_routes as add_learnupon_routes
from sandbox.options import Configuration
from sandbox.worlds import Worlds

HOST = "127.0.0.1"
STATIC = Path(__file__).parent / "static"
# More than the largest batch (2,000 associations) and more than a benchmark's contacts need.
MOST_BYTES = 64 * 1024 * 1024


class Sandbox:
    def __init__(self, configuration: Configuration) -> None:
        self.worlds = Worlds(configuration)
        self.hubspot_url = self.learnupon_url = ""
        self.smtp_port = 0
        self._runners: list[web.AppRunner] = []

    async def start(self) -> None:
        settings = self.worlds.configuration
        self.hubspot_url = await self._serve(hubspot_app(self.worlds), settings.hubspot_port)
        self.learnupon_url = await self._serve(learnupon_app(self.worlds), settings.learnupon_port)
        self.worlds.learnupon.base_url = self.learnupon_url
        self.smtp_port = await self.worlds.mails.start(HOST, settings.smtp_port)

    async def stop(self) -> None:
        await self.worlds.outbox.close()
        await self.worlds.mails.stop()
        await asyncio.gather(*(runner.cleanup() for runner in self._runners))

    async def _serve(self, app: web.Application, port: int) -> str:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        self._runners.append(runner)
        await web.TCPSite(runner, HOST, port, backlog=512).start()
        return f"http://{HOST}:{runner.addresses[0][1]}"


def hubspot_app(worlds: Worlds) -> web.Application:
    passing = _passing(worlds, "hubspot", _is_hubspot_api, hubspot_errors.body_for)
    app = web.Application(middlewares=[passing], client_max_size=MOST_BYTES)
    app.router.add_static("/static", STATIC)
    control.add_routes(app, worlds)
    signed_requests.add_routes(app, worlds.hubspot)
    routes.add_routes(app, worlds.hubspot)
    pages.add_routes(app, worlds)
    app_pages.add_routes(app, worlds)
    record_pages.add_routes(app, worlds)
    return app


def learnupon_app(worlds: Worlds) -> web.Application:
    passing = _passing(worlds, "learnupon", _is_learnupon_api, _learnupon_body)
    app = web.Application(middlewares=[passing], client_max_size=MOST_BYTES)
    app.router.add_static("/static", STATIC)
    add_learnupon_routes(app, worlds.learnupon)
    return app


def _is_hubspot_api(path: str) -> bool:
    """Pages that a person clicks and the control addresses are not logged, spoilt or slowed."""
    return path.startswith(("/crm", "/oauth/2", "/oauth/v", "/automation", "/account-info", "/appinstalls"))


def _is_learnupon_api(path: str) -> bool:
    return path.split("/", 3)[2:3] == ["api"]


def _learnupon_body(status: int) -> bytes:
    return web.json_response(learnupon_errors.error_body(status, "a fault")).body  # type: ignore[return-value]


def _passing(worlds: Worlds, service: str, is_api: Callable[[str], bool], body: VendorBody) -> Middleware:
    """Log -> fault -> latency -> handler."""

    async def slowed(request: web.Request, handler: Handler) -> web.StreamResponse:
        if worlds.options.latency_ms:
            await asyncio.sleep(worlds.options.latency_ms / 1000)
        return await handler(request)

    async def passing(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not is_api(request.path):
            return await handler(request)
        status, at = 499, worlds.log.now()
        try:
            fault = worlds.faults.strike(service, request, _account(worlds, service, request))
            if fault is None:
                response = await slowed(request, handler)
            else:
                response = await apply(fault, request, lambda again: slowed(again, handler), body)
            status = response.status
            return response
        except web.HTTPException as error:
            status = error.status
            raise
        finally:
            account = _account(worlds, service, request)
            worlds.log.add(service, request.method, request.path, account, status, at)

    return web.middleware(passing)


def _account(worlds: Worlds, service: str, request: web.Request) -> object:
    """The hub id that the token stands for, also where a fault kept the call from its handler; or the subdomain."""
    if service == "learnupon":
        return request.path.split("/", 2)[1]
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    known = worlds.hubspot.installs.access.get(token)
    return request.get(ACCOUNT) or (known.install.hub_id if known else None)
