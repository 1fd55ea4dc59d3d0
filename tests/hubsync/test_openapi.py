"""The OpenAPI document names every address for programs, no other, and what they really answer."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import jsonschema
import orjson
import pytest
from django.conf import settings
from django.db import connections
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

import hubsync
from hubsync.openapi import document
from hubsync.probes import PROBES
from hubsync.version import newest
from portals.models import HubSpotAccount, Portal
from tests.webhooks.test_cards import send
from webhooks.models import Delivery

PAGES = ("portals", "learners", "gdpr", "admin")  # for people: HTML, and files to download from it
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def routes(resolver: URLResolver, base: str = "/") -> Iterator[tuple[str, URLPattern]]:
    for found in resolver.url_patterns:
        if isinstance(found, URLPattern):
            yield base + re.sub(r"<\w+:(\w+)>", r"{\1}", str(found.pattern)), found
        elif found.namespace not in PAGES:
            yield from routes(found, base + str(found.pattern))


def test_the_document_names_the_addresses_for_programs_and_no_other() -> None:
    """Whoever adds an address gives it a place among the pages or in the document. The probes are a middleware."""
    ours = dict(routes(get_resolver()))
    assert ours.pop("/webhooks/").name is None  # the one that says that there is no such address
    assert set(document()["paths"]) == {*ours, *PROBES}


def test_the_document_names_every_method_there_is(db: None) -> None:
    """405 for all others; those named are answered anything else, here 401, or 200 for the probes."""
    browser = Client(enforce_csrf_checks=True)
    for path, operations in document()["paths"].items():
        for method in METHODS:
            address = re.sub(r"{\w+}", "0c3e9d5e-7f55-4a57-9d0f-2b1d5b1d1f10", path)
            answer = send(method, address) if "/hubspot/" in path else browser.generic(method, address)
            known = method.lower() in operations
            if "/learnupon/" in path:
                assert answer.status_code == 401
            else:
                assert (answer.status_code == 405) is not known, f"{method} {path}: {answer.status_code}"


def test_the_document_is_valid_and_was_made_without_a_warning() -> None:
    GENERATOR_STATS.reset()
    made = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    assert not GENERATOR_STATS  # its warnings and errors
    validate_schema(made)  # type: ignore[no-untyped-call]
    assert made == document()


def test_the_document_is_served_as_it_is_whatever_is_asked_for() -> None:
    for query in ("", "?format=yaml", "?lang=xx", "?version=%0d%0aSet-Cookie:%20a=b"):
        answer = Client().get("/api/schema/" + query, headers={"Accept": "text/html"})
        assert orjson.loads(answer.content) == document()
        assert "Set-Cookie" not in answer.headers


def test_the_first_who_ask_all_get_the_document() -> None:
    """Made by two threads at once it failed: drf-spectacular loads its extensions without a lock."""
    program = (
        "import django; django.setup()\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from hubsync.openapi import document\n"
        "with ThreadPoolExecutor(8) as pool:\n"
        "    found = list(pool.map(lambda n: len(document()['paths']), range(8)))\n"
        "assert len(found) == 8\n"
    )
    settings_module = {"DJANGO_SETTINGS_MODULE": "hubsync.settings"}
    subprocess.run([sys.executable, "-c", program], env=os.environ | settings_module, check=True, timeout=60)


# --- what is answered -----------------------------------------------------------------------------------
def unnamed(value: Any, shape: dict[str, Any]) -> list[str]:
    """Names in the answer that the document does not have."""
    if "$ref" in shape:
        return unnamed(value, document()["components"]["schemas"][shape["$ref"].rsplit("/", 1)[1]])
    if isinstance(value, list):
        return [name for item in value for name in unnamed(item, shape["items"])]
    if not isinstance(value, dict):
        return []
    if "oneOf" in shape:  # an object or null
        return unnamed(value, shape["oneOf"][0])
    known = shape["properties"]
    return [name for name in value if name not in known] + [
        f"{name}.{inner}" for name in value if name in known for inner in unnamed(value[name], known[name])
    ]


@pytest.mark.parametrize(("name", "shape"), [("enrollments", "CardShown"), ("settings", "SettingsShown")])
def test_the_document_knows_the_card_s_answers_to_the_last_field(name: str, shape: str) -> None:
    """tests/webhooks/test_cards.py holds these files equal to what is really answered."""
    answer = orjson.loads((settings.BASE_DIR / f"hubspot-app/tests/answers/{name}.json").read_bytes())
    schema = {"$ref": f"#/components/schemas/{shape}"}
    jsonschema.Draft202012Validator({**schema, "components": document()["components"]}).validate(answer)
    assert unnamed(answer, schema) == []


def test_no_event_is_lost_for_what_its_sender_would_like_as_an_answer(acme: HubSpotAccount) -> None:
    path = "/webhooks/hubspot/events"
    for accept in ("text/html", "application/xml;q=1, */*;q=0", "rubbish", "application/json; version=7"):
        assert send("POST", path, [], accept=accept).status_code == 200
    assert (
        send("GET", f"/webhooks/hubspot/cards/settings?format=xml&portalId={acme.hub_id}").status_code == 200
    )


@pytest.mark.parametrize(
    "path", ["/webhooks/", "/webhooks/hubspot/events/", "/webhooks/learnupon/not-a-uuid"]
)
def test_an_address_that_is_not_there_is_answered_in_json(path: str) -> None:
    answer = Client(enforce_csrf_checks=True).post(path)
    assert answer.status_code == 404
    assert set(orjson.loads(answer.content)) == {"error", "message"}


@pytest.mark.django_db(transaction=True)
def test_a_database_that_does_not_answer_is_503(acme_portal: Portal) -> None:
    """HubSpot and LearnUpon try again after a 503. The table is locked by somebody else, and nobody waits for ever."""
    body = [{"portalId": 1001, "subscriptionType": "contact.deletion", "objectId": 5}]
    other = connections.create_connection("default")
    connection = connections["default"]
    try:
        other.set_autocommit(False)
        other.cursor().execute("LOCK TABLE webhooks_delivery IN ACCESS EXCLUSIVE MODE")
        connection.cursor().execute("SET lock_timeout = '50ms'")
        answer = send("POST", "/webhooks/hubspot/events", body)
    finally:
        other.rollback()
        other.close()
        connection.cursor().execute("SET lock_timeout = 0")
    assert (answer.status_code, orjson.loads(answer.content)["error"]) == (503, "unavailable")
    assert send("POST", "/webhooks/hubspot/events", body).status_code == 200
    assert Delivery.objects.count() == 1


# --- the version ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("# Changelog\n\n## 1.2.3 (unreleased)\n\n## 1.2.2 (2026-01-01)\n", "1.2.3"),
        ("## [2.0.0-rc.1] - 2026-01-01\n", "2.0.0-rc.1"),
        ("## Unreleased\n\n## 0.10.0\n", "0.10.0"),
    ],
)
def test_the_version_is_the_newest_of_the_changelog(text: str, version: str) -> None:
    assert newest(text) == version


def test_a_changelog_without_a_version_is_said() -> None:
    for text in ("## Unreleased\n", "## 1.2\n", "## 01.2.3\n"):
        with pytest.raises(ValueError, match="names no version"):
            newest(text)


def test_the_document_bears_the_version() -> None:
    assert document()["info"]["version"] == hubsync.__version__
