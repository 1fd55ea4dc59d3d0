"""Actions, callbacks and webhook events as HubSpot sends and takes them."""

import base64
import hashlib
import hmac
from typing import Any

import orjson
import pytest

from tests.sandbox.hubspot_site import CLIENT, Api, HubSpotSite, Received

BLOCK = {"outputFields": {"hs_execution_state": "BLOCK", "hs_expiration_duration": "P7D"}}
COMPLETE = "/automation/actions/callbacks/2026-09"


@pytest.fixture
def api(hubspot: HubSpotSite) -> Api:
    return hubspot.install()


def run(hubspot: HubSpotSite, *ids: str, action: str = "user-add", **more: Any) -> list[str]:
    body = {"account": 1001, "action": action, "record_ids": list(ids), "inputs": {"portal": "acme"}, **more}
    sent: list[str] = hubspot.control("POST", "workflow", body)["callback_ids"]
    return sent


def callback(hubspot: HubSpotSite, callback_id: str) -> dict[str, Any]:
    rows = hubspot.world("callbacks")["callbacks"]
    found: dict[str, Any] = next(row for row in rows if row["callback_id"] == callback_id)
    return found


def state(hubspot: HubSpotSite, callback_id: str) -> str:
    return str(callback(hubspot, callback_id)["state"])


def signed(hubspot: HubSpotSite, got: Received) -> bool:
    """v3 over the address with `%40` and the like decoded, v2 over the address as sent."""
    url, secret = hubspot.public_url + got.path, CLIENT["client_secret"].encode()
    stamp = got.headers["X-HubSpot-Request-Timestamp"]
    message = b"POST" + url.replace("%40", "@").encode() + got.body + stamp.encode()
    wanted = base64.b64encode(hmac.new(secret, message, hashlib.sha256).digest()).decode()
    if got.headers["X-HubSpot-Signature-Version"] == "v1":
        older = hashlib.sha256(secret + got.body).hexdigest()
    else:
        older = hashlib.sha256(secret + b"POST" + url.encode() + got.body).hexdigest()
    return got.headers["X-HubSpot-Signature-v3"] == wanted and got.headers["X-HubSpot-Signature"] == older


def test_one_signed_request_per_record(hubspot: HubSpotSite, api: Api) -> None:
    sent = run(hubspot, "101", "105")
    hubspot.wait(lambda: len(hubspot.received) == 2)
    by_id = {got.json["callbackId"]: got for got in hubspot.received}
    assert set(by_id) == set(sent)
    assert all(signed(hubspot, got) for got in hubspot.received)
    body = by_id[sent[0]].json
    assert by_id[sent[0]].path == "/webhooks/hubspot/actions/user-add"
    assert body["object"] == {
        "objectId": 101,
        "objectType": "CONTACT",
        "properties": {"email": "maria.lopez@acme.example", "firstname": "Maria", "lastname": "Lopez"},
    }
    assert body["inputFields"] == body["fields"] == {"portal": "acme"}
    assert "email" not in by_id[sent[1]].json["object"]["properties"]
    hubspot.wait(lambda: state(hubspot, sent[0]) == "completed")


def test_blocked_until_completed(hubspot: HubSpotSite, api: Api) -> None:
    hubspot.answers = [(200, BLOCK, {})] * 2
    one, two = run(hubspot, "101", "102")
    hubspot.wait(lambda: {state(hubspot, one), state(hubspot, two)} == {"blocked"})
    outputs = {"hs_execution_state": "SUCCESS", "outcome": "created"}
    bad = {
        "inputs": [
            {"callbackId": id, "outputFields": outputs, "typedOutputs": {}} for id in (one, "ap-1-1-1-0")
        ]
    }
    assert api("POST", f"{COMPLETE}/complete", bad).status_code == 404
    assert state(hubspot, one) == "blocked"
    good = {"inputs": [{"callbackId": id, "outputFields": outputs, "typedOutputs": {}} for id in (one, two)]}
    assert api("POST", f"{COMPLETE}/complete", good).status_code == 204
    assert callback(hubspot, two)["output_fields"]["outcome"] == "created"
    again = api("POST", f"{COMPLETE}/{one}/complete", {"outputFields": outputs, "typedOutputs": {}})
    assert again.status_code == 404
    assert callback(hubspot, one)["completions"] == 2


def test_callbacks_of_another_account_are_unknown(hubspot: HubSpotSite, api: Api) -> None:
    hubspot.answers = [(200, BLOCK, {})]
    (one,) = run(hubspot, "101")
    hubspot.wait(lambda: state(hubspot, one) == "blocked")
    body = {"outputFields": {"hs_execution_state": "SUCCESS"}, "typedOutputs": {}}
    assert hubspot.install(1002)("POST", f"{COMPLETE}/{one}/complete", body).status_code == 404
    body["outputFields"] = {"hs_execution_state": "BLOCK"}
    assert api("POST", f"{COMPLETE}/{one}/complete", body).status_code == 400


def test_server_errors_are_retried_and_refusals_final(hubspot: HubSpotSite, api: Api) -> None:
    hubspot.control("PUT", "options", {"time_scale": 0.0001})
    hubspot.answers = [(503, {}, {}), (429, {}, {"Retry-After": "60000"}), (200, {}, {})]
    (one,) = run(hubspot, "101")
    hubspot.wait(lambda: state(hubspot, one) == "completed")
    assert callback(hubspot, one)["attempts"] == 3
    hubspot.answers = [(400, {}, {})]
    (two,) = run(hubspot, "102")
    hubspot.wait(lambda: state(hubspot, two) == "failed")
    assert callback(hubspot, two)["answered_status"] == 400


def test_block_expires(hubspot: HubSpotSite, api: Api) -> None:
    hubspot.control("PUT", "options", {"time_scale": 0.0000001})
    hubspot.answers = [(200, BLOCK, {})]
    (one,) = run(hubspot, "101")
    hubspot.wait(lambda: state(hubspot, one) == "expired")


def test_privacy_delete_fires_both_events_and_leaves_records(hubspot: HubSpotSite, api: Api) -> None:
    record = api.upsert({"key": "1:1", "status": "completed", "learner_email": "x@y.example"}).json()[
        "results"
    ][0]["id"]
    api("PUT", f"/crm/objects/2026-09/contacts/101/associations/default/a4711_course_enrollment/{record}")
    hubspot.control("POST", "gdpr-delete", {"account": 1001, "contact_id": "101"})
    events = hubspot.wait(lambda: _events(hubspot, 2))
    assert {event["subscriptionType"] for event in events} == {"contact.privacyDeletion", "contact.deletion"}
    assert {(event["portalId"], event["objectId"]) for event in events} == {(1001, 101)}
    assert "maria" not in str(events).lower()
    assert all(signed(hubspot, got) for got in hubspot.received)
    world = hubspot.world("contacts", "app_objects", "associations")
    assert not any(row["id"] == "101" and row["account"] == 1001 for row in world["contacts"])
    assert len(world["app_objects"]) == 1
    assert world["associations"] == []
    back = {"properties": {"email": "Maria.Lopez@acme.example"}, "associations": []}
    assert api("POST", "/crm/objects/2026-09/contacts", back).status_code == 400


def _events(hubspot: HubSpotSite, count: int) -> list[dict[str, Any]]:
    events = [event for got in hubspot.received for event in got.json]
    return events if len(events) >= count else []


def test_events_mix_accounts_and_are_retried(hubspot: HubSpotSite, api: Api) -> None:
    hubspot.install(1002)
    hubspot.control("PUT", "options", {"time_scale": 0.0001})
    hubspot.answers = [(404, {}, {})]
    for account in (1001, 1002):
        body = {"account": account, "contact_id": "103", "properties": {"email": f"new{account}@a.example"}}
        hubspot.control("POST", "change", body)
    hubspot.wait(lambda: len(hubspot.received) == 2)
    first, second = (got.json for got in hubspot.received)
    assert {event["portalId"] for event in first} == {1001, 1002}
    assert [event["attemptNumber"] for event in (first[0], second[0])] == [0, 1]
    assert first[0]["propertyName"] == "email"


def test_merge_moves_records_and_old_ids_answer(hubspot: HubSpotSite, api: Api) -> None:
    record = api.upsert({"key": "1:1", "status": "completed"}).json()["results"][0]["id"]
    api("PUT", f"/crm/objects/2026-09/contacts/107/associations/default/a4711_course_enrollment/{record}")
    body = {"account": 1001, "contact_id": "108", "merged_id": "107"}
    assert hubspot.control("POST", "merge", body)["id"] == "108"
    (event,) = hubspot.wait(lambda: _events(hubspot, 1))
    assert (event["primaryObjectId"], event["mergedObjectIds"], event["newObjectId"]) == (108, [107], 108)
    assert api.ok("GET", "/crm/objects/2026-09/contacts/107")["id"] == "108"
    assert [row["toObjectId"] for row in hubspot.world("associations")["associations"]] == ["108"]
    api("PUT", f"/crm/objects/2026-09/contacts/107/associations/default/a4711_course_enrollment/{record}")
    assert [row["toObjectId"] for row in hubspot.world("associations")["associations"]] == ["108"]
    again = {"account": 1001, "contact_id": "109", "merged_id": "108", "new_id": True}
    kept = hubspot.control("POST", "merge", again)["id"]
    assert {api.ok("GET", f"/crm/objects/2026-09/contacts/{id}")["id"] for id in (107, 108, 109)} == {kept}


def test_nothing_is_sent_to_accounts_without_the_app(hubspot: HubSpotSite) -> None:
    hubspot.control("POST", "delete", {"account": 1001, "contact_id": "101"})
    body = {"account": 1001, "action": "user-add", "record_ids": ["102"]}
    assert hubspot.http.post(hubspot.url("/_sandbox/workflow"), json=body, timeout=5).status_code == 409
    assert hubspot.received == []


def test_deliveries_can_be_doubled_and_lost(hubspot: HubSpotSite, api: Api) -> None:
    hubspot.control("POST", "deliveries", {"duplicate": 1})
    run(hubspot, "101")
    hubspot.wait(lambda: len(hubspot.received) == 2)
    assert hubspot.received[0].body == hubspot.received[1].body
    hubspot.control("POST", "deliveries", {"duplicate": 0, "drop": 1})
    hubspot.control("PUT", "options", {"time_scale": 0.0001})
    (one,) = run(hubspot, "102")
    hubspot.wait(lambda: state(hubspot, one) == "completed")
    assert callback(hubspot, one)["attempts"] == 2


def test_editor_and_cards_ask_with_signatures(hubspot: HubSpotSite) -> None:
    hubspot.answers = [(200, {"options": []}, {}), (404, {"error": "no"}, {})]
    asked = {"account": 1001, "field": "portal", "inputs": {"group": "7"}, "q": "ac"}
    assert hubspot.control("POST", "fetch-options", asked) == {"status": 200, "body": {"options": []}}
    card = {"account": 1002, "path": "/webhooks/hubspot/cards/add", "method": "POST", "body": {"record": "1"}}
    assert hubspot.control("POST", "fetch", card)["status"] == 404
    options, fetch = hubspot.received
    assert signed(hubspot, options)
    assert options.json["fetchOptions"] == {"q": "ac"}
    assert signed(hubspot, fetch)
    assert "portalId=1002&userEmail=ines.install%40globex.example" in fetch.path


def test_held_requests_are_sent_by_whoever_asked_for_them(hubspot: HubSpotSite, api: Api) -> None:
    ids = ["101", "105"]
    body = {
        "account": 1001,
        "action": "user-add",
        "record_ids": ids,
        "inputs": {"portal": "acme"},
        "held": True,
    }
    held = [orjson.loads(text) for text in hubspot.control("POST", "workflow", body)["requests"]]
    assert [request["object"]["objectId"] for request in held] == [101, 105]
    assert hubspot.received == []
    outputs = {"hs_execution_state": "SUCCESS", "outcome": "created"}
    done = [{"callbackId": one["callbackId"], "outputFields": outputs, "typedOutputs": {}} for one in held]
    assert api("POST", f"{COMPLETE}/complete", {"inputs": done}).status_code == 204
    assert {state(hubspot, request["callbackId"]) for request in held} == {"completed"}
