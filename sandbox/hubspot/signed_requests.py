"""Requests HubSpot makes for a person at work: options for a drop-down in the workflow editor, a card's fetch.

https://developers.hubspot.com/docs/apps/developer-platform/add-features/ui-extensions/fetching-data
"""

from typing import Any
from urllib.parse import urlencode

import aiohttp
import orjson
from aiohttp import web
from yarl import URL

from sandbox.control import need
from sandbox.errors import ControlError
from sandbox.hubspot import signing
from sandbox.hubspot.world import HubSpotWorld

OPTIONS = "/webhooks/hubspot/options/"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# `hubspot.fetch` waits 15 s unless told otherwise.
SECONDS = 15.0
Row = dict[str, Any]


async def send(world: HubSpotWorld, method: str, path: str, body: bytes) -> Row:
    """One signed request, and what came back: `{status, body}`."""
    settings = world.configuration
    url = settings.public_url + path
    headers = {
        "Content-Type": "application/json",
        **signing.v2(settings.client_secret, method, url, body),
        **signing.v3(settings.client_secret, method, url, body, int(world.clock() * 1000)),
    }
    waits = aiohttp.ClientTimeout(total=SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=waits) as session,
            session.request(
                method, URL(url, encoded=True), data=body, headers=headers, allow_redirects=False
            ) as answer,
        ):
            return {"status": answer.status, "body": _parsed(await answer.read())}
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise ControlError(502, f"no answer: {type(error).__name__}") from error


def _parsed(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return content.decode(errors="replace")


async def fetch_options(world: HubSpotWorld, wanted: Row) -> Row:
    """`{account, field, inputs, q, after}`: what the editor asks while a step is being filled in."""
    hub_id, field = need(wanted, "account", "field")
    world.account(hub_id)
    inputs = wanted.get("inputs") or {}
    body = {
        "origin": {"portalId": hub_id, "actionDefinitionId": 259_551_000, "actionDefinitionVersion": 1},
        "objectTypeId": "0-1",
        "inputFieldName": field,
        "inputFields": {n: {"type": "STATIC_VALUE", "value": str(v)} for n, v in inputs.items()},
        "fetchOptions": {name: str(wanted[name]) for name in ("q", "after") if wanted.get(name)},
    }
    return await send(world, "POST", f"{OPTIONS}{field}", orjson.dumps(body))


async def fetch(world: HubSpotWorld, wanted: Row) -> Row:
    """`{account, path, method, query, body}`: a card's `hubspot.fetch`, with what HubSpot's proxy adds to it."""
    hub_id, path = need(wanted, "account", "path")
    person, method = world.account(hub_id).installer, str(wanted.get("method", "GET")).upper()
    if method not in METHODS or not str(path).startswith("/"):
        raise ControlError(400, f"path begins with /; method is one of {', '.join(METHODS)}")
    added = {
        "userId": person["id"],
        "portalId": hub_id,
        "userEmail": person["email"],
        "appId": world.configuration.app_id,
    }
    query = urlencode({**(wanted.get("query") or {}), **added})
    body = orjson.dumps(wanted["body"]) if wanted.get("body") is not None else b""
    return await send(world, method, f"{path}?{query}", body)


def add_routes(app: web.Application, world: HubSpotWorld) -> None:
    for name, work in (("fetch-options", fetch_options), ("fetch", fetch)):
        app.router.add_post(f"/_sandbox/{name}", _control(world, work))


def _control(world: HubSpotWorld, work: Any) -> Any:
    async def run(request: web.Request) -> web.Response:
        try:
            return web.json_response(await work(world, await request.json()))
        except ControlError as error:
            return web.json_response({"error": error.message}, status=error.status)

    return run
