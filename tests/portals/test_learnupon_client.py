"""LearnUpon's client, answer by answer: its irregular bodies, its silent filters, and what each refusal means."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import responses
from pytest_django import Settings

from portals.clients import limiter
from portals.clients.errors import Disconnected, NotFound, Refused, TryAgain, Unclear, VendorError
from portals.clients.learnupon import AlreadyThere, DataRejected, LearnUpon, RealmClash
from portals.lanes import Lane
from portals.models import Portal

pytestmark = pytest.mark.usefixtures("clean_limiter")
API = "https://acme.learnupon.com/api/v1/"
FIELDS = API + "users/customuserdata"
USERS = API + "users"


@pytest.fixture
def wire(settings: Settings) -> Iterator[responses.RequestsMock]:
    settings.LEARNUPON_URL = "https://{subdomain}.{region}"
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def of_acme(acme_portal: Portal) -> LearnUpon:
    return LearnUpon(acme_portal, Lane.LIVE)


@pytest.fixture
def of_globex(globex_portal: Portal) -> LearnUpon:
    return LearnUpon(globex_portal, Lane.LIVE)


# --- one call -------------------------------------------------------------------------------------------
def test_each_portal_is_called_at_its_own_host_with_its_own_keys(
    wire: responses.RequestsMock, of_acme: LearnUpon, of_globex: LearnUpon
) -> None:
    wire.get(FIELDS, json={"customDataFieldDefinitions": []})
    wire.get(
        FIELDS.replace("acme", "globex"), json={"customDataFieldDefintions": []}
    )  # misspelt, as once seen
    assert of_acme.fields() == of_globex.fields() == []
    sent = [call.request.headers["Authorization"] for call in wire.calls]
    assert sent == [
        requests.auth._basic_auth_str(f"{name}-key", f"{name}-secret") for name in ("acme", "globex")
    ]


def test_a_get_carries_no_content_type(wire: responses.RequestsMock, of_acme: LearnUpon) -> None:
    wire.get(FIELDS, json={"customDataFieldDefinitions": []})
    of_acme.fields()
    assert "Content-Type" not in wire.calls[0].request.headers
    assert wire.calls[0].request.body is None


def test_an_australian_portal_is_called_in_australia(
    wire: responses.RequestsMock, acme_portal: Portal
) -> None:
    acme_portal.region = "learnuponau.com"
    wire.get(FIELDS.replace(".com", "au.com"), json={"customDataFieldDefinitions": []})
    LearnUpon(acme_portal, Lane.LIVE).fields()


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, {}, Disconnected),
        (401, {"message": "x"}, Disconnected),
        (404, {"message": "not found"}, NotFound),
        (400, {"message": "User exists in another portal, try to invite them"}, RealmClash),
        (400, {"error": "This email has already been taken"}, AlreadyThere),
        (200, {"response_type": "ERROR", "message": "already exists"}, AlreadyThere),
        (200, {"response_type": "ERROR", "response_code": 404, "message": "gone"}, NotFound),
        (200, {"response_type": "ERROR", "response_code": 500, "message": "oh"}, Unclear),
        (422, {"message": "duplicate invite"}, AlreadyThere),
        (400, {"message": "Country is invalid"}, DataRejected),
        (403, {"message": "no"}, DataRejected),
        (302, {}, DataRejected),
        (500, {}, Unclear),
        (503, {}, Unclear),
    ],
)
def test_what_a_failed_write_means(
    wire: responses.RequestsMock,
    of_acme: LearnUpon,
    status: int,
    body: dict[str, str],
    error: type[VendorError],
) -> None:
    wire.post(USERS, status=status, json=body)
    with pytest.raises(VendorError) as caught:
        of_acme.create_user({"email": "ann@acme.example"})
    assert type(caught.value) is error


def test_5xx_on_a_read_is_just_tried_again(wire: responses.RequestsMock, of_acme: LearnUpon) -> None:
    wire.get(FIELDS, status=502, body=b"<html>")
    with pytest.raises(TryAgain) as caught:
        of_acme.fields()
    assert type(caught.value) is TryAgain


@pytest.mark.parametrize(
    ("headers", "wait"),
    [({"Retry-After": "7"}, 7), ({"Retry-After": "99999999"}, 3600), ({"Retry-After": "²"}, 30), ({}, 30)],
)
def test_429_stops_this_host_and_no_other(
    wire: responses.RequestsMock,
    of_acme: LearnUpon,
    of_globex: LearnUpon,
    headers: dict[str, str],
    wait: float,
) -> None:
    wire.get(FIELDS, status=429, headers=headers)
    with pytest.raises(TryAgain) as caught:
        of_acme.fields()
    assert (caught.value.after, caught.value.counts) == (wait, False)
    with pytest.raises(TryAgain):
        of_acme.fields()
    wire.get(FIELDS.replace("acme", "globex"), json={"customDataFieldDefinitions": []})
    of_globex.fields()
    assert len(wire.calls) == 2


def test_what_the_answers_headers_say_is_kept(wire: responses.RequestsMock, of_acme: LearnUpon) -> None:
    headers = {"X-LU-Rate-Limit-Remaining-Minute": "120", "X-LU-Rate-Limit-Remaining-Week": "5000"}
    wire.get(FIELDS, json={"customDataFieldDefinitions": []}, headers=headers)
    of_acme.fields()
    kept = limiter.store().hgetall("pace:acme.learnupon.com")
    assert (kept["minute:most"], kept["week:left"]) == ("120", "5000")


@pytest.mark.parametrize(
    "body", [b"<html>", b"", b"[]", b"null", b"3", b"{}", b'{"user": 3}', b'{"user": {}}']
)
def test_answers_of_any_shape_raise_nothing_but_our_errors(
    wire: responses.RequestsMock, of_acme: LearnUpon, body: bytes
) -> None:
    wire.add(responses.GET, FIELDS, body=body)
    wire.add(responses.GET, USERS + "/search", body=body)
    wire.add(responses.GET, USERS + "/5", body=body)
    wire.add(responses.GET, API + "courses", body=body)
    calls: list[Callable[[], Any]] = [
        of_acme.fields, lambda: of_acme.find_user("a@b.c"), lambda: of_acme.user(5), lambda: list(of_acme.courses()),
    ]  # fmt: skip
    for call in calls:
        try:
            call()
        except VendorError:
            continue


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"id": null}', b'{"id": "x"}', b"ok"])
def test_a_created_user_without_an_id_is_unclear(
    wire: responses.RequestsMock, of_acme: LearnUpon, body: bytes
) -> None:
    """LearnUpon may have created the user; only a search can tell."""
    wire.add(responses.POST, USERS, body=body)
    with pytest.raises(Unclear):
        of_acme.create_user({"email": "ann@acme.example"})


# --- silent filters and pages ---------------------------------------------------------------------------
def test_a_search_that_answers_everybody_finds_nobody_else(
    wire: responses.RequestsMock, of_acme: LearnUpon
) -> None:
    """LearnUpon ignores filters it does not know: taking the first row would link a stranger."""
    everybody = {"user": [{"id": 1, "email": "bob@acme.example"}, {"id": 2, "email": "ANN@acme.example"}]}
    wire.get(USERS + "/search", json=everybody)
    found = of_acme.find_user("ann@ACME.example")
    assert found is not None
    assert found["id"] == 2
    assert of_acme.find_user("carl@acme.example") is None


def test_a_search_miss_is_a_404_or_an_error_under_200(
    wire: responses.RequestsMock, of_acme: LearnUpon
) -> None:
    wire.get(USERS + "/search", status=404, json={"message": "not found"})
    assert of_acme.find_user("ann@acme.example") is None


def test_a_miss_that_is_an_error_under_200_is_a_miss(
    wire: responses.RequestsMock, of_acme: LearnUpon
) -> None:
    body = {"response_type": "ERROR", "response_code": 404, "message": "no such user"}
    wire.get(USERS + "/search", json=body)
    assert of_acme.find_user("ann@acme.example") is None


def test_a_plus_in_an_address_is_sent_as_one(wire: responses.RequestsMock, of_acme: LearnUpon) -> None:
    wire.get(USERS + "/search", json={"user": []})
    of_acme.find_user("ann+1@acme.example")
    assert "email=ann%2B1%40acme.example" in str(wire.calls[0].request.url)


def test_another_users_row_is_not_this_user(wire: responses.RequestsMock, of_acme: LearnUpon) -> None:
    wire.get(USERS + "/5", json={"user": [{"id": 6}]})
    with pytest.raises(NotFound):
        of_acme.user(5)


def test_pages_end_where_the_header_or_the_rows_do(wire: responses.RequestsMock, of_acme: LearnUpon) -> None:
    more = {"LU-Has-Next-Page": "true"}
    wire.get(API + "groups", json={"groups": [{"id": 1}]}, headers=more)
    wire.get(API + "groups", json={"groups": [{"id": 2}]}, headers=more)
    wire.get(API + "groups", json={"groups": []}, headers=more)  # would go on for ever
    assert [group["id"] for group in of_acme.groups()] == [1, 2]
    assert [str(call.request.url).split("page=")[1] for call in wire.calls] == ["1", "2", "3"]


def test_enrollments_of_others_are_left_out(wire: responses.RequestsMock, of_acme: LearnUpon) -> None:
    rows = [{"id": 1, "user_id": 5, "course_id": 7}, {"id": 2, "user_id": 6, "course_id": 8}]
    wire.get(API + "enrollments/search", json={"enrollments": rows})
    assert [row["id"] for row in of_acme.enrollments_of_user(5).rows] == [1]
    assert [row["id"] for row in of_acme.enrollments_of_course(8, 1).rows] == [2]


# --- bodies ---------------------------------------------------------------------------------------------
def test_bodies_are_wrapped_as_each_address_wants_them(
    wire: responses.RequestsMock, of_acme: LearnUpon
) -> None:
    wire.post(USERS, json={"id": 9})
    wire.put(USERS + "/9", json={"id": 9})
    wire.post(API + "portal_invite", json={})
    assert of_acme.create_user({"email": "ü@acme.example"}) == 9
    of_acme.update_user(9, {"first_name": "Ann"})
    of_acme.invite({"email": "a@b.c"})
    assert [json.loads(call.request.body or b"") for call in wire.calls] == [
        {"User": {"email": "ü@acme.example"}}, {"User": {"first_name": "Ann"}}, {"Invite": {"email": "a@b.c"}},
    ]  # fmt: skip


def test_a_refusal_quotes_learnupon_shortly(wire: responses.RequestsMock, of_acme: LearnUpon) -> None:
    wire.post(USERS, status=400, json={"message": "x" * 5000})
    with pytest.raises(Refused) as caught:
        of_acme.create_user({})
    assert len(caught.value.message) < 250


def test_a_refusal_tells_no_e_mail(wire: responses.RequestsMock, of_acme: LearnUpon) -> None:
    """Its words are kept with the portal, where no erasure looks for a person."""
    wire.get(
        f"{USERS}/search",
        status=422,
        json={"message": "ann@acme.example, or <Ann@Acme.example>: no such address"},
    )
    with pytest.raises(VendorError) as caught:
        of_acme.find_user("ann@acme.example")
    assert caught.value.message == "LearnUpon said: (an e-mail), or <(an e-mail)>: no such address"
    assert "acme" not in str(caught.value)
