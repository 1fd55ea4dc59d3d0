"""HubSpot's client, status by status: what each answer means for whoever called."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import responses
from django.conf import settings

from portals.clients import limiter
from portals.clients.batches import Rejected, Row
from portals.clients.errors import (
    Disconnected,
    NotAllowed,
    NotFound,
    Refused,
    TokenRefused,
    TryAgain,
    Unclear,
    VendorError,
)
from portals.clients.hubspot import HubSpot
from portals.lanes import Lane
from portals.models import HubSpotAccount

pytestmark = pytest.mark.usefixtures("clean_limiter")
DETAILS = "/account-info/2026-09/details"
UPSERT = "/crm/objects/2026-09/2-123/batch/upsert"
ROW = Row("1", '{"id": "k", "idProperty": "p", "objectWriteTraceId": "1", "properties": {}}')
ERROR = {"status": "error", "message": "what happened", "correlationId": "c-1", "category": "SOME_CATEGORY"}


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def hubspot(acme: HubSpotAccount) -> HubSpot:
    return HubSpot(acme, Lane.LIVE)


@pytest.fixture
def of_globex(globex: HubSpotAccount) -> HubSpot:
    return HubSpot(globex, Lane.LIVE)


def address(path: str) -> str:
    return f"{settings.HUBSPOT_API_URL}{path}"


def answer(wire: responses.RequestsMock, status: int, body: Any = None, **more: Any) -> None:
    wire.get(address(DETAILS), status=status, json=ERROR if body is None else body, **more)


# --- one call -------------------------------------------------------------------------------------------
def test_the_call_carries_the_accounts_token_and_no_other(
    wire: responses.RequestsMock, hubspot: HubSpot, of_globex: HubSpot
) -> None:
    for _ in range(2):
        answer(wire, 200, {"portalId": 1})
    hubspot.details()
    of_globex.details()
    sent = [call.request.headers["Authorization"] for call in wire.calls]
    assert sent == ["Bearer token-of-1001", "Bearer token-of-1002"]


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (302, Refused, "SOME_CATEGORY"),
        (403, NotAllowed, "SOME_CATEGORY"),
        (404, NotFound, "NOT_FOUND"),
        (409, Refused, "SOME_CATEGORY"),
        (415, Refused, "SOME_CATEGORY"),
        (400, Rejected, "SOME_CATEGORY"),
    ],
)
def test_a_refusal_says_why(
    wire: responses.RequestsMock, hubspot: HubSpot, status: int, error: type[Refused], code: str
) -> None:
    answer(wire, status)
    with pytest.raises(Refused) as caught:
        hubspot.details()
    assert type(caught.value) is error
    assert (caught.value.code, caught.value.correlation_id) == (code, "c-1")
    assert "what happened" in caught.value.message


def test_missing_scopes_are_told_by_their_category(wire: responses.RequestsMock, hubspot: HubSpot) -> None:
    answer(wire, 403, ERROR | {"category": "MISSING_SCOPES"})
    with pytest.raises(Refused) as caught:
        hubspot.details()
    assert caught.value.code == "MISSING_SCOPES"


def test_401_renews_the_token_before_the_next_call(
    wire: responses.RequestsMock, hubspot: HubSpot, acme: HubSpotAccount, globex: HubSpotAccount
) -> None:
    answer(wire, 401)
    with pytest.raises(TokenRefused):
        hubspot.details()
    wire.post(address("/oauth/2026-09/token"), json={"access_token": "renewed", "expires_in": 1800})
    answer(wire, 200, {"portalId": 1})
    HubSpot(HubSpotAccount.objects.get(pk=acme.pk), Lane.LIVE).details()
    assert wire.calls[-1].request.headers["Authorization"] == "Bearer renewed"
    assert acme.connected
    globex.refresh_from_db()
    assert globex.access_token == "token-of-1002"


@pytest.mark.parametrize(
    ("status", "body", "headers", "wait", "counts"),
    [
        (429, {"policyName": "TEN_SECONDLY_ROLLING"}, {}, 10, False),
        (429, {"policyName": "SECONDLY"}, {}, 1, False),
        (429, {"policyName": "DAILY"}, {}, 3600, False),
        (429, {}, {}, 10, False),
        (477, {}, {"Retry-After": "7200"}, 7200, True),
        (477, {}, {"Retry-After": "9999999"}, 86_400, True),
        (477, {}, {"Retry-After": "0"}, 1, True),
        (477, {}, {"Retry-After": "²"}, 3600, True),
        (477, {}, {}, 3600, True),
    ],
)
def test_hubspot_says_when_to_come_back_and_the_whole_account_waits(
    wire: responses.RequestsMock, hubspot: HubSpot, of_globex: HubSpot,
    status: int, body: dict[str, str], headers: dict[str, str], wait: float, counts: bool,
) -> None:  # fmt: skip
    answer(wire, status, ERROR | body, headers=headers)
    with pytest.raises(TryAgain) as caught:
        hubspot.details()
    assert not isinstance(caught.value, Unclear)
    assert (caught.value.after, caught.value.counts) == (wait, counts)
    grant, left = limiter._ask(1001, Lane.ACTIONS, limiter.Budget.GENERAL)
    assert grant is None
    assert wait - 1 < left <= wait
    answer(wire, 200, {"portalId": 2})
    of_globex.details()


def test_a_locked_record_makes_only_its_own_call_wait(wire: responses.RequestsMock, hubspot: HubSpot) -> None:
    answer(wire, 423)
    with pytest.raises(TryAgain) as caught:
        hubspot.details()
    assert caught.value.after == 2.5
    answer(wire, 200, {"portalId": 1})
    hubspot.details()


@pytest.mark.parametrize("status", [500, 502, 503, 504, 521, 524])
def test_5xx_on_a_read_is_tried_again_and_on_a_write_is_unclear(
    wire: responses.RequestsMock, hubspot: HubSpot, status: int
) -> None:
    answer(wire, status)
    wire.post(address(UPSERT), status=status, body=b"<html>Bad Gateway</html>")
    with pytest.raises(TryAgain) as read:
        hubspot.details()
    assert not isinstance(read.value, Unclear)
    with pytest.raises(Unclear):
        hubspot.upsert("2-123", [ROW])


@pytest.mark.parametrize("body", [b"<html>", b"", b"[]", b"null", b"3", b'"x"', b"\xff\xfe"])
def test_an_answer_that_is_no_object_is_unclear(
    wire: responses.RequestsMock, hubspot: HubSpot, body: bytes
) -> None:
    wire.get(address(DETAILS), body=body)
    with pytest.raises(Unclear):
        hubspot.details()


@pytest.mark.parametrize(
    "body",
    [{}, {"results": {}}, {"results": None}, {"results": [None]}, {"results": ["x"]}, {"results": [{}]},
     {"results": [], "errors": [None]}, {"results": [], "errors": {"a": 1}}, {"results": [], "errors": [{"context": []}]}],
)  # fmt: skip
def test_answers_of_any_shape_raise_nothing_but_our_errors(
    wire: responses.RequestsMock, hubspot: HubSpot, body: Any
) -> None:
    wire.post(address("/crm/objects/2026-09/contacts/batch/read"), json=body)
    wire.post(address(UPSERT), json=body)
    wire.get(address("/crm/properties/2026-09/contacts"), json=body)
    calls: list[Callable[[], Any]] = [
        lambda: hubspot.read("contacts", ["1"], ["email"]),
        lambda: hubspot.upsert("2-123", [ROW]),
        lambda: hubspot.properties("contacts"),
    ]
    for call in calls:
        try:
            call()
        except VendorError:
            continue


@pytest.mark.parametrize("errors", [None, [], {}, "x", 3, [None], [{"context": None}], [{"context": []}],
                                    [{"context": {"objectWriteTraceId": None}}]])  # fmt: skip
def test_error_bodies_of_any_shape_name_no_row(
    wire: responses.RequestsMock, hubspot: HubSpot, errors: Any
) -> None:
    answer(wire, 400, ERROR | {"errors": errors})
    with pytest.raises(Rejected) as caught:
        hubspot.details()
    assert caught.value.traces == set()


def test_a_broken_connection_is_unclear_and_costs_a_grant(
    wire: responses.RequestsMock, hubspot: HubSpot
) -> None:
    wire.get(address(DETAILS), body=requests.ConnectionError())
    with pytest.raises(Unclear):
        hubspot.details()
    assert limiter.store().zcard("limiter:1001:general") == 1


def test_rate_headers_are_learnt_from_every_answer(wire: responses.RequestsMock, hubspot: HubSpot) -> None:
    headers = {"X-HubSpot-RateLimit-Max": "110", "X-HubSpot-RateLimit-Remaining": "40"}
    answer(wire, 500, headers=headers)
    with pytest.raises(TryAgain):
        hubspot.details()
    assert limiter.store().get("limiter:1001:foreign") == str(70 - 1 - limiter.FOREIGN_SLACK)
    assert limiter.store().get("limiter:1002:foreign") is None


def test_a_disconnected_account_makes_no_call(
    wire: responses.RequestsMock, hubspot: HubSpot, acme: HubSpotAccount
) -> None:
    acme.state = HubSpotAccount.State.DISCONNECTED
    with pytest.raises(Disconnected):
        hubspot.details()
    assert not wire.calls


def test_without_a_budget_no_call_is_made(wire: responses.RequestsMock, hubspot: HubSpot) -> None:
    limiter.pause(1001, 30)
    with pytest.raises(TryAgain) as caught:
        hubspot.details()
    assert not caught.value.counts
    assert not wire.calls


def test_a_full_budget_of_associations_gives_the_general_grant_back(
    wire: responses.RequestsMock, hubspot: HubSpot
) -> None:
    now = limiter.store().time()
    full = {
        str(n): (int(now[0]) - 2) * 1_000_000 for n in range(limiter.LIMITS[limiter.Budget.ASSOCIATIONS][0])
    }
    limiter.store().zadd("limiter:1001:associations", full)
    with pytest.raises(TryAgain):
        hubspot.associate("2-123", "contacts", [("1", "2")])
    assert limiter.store().zcard("limiter:1001:general") == 0
    assert not wire.calls


# --- lists and pairs ------------------------------------------------------------------------------------
def test_reading_leaves_out_what_is_archived_or_missing(
    wire: responses.RequestsMock, hubspot: HubSpot
) -> None:
    found = [{"id": "1", "properties": {}}, {"id": 2, "properties": {}, "archived": True}]
    body = {"results": found, "numErrors": 1, "errors": [{"category": "OBJECT_NOT_FOUND"}]}
    wire.post(address("/crm/objects/2026-09/contacts/batch/read"), status=207, json=body)
    assert list(hubspot.read("contacts", ["1", "2", "3"], ["email"])) == ["1"]


def test_pairs_that_were_not_associated_are_an_error(wire: responses.RequestsMock, hubspot: HubSpot) -> None:
    path = "/crm/associations/2026-09/2-123/contacts/batch/associate/default"
    wire.post(address(path), status=207, json={"results": [], "errors": [{"message": "no such contact"}]})
    with pytest.raises(Refused) as caught:
        hubspot.associate("2-123", "contacts", [("1", "2"), ("1", "2")])
    assert "no such contact" in caught.value.message
    assert len(json.loads(wire.calls[0].request.body or b"")["inputs"]) == 1


def test_lists_are_read_to_their_last_page(wire: responses.RequestsMock, hubspot: HubSpot) -> None:
    first = {"results": [{"id": "1"}], "paging": {"next": {"after": "a b"}}}
    wire.get(address("/crm/owners/2026-09"), json=first)
    wire.get(address("/crm/owners/2026-09"), json={"results": [{"id": "2"}]})
    assert [owner["id"] for owner in hubspot.owners()] == ["1", "2"]
    assert "after=a+b" in str(wire.calls[1].request.url)
