"""Pages for people: consent, records, workflow history, mail."""

from aiohttp import web

from sandbox.hubspot.oauth import Consent, ConsentError, shortcut
from sandbox.worlds import Worlds


def add_routes(app: web.Application, worlds: Worlds) -> None:
    async def authorize(request: web.Request) -> web.StreamResponse:
        try:
            consent = Consent(worlds.hubspot, request.query)
            address = shortcut(consent)
        except ConsentError as error:
            return web.Response(status=400, text=str(error))
        if address is not None:
            raise web.HTTPFound(address)
        return web.Response(text="choose")

    app.router.add_get("/oauth/authorize", authorize)
