"""What comes in at the webhook addresses: hostile, malformed, somebody else's, or simply repeated."""

import json
import time
from typing import Any

import orjson
import pytest

from learners.models import Learner
from sandbox.hubspot import signing
from tests.flows.stage import ACME, GLOBEX, Row, Stage
from tests.flows.test_learnupon_events import hook
from tests.flows.test_push import linked
from webhooks.models import Delivery

ADD = "/webhooks/hubspot/actions/user-add"
EVENTS = "/webhooks/hubspot/events"


def action(**changes: Any) -> Row:
    return {
        "callbackId": "ap-1001-1-1-0", "origin": {"portalId": ACME, "actionDefinitionId": 1},
        "object": {"objectId": 100, "objectType": "CONTACT", "properties": {"email": "x@y.example"}},
        "inputFields": {"portal": "acme"}, **changes,
    }  # fmt: skip


def without(name: str) -> Row:
    return {key: value for key, value in action().items() if key != name}


def event(kind: str = "contact.deletion", account: int = ACME, object_id: Any = 100, **changes: Any) -> Row:
    return {
        "eventId": 1, "subscriptionId": 7, "portalId": account, "appId": 1, "occurredAt": 1_790_000_000_000,
        "subscriptionType": kind, "attemptNumber": 0, "objectId": object_id, **changes,
    }  # fmt: skip


# --- signatures ------------------------------------------------------------------------------------------
def test_nothing_unsigned_is_recorded(stage: Stage) -> None:
    body = orjson.dumps(action())
    for headers in (
        {},
        {"X-HubSpot-Signature-v3": "AAAA", "X-HubSpot-Request-Timestamp": str(int(time.time() * 1000))},
        {"X-HubSpot-Signature-v3": "ü", "X-HubSpot-Request-Timestamp": "²"},
        signing.v3("another-secret", "POST", stage.url + ADD, body, int(time.time() * 1000)),
        signing.v3("sandbox-secret", "POST", stage.url + ADD, body, int(time.time() * 1000) - 400_000),
        signing.v3("sandbox-secret", "POST", stage.url + ADD, body, int(time.time() * 1000) + 400_000),
        signing.v3("sandbox-secret", "POST", stage.url + EVENTS, body, int(time.time() * 1000)),
    ):
        sent = {name: value.encode() for name, value in headers.items()}
        assert stage.http.post(stage.url + ADD, data=body, headers=sent, timeout=5).status_code == 401
    assert not Delivery.objects.exists()


# --- bodies ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"null",
        b"7",
        b'{"a":',
        b"\xff\xfe",
        b'{"callbackId":"\\ud800"}',
        b"[" * 100_000,
    ],
    ids=["empty", "text", "array", "null", "number", "cut", "not-utf8", "surrogate", "brackets"],
)
def test_a_malformed_body_is_refused(stage: Stage, body: bytes) -> None:
    assert stage.call(body).status_code == 400
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("depth", [250, 300, 900, 1500])
def test_deep_json_is_recorded_or_refused_never_a_crash(stage: Stage, depth: int) -> None:
    deep = orjson.loads("[" * 200 + "]" * 200)
    text = orjson.dumps(action(inputFields={"portal": "acme", "deep": deep})).decode()
    body = text.replace("[" * 200, "[" * depth).replace("]" * 200, "]" * depth).encode()
    answer = stage.call(body)
    assert answer.status_code in (200, 400)
    assert Delivery.objects.count() == (1 if answer.status_code == 200 else 0)
    portal = stage.portals["acme"]
    learnupon = hook(
        stage, b'{"data":[{"enrollmentId":1,"x":' + b"[" * depth + b"]" * depth + b"}]}", portal.webhook_id
    )
    assert learnupon in (200, 400)


def test_an_oversized_body_is_refused(stage: Stage) -> None:
    body = orjson.dumps(action(inputFields={"portal": "acme", "x": "y" * 1_100_000}))
    assert stage.call(body).status_code == 413
    assert not Delivery.objects.exists()


def test_missing_fields_are_named(stage: Stage) -> None:
    for name in ("callbackId", "origin", "object"):
        answer = stage.call(without(name))
        assert answer.status_code == 400
        assert list(answer.json()["fields"]) == [name]
    answer = stage.call(action(object={"objectType": "CONTACT"}))
    assert answer.json()["fields"] == {"object": {"objectId": ["This field is required."]}}
    assert not Delivery.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"origin": {"portalId": "x"}}, {"origin": {"portalId": -1}}, {"origin": {"portalId": 2**70}}, {"origin": None},
        {"object": []}, {"object": {"objectId": {}, "objectType": "CONTACT"}}, {"callbackId": "x" * 151}, {"callbackId": ""},
        {"object": {"objectId": 1, "objectType": "DEAL"}}, {"inputFields": []}, {"object": {"objectId": 2**64}},
    ],
)  # fmt: skip
def test_fields_of_the_wrong_kind_are_refused(stage: Stage, changes: Row) -> None:
    assert stage.call(json.dumps(action(**changes)).encode()).status_code == 400
    assert not Delivery.objects.exists()


def test_unknown_fields_are_ignored(stage: Stage) -> None:
    contact = int(stage.contact("amara.abara@northwind.example"))
    body = action(
        object={"objectId": contact, "objectType": "CONTACT", "new": 1},
        newField={"a": [1, 2]},
        typedInputs=[],
    )
    assert stage.call(body).json()["outputFields"]["hs_execution_state"] == "BLOCK"
    stage.work()
    assert Learner.objects.count() == 1


@pytest.mark.parametrize("name", ["Zo\x00e", "\\u0000", "back\\slash", 'quo"te\\', "\\\\u0000\x00"])
def test_no_character_of_a_name_costs_a_learner(stage: Stage, name: str) -> None:
    """A NUL cannot be kept by PostgreSQL; a backslash before u0000 is no NUL, only text that looks like one."""
    properties = {"email": "zoe@x.example", "firstname": name}
    contact = int(stage.new_contact(email="zoe@x.example", firstname=name))
    body = action(object={"objectId": contact, "objectType": "CONTACT", "properties": properties})
    assert stage.call(body).status_code == 200
    stage.work()
    user = stage.user("zoe@x.example")
    assert user is not None
    assert user["first_name"] == name.replace("\x00", "")


def test_an_unknown_account_is_404_for_actions(stage: Stage) -> None:
    assert stage.call(action(origin={"portalId": 1003})).status_code == 404
    assert stage.call(action(), "no-such-action").status_code == 404
    assert stage.post("/webhooks/hubspot/options/portal", {"origin": {"portalId": 1003}}).status_code == 404
    assert not Delivery.objects.exists()


def test_options_show_only_the_account_s_own_portals(stage: Stage) -> None:
    def shown(account: int) -> set[str]:
        answer = stage.post("/webhooks/hubspot/options/portal", {"origin": {"portalId": account}})
        return {row["value"] for row in answer.json()["options"]}

    assert shown(ACME) == {"acme", "acme-partners"}
    assert shown(GLOBEX) == {"globex"}
    other = {"origin": {"portalId": GLOBEX}, "inputFields": {"portal": {"value": "acme"}}}
    assert stage.post("/webhooks/hubspot/options/group", other).json()["options"] == []
    assert stage.post("/webhooks/hubspot/options/course", other).json()["options"] == []


# --- HubSpot's events ------------------------------------------------------------------------------------
def test_an_array_of_several_accounts_strangers_and_rubbish(stage: Stage) -> None:
    ours, theirs = linked(stage), linked(stage, "hank.scorpio@globex.example", "globex")
    events: list[Any] = [
        event(object_id=int(ours.record_id)), event(account=4242), event("contact.creation"), event("deal.deletion"),
        None, 7, [], {}, {"portalId": "x"}, event(object_id=None), event(object_id={}), event(account=-1),
        event(object_id=str(theirs.record_id), account=GLOBEX), event(object_id=-5), event(object_id=2**65),
    ]  # fmt: skip
    assert stage.post(EVENTS, json.dumps(events).encode()).status_code == 200
    assert Delivery.objects.count() == 2
    stage.work()
    assert set(Learner.objects.values_list("state", flat=True)) == {"paused"}


def test_the_older_name_of_the_kind_is_understood_too(stage: Stage) -> None:
    learner = linked(stage)
    old = event(object_id=int(learner.record_id)) | {"eventType": "contact.deletion"}
    del old["subscriptionType"]
    assert stage.post(EVENTS, [old]).status_code == 200
    stage.work()
    assert Learner.objects.get().state == "paused"


def test_a_repeated_event_is_one_delivery_and_a_restore_undoes_it(stage: Stage) -> None:
    learner = linked(stage)
    gone = event(object_id=int(learner.record_id))
    for _ in range(3):
        stage.post(EVENTS, [gone, gone])
    assert Delivery.objects.count() == 1
    stage.work()
    stage.post(EVENTS, [event("contact.restore", object_id=int(learner.record_id), eventId=2)])
    stage.work()
    assert Learner.objects.get().state == "active"


@pytest.mark.parametrize(
    "more",
    [{"mergedObjectIds": 5}, {"mergedObjectIds": "12"}, {"mergedObjectIds": [None, {}, "x"]}, {"newObjectId": {}},
     {"primaryObjectId": []}],
)  # fmt: skip
def test_a_merge_that_makes_no_sense_moves_nobody_and_costs_nobody(stage: Stage, more: Row) -> None:
    one, other = linked(stage), linked(stage, "bjorn.bergstrom@contoso.example", user_id=778)
    Learner.objects.filter(pk=one.pk).update(record_id="1")
    odd = event("contact.merge", object_id=55, **more)
    stage.post(EVENTS, [odd, event(object_id=int(other.record_id))])
    stage.work()
    assert Learner.objects.get(pk=one.pk).record_id == "1"
    assert Learner.objects.get(pk=other.pk).state == "paused"
    assert not Delivery.objects.filter(state="waiting").exists()


def test_events_about_nobody_we_know_leave_nothing_behind(stage: Stage) -> None:
    change = event(
        "contact.propertyChange", propertyName="email", propertyValue="secret@x.example", object_id=123
    )
    stage.post(
        EVENTS, [change, event(object_id=124), event("contact.merge", object_id=125, mergedObjectIds=[9])]
    )
    stage.work()
    left = list(Delivery.objects.values_list("body", "record_id", "outcome"))
    assert left == [(None, "", "not_linked")] * 3
