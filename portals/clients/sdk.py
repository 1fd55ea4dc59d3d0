"""The one seam to `hubspot-api-client`: its requests go over our wire, and their paths become the dated ones.

The client speaks urllib3 without a time-out and calls numbered paths that HubSpot retires in 2027
(https://developers.hubspot.com/docs/api-reference). `api_factory` is its supported hook; `rest_client.pool_manager`
is the one attribute leant on. tests/portals/test_sdk_seam.py fails when either stops holding.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson
from hubspot.discovery.automation.actions.discovery import Discovery as Automation
from hubspot.discovery.crm.associations.v4.discovery import Discovery as Associations
from hubspot.discovery.crm.objects.discovery import Discovery as Objects
from hubspot.discovery.crm.owners.discovery import Discovery as Owners
from hubspot.discovery.crm.properties.discovery import Discovery as Properties
from hubspot.discovery.crm.schemas.discovery import Discovery as Schemas

from portals.clients.http import Answer
from portals.clients.limiter import Budget
from portals.clients.versions import dated

Send = Callable[[str, str, bytes | None, Budget], Answer]


class _Response:
    """What the client hands back untouched under `_preload_content=False`."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.status = answer.status
        self.reason = ""
        self.data = answer.body


def ask(method: Callable[..., Any], *args: Any, **query: Any) -> Answer:
    """Call one of the client's methods and have our own answer back, unread: its typed answers cost eight times
    the processor time. Bodies go in as bytes, because the client walks and writes others value by value."""
    ready = (orjson.dumps(arg) if isinstance(arg, dict) else arg for arg in args)
    response: _Response = method(*ready, _preload_content=False, **query)
    return response.answer


class _Wire:
    """Stands where the client keeps its urllib3 pool."""

    def __init__(self, send: Send) -> None:
        self._send = send

    def request(
        self, method: str, url: str, body: bytes | None = None, fields: Any = None, **ignored: Any
    ) -> _Response:
        parts = urlsplit(url)
        query = parts.query or urlencode(fields or [])
        path = dated(parts.path) + (f"?{query}" if query else "")
        budget = Budget.GENERAL
        if path.startswith("/crm/associations/"):
            budget = Budget.ASSOCIATIONS
        elif parts.path.endswith("/search"):
            budget = Budget.SEARCH
        return _Response(self._send(method, path, body, budget))


class Sdk:
    """The parts of the client we use, each made once."""

    def __init__(self, send: Send) -> None:
        self._config = {"api_factory": self._make}
        self._wire = _Wire(send)

    def _make(self, package: Any, name: str, config: dict[str, Any]) -> Any:
        client = package.ApiClient(configuration=package.Configuration())
        client.rest_client.pool_manager = self._wire
        # Any type but JSON makes the client hand a body through as it is. Our own wire says what it really is.
        client.set_default_header("Content-Type", "application/octet-stream")
        return getattr(package, name)(api_client=client)

    @cached_property
    def callbacks(self) -> Any:
        return Automation(self._config).callbacks_api

    @cached_property
    def batches(self) -> Any:
        return Objects(self._config).batch_api

    @cached_property
    def records(self) -> Any:
        return Objects(self._config).basic_api

    @cached_property
    def associations(self) -> Any:
        return Associations(self._config).batch_api

    @cached_property
    def properties(self) -> Any:
        return Properties(self._config).core_api

    @cached_property
    def schemas(self) -> Any:
        return Schemas(self._config).core_api

    @cached_property
    def owners(self) -> Any:
        return Owners(self._config).owners_api
