"""What our client sends, byte for byte, and what it is answered, held against HubSpot's own SDK.

Would catch: a wrong or retired path, a field misspelt, missing or unknown to HubSpot, a number where HubSpot takes
text, a sandbox that is kinder than HubSpot's types, and a departure that nobody wrote down.
"""

import inspect
from typing import Any

import httpx
import orjson
import pytest
from hubspot_sdk import BadRequestError
from hubspot_sdk import HubSpot as HubSpotSdk
from hubspot_sdk._models import validate_type
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from portals.clients.hubspot import HubSpot
from tests.flows.stage import Stage
from tests.oracle import conversation
from tests.oracle.departures import DATES, DEPARTURES
from tests.oracle.operations import Operation, operation
from tests.oracle.recorder import Exchange, Recorder
from tests.oracle.schemas import from_query, schema_of
from tests.sandbox.test_hubspot_oracle import CALLBACKS, CALLS

# Held against the SDK's types by test_oauth_answers_are_well_typed there, as the SDK cannot send a form.
OAUTH = {"POST /oauth/2026-03/token", "POST /oauth/2026-03/token/introspect"}
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
Finding = tuple[str, str]


def meant(exchange: Exchange) -> Operation | None:
    return operation(exchange.method, exchange.path.replace(*DATES))


def problems(value: Any, schema: dict[str, Any]) -> list[str]:
    errors = Draft202012Validator(schema).iter_errors(value)
    return [f"{error.json_path}: {error.validator} {error.message[:80]}" for error in errors]


def asked(exchange: Exchange) -> set[Finding]:
    """What is wrong with a request, in the SDK's eyes."""
    known = meant(exchange)
    if known is None:
        return {(f"{exchange.method} {exchange.path}", "HubSpot's SDK has no such call")}
    found = _body(exchange, known) + _query(exchange, known)
    return {(known.name, finding) for finding in found}


def _body(exchange: Exchange, known: Operation) -> list[str]:
    if known.body is None:
        return ["a body where none belongs"] if exchange.body else []
    if not exchange.body:
        return ["no body"]
    found = [] if exchange.content_type == JSON else [f"sent as {exchange.content_type}"]
    sent = exchange.form if exchange.content_type == FORM else orjson.loads(exchange.body)
    return found + problems(sent, schema_of(known.body))


def _query(exchange: Exchange, known: Operation) -> list[str]:
    if known.query is None:
        return [f"query {name}" for name in exchange.query]
    return problems(from_query(known.query, exchange.query), schema_of(known.query))


def answered(exchange: Exchange) -> list[str]:
    """What is wrong with an answer that the SDK would read as this call's result."""
    known = meant(exchange)
    if known is None or exchange.status >= 300:
        return []
    if known.answer is type(None):
        return [f"{known.name}: an answer where none belongs"] if exchange.answer else []
    try:
        validate_type(type_=known.answer, value=exchange.answered)
    except ValidationError as error:
        return [f"{known.name}: {problem['loc']} {problem['msg']}" for problem in error.errors()]
    return []


def checked_by_the_sdk() -> set[str]:
    """The calls that tests/sandbox/test_hubspot_oracle.py makes with the SDK, strictly validated there."""
    seen: set[str] = set()

    def see(request: httpx.Request) -> httpx.Response:
        if known := operation(request.method, request.url.path):
            seen.add(known.name)
        return httpx.Response(400, json={})

    with HubSpotSdk(
        access_token="x", max_retries=0, http_client=httpx.Client(transport=httpx.MockTransport(see))
    ) as client:
        told = [lambda client, call=call: call(client, "1") for call in CALLBACKS.values()]
        for call in [*CALLS.values(), *told]:
            with pytest.raises(BadRequestError):
                call(client)
    return seen


def test_every_request_is_as_hubspots_sdk_would_send_it_and_every_answer_as_it_reads_it(
    stage: Stage, recorder: Recorder
) -> None:
    conversation.hold(stage)
    exchanges = recorder.exchanges
    assert set().union(*(asked(exchange) for exchange in exchanges)) == set(DEPARTURES)
    assert [problem for exchange in exchanges for problem in answered(exchange)] == []
    ours = {known.name for exchange in exchanges if (known := meant(exchange))}
    assert ours - checked_by_the_sdk() == OAUTH


def test_the_conversation_leaves_no_method_out() -> None:
    methods = {
        name for name, _ in inspect.getmembers(HubSpot, inspect.isfunction) if not name.startswith("_")
    }
    assert methods - {"send"} == set(conversation.METHODS)


UPSERT = "/crm/objects/2026-09/2-1/batch/upsert"
ROW = b'{"id":"1:1","properties":{"a":"b"},"idProperty":"k","objectWriteTraceId":"t"}'


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("POST", "/crm/v3/objects/2-1/batch/upsert", b'{"inputs":[]}'),
        ("PUT", UPSERT, b'{"inputs":[]}'),
        ("POST", UPSERT, b""),
        ("POST", UPSERT, b"{}"),
        ("POST", UPSERT, b'{"inputs":[' + ROW.replace(b"idProperty", b"id_property") + b"]}"),
        ("POST", UPSERT, b'{"inputs":[' + ROW.replace(b'"b"', b"7") + b"]}"),
        ("POST", UPSERT, b'{"inputs":[' + ROW.replace(b'"1:1"', b"1") + b"]}"),
        ("POST", UPSERT + "?archived=false", b'{"inputs":[' + ROW + b"]}"),
        ("GET", "/crm/owners/2026-09?limit=many", b""),
        ("GET", "/crm/owners/2026-09?page=2", b""),
        ("DELETE", "/appinstalls/2026-09/external-install", b"{}"),
    ],
)
def test_the_oracle_sees_what_is_wrong(method: str, target: str, body: bytes) -> None:
    assert asked(Exchange(method, target, JSON if body else "", body, 200, b""))


def test_the_oracle_sees_a_wrong_answer_and_passes_right_requests() -> None:
    right = Exchange("POST", UPSERT, JSON, b'{"inputs":[' + ROW + b"]}", 200, b'{"results":"none"}')
    assert asked(right) == set()
    assert answered(right)
