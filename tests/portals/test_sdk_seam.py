"""The seam to `hubspot-api-client`: whatever the client does goes over our wire, to a dated path, within our rules.

A new version of the client that writes other paths, or that no longer lets its pool be replaced, fails here.
"""

import json
import re
import socket
from collections.abc import Callable
from typing import Any

import pytest
import responses
from django.conf import settings

from portals.clients import limiter, sdk, versions
from portals.clients.batches import Row
from portals.clients.errors import Refused
from portals.clients.http import Answer
from portals.clients.hubspot import USERS, HubSpot
from portals.clients.limiter import Budget
from portals.lanes import Lane
from portals.models import HubSpotAccount

DATED = re.compile(r"^(/[a-z0-9-]+)+/20\d\d-\d\d(/|$)")
EMPTY: dict[str, Any] = {"results": []}
ROW = Row("1", '{"id": "k", "idProperty": "p", "objectWriteTraceId": "1", "properties": {"a": "ü"}}')
CALLS: list[tuple[str, Callable[[HubSpot], Any], str, str]] = [
    ("details", lambda h: h.details(), "GET", "/account-info/2026-09/details"),
    ("uninstall", lambda h: h.uninstall(), "DELETE", "/appinstalls/2026-09/external-install"),
    ("properties", lambda h: h.properties("contacts"), "GET", "/crm/properties/2026-09/contacts"),
    ("schema", lambda h: h.schema("a1_course_enrollment"), "GET", "/crm-object-schemas/2026-09/schemas/a1_course_enrollment"),
    ("owners", lambda h: list(h.owners()), "GET", "/crm/owners/2026-09"),
    ("users", lambda h: list(h.users(["hs_email"])), "GET", f"/crm/objects/2026-09/{USERS}"),
    ("read", lambda h: h.read("contacts", ["1"], ["email"]), "POST", "/crm/objects/2026-09/contacts/batch/read"),
    ("archived", lambda h: h.archived("contacts", ["1"]), "POST", "/crm/objects/2026-09/contacts/batch/read"),
    ("upsert", lambda h: h.upsert("2-1", [ROW]), "POST", "/crm/objects/2026-09/2-1/batch/upsert"),
    ("update", lambda h: h.update("2-1", [ROW]), "POST", "/crm/objects/2026-09/2-1/batch/update"),
    ("archive", lambda h: h.archive("2-1", ["1"]), "POST", "/crm/objects/2026-09/2-1/batch/archive"),
    ("associate", lambda h: h.associate("2-1", "contacts", [("1", "2")]), "POST",
     "/crm/associations/2026-09/2-1/contacts/batch/associate/default"),
    ("associated", lambda h: h.associated("contacts", "2-1", ["1"]), "POST",
     "/crm/associations/2026-09/contacts/2-1/batch/read"),
    ("complete", lambda h: h.complete([("ap-1", {"a": "b"})]), "POST", "/automation/actions/callbacks/2026-09/complete"),
    ("complete_one", lambda h: h.complete_one("ap-1", {"a": "b"}), "POST",
     "/automation/actions/callbacks/2026-09/ap-1/complete"),
]  # fmt: skip
NAMES = [name for name, *_ in CALLS]


@pytest.fixture
def hubspot(acme: HubSpotAccount, clean_limiter: None) -> HubSpot:
    return HubSpot(acme, Lane.LIVE)


@pytest.fixture
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may connect to where HubSpot is: `responses` answers above that. Redis and PostgreSQL are not concerned."""
    connect = socket.socket.connect

    def refuse(self: socket.socket, address: Any) -> Any:
        if isinstance(address, tuple) and address[1] == limiter.store().connection_pool.connection_kwargs.get(
            "port"
        ):
            return connect(self, address)
        raise AssertionError(f"a call by-passed our wire: {address}")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.mark.parametrize(("name", "call", "method", "path"), CALLS, ids=NAMES)
def test_every_call_goes_over_our_wire_to_a_dated_path(
    hubspot: HubSpot, no_sockets: None, name: str, call: Callable[[HubSpot], Any], method: str, path: str
) -> None:
    """`responses` in strict mode sees only what our one session sends; anything else would have to connect."""
    with responses.RequestsMock() as wire:
        wire.add(method, settings.HUBSPOT_API_URL + path, json=EMPTY)
        call(hubspot)
        sent = wire.calls[0].request
    assert DATED.match(sent.path_url.split("?")[0])
    assert sent.headers["Authorization"] == "Bearer token-of-1001"
    assert limiter.store().zcard("limiter:1001:general") == 1


def test_every_public_method_of_the_client_is_checked_here() -> None:
    own = {name for name in vars(HubSpot) if not name.startswith("_")} - {"send"}
    assert own <= set(NAMES), f"add to CALLS: {own - set(NAMES)}"


def test_bodies_arrive_as_they_were_given(hubspot: HubSpot) -> None:
    """The client's serializer must neither drop fields it does not know nor rename them."""
    with responses.RequestsMock() as wire:
        wire.post(settings.HUBSPOT_API_URL + "/crm/objects/2026-09/2-1/batch/upsert", json=EMPTY)
        wire.post(settings.HUBSPOT_API_URL + "/automation/actions/callbacks/2026-09/complete", status=204)
        wire.post(
            settings.HUBSPOT_API_URL + "/crm/associations/2026-09/2-1/0-1/batch/associate/default", json=EMPTY
        )
        hubspot.upsert("2-1", [ROW])
        hubspot.complete([("ap-1", {"outcome": "created"})])
        hubspot.associate("2-1", "0-1", [("1", "2")])
        bodies = [json.loads(call.request.body or b"") for call in wire.calls]
    assert bodies == [
        {"inputs": [json.loads(ROW.body)]},
        {"inputs": [{"callbackId": "ap-1", "outputFields": {"outcome": "created"}, "typedOutputs": {}}]},
        {"inputs": [{"from": {"id": "1"}, "to": {"id": "2"}}]},
    ]


@pytest.mark.parametrize("hostile", ["../../oauth/2026-09/token", "a/b", "a?b=c", "a#b", "ü %2F"])
def test_an_id_from_outside_cannot_leave_its_place_in_the_path(hubspot: HubSpot, hostile: str) -> None:
    with responses.RequestsMock() as wire:
        wire.post(re.compile(".*"), status=204)
        hubspot.complete_one(hostile, {})
        sent = wire.calls[0].request.path_url
    assert re.fullmatch(r"/automation/actions/callbacks/2026-09/[^/?#]+/complete", sent)
    assert ".." not in sent.replace("..%2F", "")


@pytest.mark.parametrize(
    "path", ["/crm/v3/imports/", "/crm/v4/objects/contacts/1", "/oauth/v1/token", "/", "crm/v3/objects/x"]
)
def test_a_family_that_is_not_in_the_table_is_refused(path: str) -> None:
    with pytest.raises(Refused):
        versions.dated(path)


@pytest.mark.parametrize("dated", [*versions.FAMILIES.values(), versions.TOKEN, versions.INTROSPECT,
                                   versions.ACCOUNT_DETAILS, versions.UNINSTALL])  # fmt: skip
def test_the_table_holds_dated_paths_only(dated: str) -> None:
    assert DATED.match(dated)


def asked(call: Callable[[sdk.Sdk], Any]) -> list[tuple[str, str, Budget]]:
    seen: list[tuple[str, str, Budget]] = []

    def send(method: str, path: str, body: bytes | None, budget: Budget) -> Answer:
        seen.append((method, path, budget))
        return Answer(200, {}, b"{}")

    call(sdk.Sdk(send))
    return seen


def test_an_unknown_family_is_refused_without_a_call() -> None:
    def call(client: sdk.Sdk) -> None:
        client.callbacks.api_client.call_api("/crm/v3/imports/", "GET", _preload_content=False)

    with pytest.raises(Refused):
        asked(call)


def test_associations_are_counted_against_their_own_budget_too() -> None:
    def associate(client: sdk.Sdk) -> None:
        sdk.ask(client.associations.create_default, "2-1", "0-1", {"inputs": []})

    assert [budget for *_, budget in asked(associate)] == [Budget.ASSOCIATIONS]
    assert [budget for *_, budget in asked(lambda c: sdk.ask(c.properties.get_all, "contacts"))] == [
        Budget.GENERAL
    ]


def test_a_call_of_either_budget_is_counted_in_both(hubspot: HubSpot) -> None:
    with responses.RequestsMock() as wire:
        wire.post(re.compile(".*"), json=EMPTY)
        hubspot.associate("2-1", "contacts", [("1", "2")])
    assert limiter.store().zcard("limiter:1001:general") == 1
    assert limiter.store().zcard("limiter:1001:associations") == 1


def test_repeated_query_values_are_all_sent() -> None:
    def users(client: sdk.Sdk) -> None:
        sdk.ask(client.records.get_page, "users", properties=["hs_email", "hs job"], limit=100)

    ((_, path, _),) = asked(users)
    assert path == "/crm/objects/2026-09/users?limit=100&properties=hs_email&properties=hs+job"


def test_clients_of_two_accounts_share_nothing(hubspot: HubSpot, globex: HubSpotAccount) -> None:
    """The client keeps its configuration in class attributes; a token must not leak from one to another."""
    other = HubSpot(globex, Lane.LIVE)
    with responses.RequestsMock() as wire:
        wire.get(re.compile(".*"), json=EMPTY)
        for one in (hubspot, other, hubspot):
            one.properties("contacts")
        tokens = [call.request.headers["Authorization"] for call in wire.calls]
    assert tokens == ["Bearer token-of-1001", "Bearer token-of-1002", "Bearer token-of-1001"]
