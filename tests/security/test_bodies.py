"""Bytes from outside, signed by whoever has the key to sign: nothing breaks, nothing fills memory or disk."""

import gzip
import hashlib
import hmac
import io
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.conf import settings as project
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from portals.models import HubSpotAccount, Portal
from tests.security.routes import addresses
from webhooks import learnupon, nudger, signatures
from webhooks.models import Delivery

MB = 1024 * 1024
CLIENT = Client(raise_request_exception=False)
CALL: dict[str, Any] = {
    "callbackId": "ap-1", "origin": {"portalId": 1001}, "object": {"objectId": 501, "objectType": "CONTACT"},
    "inputFields": {"portal": "acme"},
}  # fmt: skip
EVENT: dict[str, Any] = {
    "eventId": 1, "subscriptionId": 1, "portalId": 1001, "objectId": 501, "occurredAt": 1_760_000_000_000,
    "subscriptionType": "contact.propertyChange", "propertyName": "email", "propertyValue": "a@b.example",
}  # fmt: skip
PROGRESS: dict[str, Any] = {
    "data": [{"enrollmentId": 1, "user": {"userId": 1}, "eventCreated": "2026-11-01T00:00:00Z"}]
}
# Each stands for a whole body, whatever was expected.
HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "not JSON": b"<xml/>",
    "arrays without end": b"[" * 100_000,
    "objects without end": b'{"a":' * 100_000,
    "deep, but closed": b"[" * 900 + b"]" * 900,
    "a huge number": b"9" * 100_000,
    "a number that is infinite": b"1e999",
    "NaN": b"NaN",
    "invalid UTF-8": b'{"a": "\xff\xfe"}',
    "a lone surrogate": b'{"a": "\\ud800"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "null": b"null",
    "a list of nothing": b'[null, 1, "a", [], {}]',
    "packed": gzip.compress(b"{}"),
    "a packed bomb": gzip.compress(b"\0" * 50 * MB),
    "a billion laughs": b'<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>',
}
# Each stands in place of one value of a body that is otherwise right.
VALUES: list[Any] = [
    None, "", "\0", "a\0b", "x" * 100_000, 2**63, 2**64, 10**30, -1, 0, 1.5, 1e308, True, [], {}, [[]], {"a": {"b": None}},
    "'; DROP TABLE webhooks_delivery; --", "../../etc/passwd", "${jndi:ldap://x}", "{{7*7}}", "\ud7ff\ue000\U0010ffff",
    "9999-12-31T23:59:59+14:00", "0001-01-01T00:00:00-14:00", "٣", "\uff1d1",
]  # fmt: skip


@pytest.fixture(autouse=True)
def nobody_is_waked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker is not part of these tests."""
    monkeypatch.setattr(nudger, "wake", lambda *arguments: None)


@pytest.fixture
def doors(acme_portal: Portal, globex_portal: Portal) -> dict[str, Any]:
    """Every address that takes bodies from outside -> a body that is right there."""
    return {
        "/webhooks/hubspot/actions/user-add": CALL,
        "/webhooks/hubspot/options/portal": {
            "origin": {"portalId": 1001},
            "inputFields": {},
            "fetchOptions": {"q": "a", "after": "100"},
        },
        "/webhooks/hubspot/events": [EVENT],
        "/webhooks/hubspot/cards/add?portalId=1001": {"contactId": "501", "portal": acme_portal.pk},
        f"/webhooks/learnupon/{acme_portal.webhook_id}": PROGRESS,
    }


def post(path: str, body: bytes, **headers: str) -> Any:
    """Signed as the vendor signs it, so that it gets as far as any body can."""
    stamp = str(int(time.time() * 1000))
    uri = project.PUBLIC_URL + path
    signed = {
        "X-HubSpot-Signature-v3": signatures.hubspot_v3(
            project.HUBSPOT_CLIENT_SECRETS[0], "POST", uri, body, stamp
        ),
        "X-HubSpot-Request-Timestamp": stamp,
        "X-Webhook-Type": "course_completion",
        "X-Webhook-Signature": hmac.new(b"acme-webhook-secret", body, hashlib.sha256).hexdigest(),
        **headers,
    }
    return CLIENT.post(path, body, "application/json", headers=signed)


def test_the_right_body_is_taken_everywhere(doors: dict[str, Any]) -> None:
    """Otherwise the tests below would prove nothing."""
    assert {path.partition("?")[0] for path in doors} >= {
        "/webhooks/hubspot/events", "/webhooks/hubspot/options/portal", "/webhooks/hubspot/actions/user-add"
    }  # fmt: skip
    for path, body in doors.items():
        assert post(path, orjson.dumps(body)).status_code == 200, path
    assert Delivery.objects.count() >= 3


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_body_is_refused(doors: dict[str, Any], name: str) -> None:
    for path in doors:
        answer = post(path, HOSTILE[name])
        assert answer.status_code in (200, 400), (path, answer.status_code)
        if answer.status_code == 400:
            assert answer.json()["error"] in ("parse_error", "invalid")
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:30])
def test_a_hostile_value_breaks_nothing(doors: dict[str, Any], value: Any) -> None:
    """In every place of every body: whatever is acknowledged can be read again."""
    for path, body in doors.items():
        for changed in variants(body, value):
            try:
                sent = orjson.dumps(changed)
            except (TypeError, orjson.JSONEncodeError):  # larger than orjson writes; others do send it
                sent = json.dumps(changed).encode()
            answer = post(path, sent)
            assert answer.status_code in (200, 400, 404), (path, changed, answer.content)
    for delivery in Delivery.objects.all():
        assert delivery.account.hub_id == 1001


def variants(body: Any, value: Any) -> list[Any]:
    """The body with each of its values in turn replaced, at every depth."""
    if isinstance(body, dict):
        return [value] + [{**body, key: one} for key, inner in body.items() for one in variants(inner, value)]
    if isinstance(body, list):
        return [value] + [[one, *body[1:]] for one in variants(body[0], value)]
    return [value]


def test_of_two_values_for_one_name_one_counts_for_all(doors: dict[str, Any]) -> None:
    """Were one read for the check and the other for the work, a check could be passed with a stranger's number."""
    body = (
        b'{"callbackId": "a", "callbackId": "b", "origin": {"portalId": 1002}, "origin": {"portalId": 1001}, '
    )
    body += b'"object": {"objectId": 1}, "object": {"objectId": 501}, "inputFields": {"portal": "acme"}}'
    assert post("/webhooks/hubspot/actions/user-add", body).status_code == 200
    (delivery,) = Delivery.objects.all()
    assert (delivery.account.hub_id, delivery.callback_id, delivery.record_id) == (1001, "b", "501")


def test_a_body_that_says_it_is_packed_is_read_as_it_came(doors: dict[str, Any]) -> None:
    """Nothing unpacks requests, so no bomb goes off; what was signed is what is read."""
    for path, body in doors.items():
        assert (
            post(path, gzip.compress(orjson.dumps(body)), **{"Content-Encoding": "gzip"}).status_code == 400
        )


def test_a_body_over_the_limit_is_refused_everywhere(doors: dict[str, Any], acme: HubSpotAccount) -> None:
    for path in doors:
        answer = post(path, b" " * (project.BODY_LIMIT + 1))
        assert answer.status_code == 413
        assert answer.json()["error"] == "too_large"
    for path, _ in addresses():
        if not path.startswith("/webhooks/"):
            big = CLIENT.generic(
                "POST", path, b"x" * (project.BODY_LIMIT + 1), "application/x-www-form-urlencoded"
            )
            assert big.status_code == 413, path


class Watched(io.BytesIO):
    """A request's bytes, and how often somebody asked for them."""

    asked = 0

    def read(self, *size: Any) -> bytes:
        self.asked += 1
        return super().read(*size)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-HubSpot-Signature": "a" * 64},
        {"X-HubSpot-Signature": "a" * 64, "X-HubSpot-Signature-Version": "v1"},
        {"X-HubSpot-Signature-v3": "a" * 44},
        {"X-HubSpot-Signature-v3": "a" * 44, "X-HubSpot-Request-Timestamp": "1700000000000"},
    ],
)
def test_what_hubspot_cannot_have_signed_is_not_read(doors: dict[str, Any], headers: dict[str, str]) -> None:
    """A megabyte costs more than a millisecond to hash, and its sender nothing."""
    for path in doors:
        if path.startswith("/webhooks/hubspot/"):
            body = Watched(b" " * MB)
            behind: dict[str, Any] = {"wsgi.input": body}
            answer = CLIENT.generic("POST", path, b" " * MB, "application/json", headers=headers, **behind)
            assert (answer.status_code, body.asked) == (401, 0), path


def test_a_portal_s_own_secret_signs_no_flood_of_rows(acme_portal: Portal) -> None:
    """Whoever has a portal has its secret, and a megabyte holds tens of thousands of events."""
    path = f"/webhooks/learnupon/{acme_portal.webhook_id}"
    many = [{"enrollmentId": number} for number in range(learnupon.MOST_EVENTS + 1)]
    assert post(path, orjson.dumps({"data": many})).status_code == 400
    assert not Delivery.objects.exists()
    assert post(path, orjson.dumps({"data": many[1:]})).status_code == 200
    assert Delivery.objects.count() == learnupon.MOST_EVENTS


@pytest.mark.parametrize("root", ["", "/webhooks"])
def test_no_file_of_a_stranger_reaches_the_disk(
    settings: Settings, tmp_path: Path, db: None, root: str
) -> None:
    """Reading a form's token reads the whole form, with its files, before anybody knows who sent it. A server that
    believes a SCRIPT_NAME header changes nothing."""
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    seen: list[str] = []
    plain = tempfile.NamedTemporaryFile

    def watched(*arguments: Any, **named: Any) -> Any:
        seen.append(str(named.get("dir")))
        return plain(*arguments, **named)

    tempfile.NamedTemporaryFile = watched
    try:
        big = SimpleUploadedFile("x.json", b"x" * 5 * MB)
        browser = Client(enforce_csrf_checks=True)
        assert browser.post("/signout/", {"file": big}, SCRIPT_NAME=root).status_code == 413
    finally:
        tempfile.NamedTemporaryFile = plain
    assert seen == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fields", [1_001, 200_000])
def test_a_form_of_very_many_fields_is_refused(as_acme: Client, fields: int) -> None:
    body = "&".join(["a="] * fields)
    answer = as_acme.post("/portals/connect/", body, "application/x-www-form-urlencoded")
    assert answer.status_code == 400


QUERIES = [
    "\0", "a\0b", "\ud7ff\U0010ffff", "9" * 400, "-1", "٣" * 5, "²", "x" * 3000, "%'\"", "9223372036854775808",
    "999999999999999999",
]  # fmt: skip
ASKED = {
    "learners": ["q", "state", "before", "after"],
    "activity": ["q", "state", "kind", "outcome", "before", "after"],
    "activity.csv": ["q"],
    "privacy": ["before", "after"],
    "insights.csv": ["report"],
    "settings/mail": ["language"],
}


def read(browser: Client, path: str, query: dict[str, str]) -> int:
    """The status of a page, read to its end: a streamed one breaks only there."""
    answer: Any = browser.get(path, query)
    if answer.streaming:
        b"".join(answer.streaming_content)
    return int(answer.status_code)


def test_no_query_breaks_a_page(as_acme: Client, acme_portal: Portal) -> None:
    """One value at a time: two wrong ones would hide each other."""
    tried = 0
    for page, names in ASKED.items():
        for name in names:
            for value in QUERIES:
                path = f"/portals/{acme_portal.pk}/{page}"
                assert read(as_acme, path, {name: value}) in (200, 404), (path, name, value)
                tried += 1
    assert tried > 150


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York", "No/Where", "../../etc", "UTC"])
def test_no_day_breaks_a_page(as_acme: Client, acme: HubSpotAccount, acme_portal: Portal, zone: str) -> None:
    """The first and the last day there is lie outside of what other time zones can say."""
    HubSpotAccount.objects.filter(pk=acme.pk).update(time_zone=zone)
    for page in ("activity", "activity.csv"):
        for day in (
            "9999-12-31",
            "9999-12-30",
            "0001-01-01",
            "0001-01-02",
            "2026-02-30",
            "2026-03-29",
            "2026-11-01",
            "x",
        ):
            path = f"/portals/{acme_portal.pk}/{page}"
            assert read(as_acme, path, {"day": day}) == 200, (path, day)
