"""Faults, the log, options and the pages."""

import time

import pytest
import requests

from tests.sandbox.hubspot_site import WAIT, Api, HubSpotSite

DETAILS = "/account-info/2026-09/details"


@pytest.fixture
def api(hubspot: HubSpotSite) -> Api:
    return hubspot.install()


def fault(hubspot: HubSpotSite, **wanted: object) -> None:
    hubspot.control("POST", "faults", {"service": "hubspot", "path": "account-info", **wanted})


def test_status_fault_strikes_as_often_as_asked(hubspot: HubSpotSite, api: Api) -> None:
    fault(hubspot, kind="status", status=429, times=1, headers={"Retry-After": "1"})
    refused = api("GET", DETAILS)
    assert (refused.status_code, refused.json()["errorType"]) == (429, "RATE_LIMIT")
    assert refused.headers["Retry-After"] == "1"
    assert api("GET", DETAILS).status_code == 200
    assert hubspot.control("GET", "faults")["faults"][0]["hits"] == 1


def test_a_fault_can_be_over_by_itself(hubspot: HubSpotSite, api: Api) -> None:
    fault(hubspot, kind="status", lasts=0)
    assert api("GET", DETAILS).status_code == 200
    fault(hubspot, kind="status", lasts=60)
    assert api("GET", DETAILS).status_code == 503


def test_after_means_done_but_the_answer_is_lost(hubspot: HubSpotSite, api: Api) -> None:
    fault(hubspot, path="batch/upsert", kind="status", status=502, when="after", times=1)
    assert api.upsert({"key": "1:1", "status": "completed"}).status_code == 502
    assert len(hubspot.world("app_objects")["app_objects"]) == 1
    fault(hubspot, path="batch/upsert", kind="reset", times=1)
    with pytest.raises(requests.ConnectionError):
        api.upsert({"key": "1:2", "status": "completed"})
    assert len(hubspot.world("app_objects")["app_objects"]) == 1


def test_broken_and_slow_answers(hubspot: HubSpotSite, api: Api) -> None:
    fault(hubspot, kind="truncate", times=1)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        api("GET", DETAILS)
    for kind in ("delay", "drip"):
        fault(hubspot, kind=kind, seconds=0.2, times=1)
        began = time.monotonic()
        assert api.ok("GET", DETAILS)["portalId"] == 1001
        assert time.monotonic() - began >= 0.15
    hubspot.control("DELETE", "faults")
    assert hubspot.control("GET", "faults")["faults"] == []


def test_log_holds_api_calls_only(hubspot: HubSpotSite, api: Api) -> None:
    api("GET", DETAILS)
    requests.get(
        f"{hubspot.sandbox.learnupon_url}/acme/api/v1/users", auth=("acme-key", "acme-secret"), timeout=WAIT
    )
    rows = hubspot.control("GET", "requests")["requests"]
    seen = [(row["service"], row["path"], row["account"], row["status"]) for row in rows]
    assert seen == [
        ("hubspot", "/oauth/2026-09/token", 1001, 200),
        ("hubspot", DETAILS, 1001, 200),
        ("learnupon", "/acme/api/v1/users", "acme", 200),
    ]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("options", {"rate_limits": "sometimes"}),
        ("options", {"no_such": 1}),
        ("options", {"latency_ms": "much"}),
    ],
)
def test_wrong_options_are_named(hubspot: HubSpotSite, name: str, body: object) -> None:
    answer = hubspot.http.put(hubspot.url(f"/_sandbox/{name}"), json=body, timeout=WAIT)
    assert answer.status_code == 400
    assert answer.json()["error"]


@pytest.mark.parametrize(
    "body", [{"kind": "explode"}, {"kind": "status", "service": "x"}, {"path": "(", "kind": "reset"}]
)
def test_wrong_faults_are_refused(hubspot: HubSpotSite, body: dict[str, str]) -> None:
    answer = hubspot.http.post(
        hubspot.url("/_sandbox/faults"), json={"service": "hubspot", **body}, timeout=WAIT
    )
    assert answer.status_code == 400


def test_world_has_every_part(hubspot: HubSpotSite) -> None:
    parts = (
        "accounts contacts users owners app_objects associations workflows callbacks portals "
        "learnupon_users invites groups courses enrollments mails"
    )
    assert set(hubspot.control("GET", "world")) == set(parts.split())


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/mails",
        "/accounts/1001/contacts?q=lopez",
        "/accounts/1001/contacts/101",
        "/accounts/1001/users/111",
        "/accounts/1002/workflows",
        "/static/sandbox.css",
    ],
)
def test_pages_show(hubspot: HubSpotSite, path: str) -> None:
    assert hubspot.http.get(hubspot.url(path), timeout=WAIT).status_code == 200


def test_a_person_can_click_through(hubspot: HubSpotSite) -> None:
    assert "Connect Acme (1001)" in hubspot.authorize(_account="").text
    hubspot.install()
    contact = hubspot.url("/accounts/1001/contacts")
    ran = hubspot.http.post(
        f"{contact}/run-workflow",
        data={"record_ids": "101", "action": "user-invite", "portal": "acme"},
        timeout=WAIT,
    )
    assert "user-invite" in ran.text
    hubspot.wait(lambda: hubspot.received)
    assert hubspot.received[0].json["inputFields"] == {"portal": "acme"}
    saved = hubspot.http.post(f"{contact}/101/change", data={"firstname": "<b>Mary"}, timeout=WAIT)
    assert "&lt;b&gt;Mary" in saved.text
    hubspot.http.post(f"{contact}/101/privacy-delete", timeout=WAIT)
    assert hubspot.http.get(f"{contact}/101", timeout=WAIT).status_code == 404
