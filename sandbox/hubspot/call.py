"""One API call as its handler sees it, and the road every call takes: token, limit, body, handler, answer.

Handlers are plain functions: nothing is awaited between reading state and changing it.
"""

from collections.abc import Callable
from typing import Any

import orjson
from aiohttp import web

from sandbox.hubspot.account import Account
from sandbox.hubspot.errors import HubSpotError, invalid, missing_scopes
from sandbox.hubspot.installs import Install
from sandbox.hubspot.records import Store
from sandbox.hubspot.world import HubSpotWorld

Answer = tuple[int, Any]
# Whose token a request carried, for the request log.
ACCOUNT = web.RequestKey("account", int)


class Call:
    __slots__ = ("_request", "account", "install", "path", "raw", "world")

    def __init__(self, world: HubSpotWorld, request: web.Request, install: Install, raw: bytes) -> None:
        self.world = world
        self.install = install
        self.account: Account = world.accounts[install.hub_id]
        self.path = request.match_info
        self.raw = raw
        self._request = request

    def query(self, name: str) -> str:
        return self._request.query.get(name, "")

    def names(self) -> list[str]:
        """`properties=a,b` or repeated."""
        return [name for value in self._request.query.getall("properties", []) for name in value.split(",")]

    def archived(self) -> bool:
        return self.query("archived").lower() == "true"

    def number(self, name: str, default: int, most: int) -> int:
        text = self.query(name) or str(default)
        if not text.isdecimal() or not 0 < int(text) <= most:
            raise invalid(f"Invalid input: {name} must be between 1 and {most}")
        return int(text)

    def body(self) -> dict[str, Any]:
        parsed = self.json()
        if not isinstance(parsed, dict):
            raise invalid("Invalid input JSON on line 1, column 1: expected an object")
        return parsed

    def json(self) -> Any:
        try:
            return orjson.loads(self.raw)
        except orjson.JSONDecodeError as error:
            raise invalid(
                f"Invalid input JSON on line {error.lineno}, column {error.colno}: Unexpected character"
            ) from None

    def need(self, *scopes: str) -> None:
        """Any one of the scopes will do."""
        if not any(scope in self.install.scopes for scope in scopes):
            raise missing_scopes(list(scopes))

    def store(self, action: str, name: str | None = None) -> Store:
        """The records of the type in the path, once the scopes for view, create, edit or delete are there."""
        asked = name or self.path["type"]
        store = self.account.store(asked)
        if store is None:
            raise invalid(f"Unable to infer object type from: {asked}")
        self.need(*record_scopes(self.world, store, action))
        return store

    def schema_scope(self, store: Store) -> None:
        """Reading an object type's properties needs no schema scope where its records may be read."""
        if store.kind.type_id.startswith("1-"):
            self.need(self.world.app_object.schema_scopes[0], "crm.objects.custom.read")
        else:
            self.need(f"crm.objects.{store.kind.name}.read", f"crm.schemas.{store.kind.name}.read")


def record_scopes(world: HubSpotWorld, store: Store, action: str) -> tuple[str, str]:
    broad = "read" if action == "view" else "write"
    if store.kind.type_id.startswith("1-"):
        return f"crm.app.objects.{world.app_object.name}.{action}", f"crm.objects.custom.{broad}"
    scope = f"crm.objects.{store.kind.name}.{broad}"
    return scope, scope


Endpoint = Callable[[Call], Answer]


def answer(status: int, payload: Any, headers: dict[str, str] | None = None) -> web.Response:
    if payload is None:
        return web.Response(status=status, headers=headers)
    return web.Response(
        status=status, body=orjson.dumps(payload), content_type="application/json", headers=headers
    )


def endpoint(world: HubSpotWorld, bucket: str, handler: Endpoint) -> Callable[[web.Request], Any]:
    async def run(request: web.Request) -> web.Response:
        raw = await request.read()
        headers: dict[str, str] = {}
        try:
            install = world.installs.bearer(request.headers.get("Authorization", ""))
            request[ACCOUNT] = install.hub_id
            headers = world.limits.take(bucket, install.hub_id)
            status, payload = handler(Call(world, request, install, raw))
        except HubSpotError as refused:
            return answer(refused.status, refused.body, {**headers, **refused.headers})
        return answer(status, payload, headers)

    return run
