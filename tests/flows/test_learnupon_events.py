"""What comes in at a portal's webhook address, and what is left of it."""

import hashlib
import hmac
import json
import uuid
from typing import Any

import orjson

from learners.models import Enrollment
from tests.flows.stage import ACME, GLOBEX, Row, Stage
from tests.flows.test_push import linked
from webhooks.models import Delivery

SECRET = "acme-webhook-secret"


def hook(
    stage: Stage,
    body: bytes,
    webhook_id: Any,
    secret: str = SECRET,
    kind: str = "course_completion",
) -> int:
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-Webhook-Signature": signature, "X-Webhook-Type": kind}
    address = f"{stage.url}/webhooks/learnupon/{webhook_id}"
    answer = stage.http.post(address, data=body, headers=headers, timeout=5)
    return int(answer.status_code)


def completion(**changes: Any) -> Row:
    return {
        "enrollmentId": 11, "courseId": 5, "enrollmentStatus": "completed", "user": {"userId": 777, "email": "p@x.example"},
        "eventCreated": "2026-01-05T09:00:00.000Z", "percentage": 80, **changes,
    }  # fmt: skip


def test_a_wrong_secret_and_an_unknown_address_look_alike(stage: Stage) -> None:
    linked(stage)
    body = orjson.dumps({"data": [completion()]})
    ours, theirs = stage.portals["acme"], stage.portals["globex"]
    assert hook(stage, body, ours.webhook_id, "wrong") == 401
    assert hook(stage, body, uuid.uuid4()) == 401
    assert hook(stage, body, ours.webhook_id, "") == 401
    assert hook(stage, body, theirs.webhook_id, "acme-webhook-secret") == 401
    type(ours).objects.filter(pk=ours.pk).update(state="removed", webhook_secret="")
    assert hook(stage, body, ours.webhook_id) == 401
    assert hook(stage, body, ours.webhook_id, "") == 401
    assert not Delivery.objects.exists()


def test_one_odd_event_costs_its_neighbours_nothing(stage: Stage) -> None:
    linked(stage)
    odd = [
        None, 5, {}, completion(enrollmentId=2**63), completion(enrollmentId=True), completion(courseId="x"),
        completion(user=None), completion(user=[]), completion(enrollmentStatus={}), completion(enrollmentId=-1),
        completion(enrollmentId=12, courseId=2**64), completion(enrollmentId=13, percentage="much"),
        completion(enrollmentId=14, eventCreated="0001-01-01T00:00:00+14:00"),
        completion(enrollmentId=15, eventCreated="9999-12-31T23:59:59-14:00"),
        completion(enrollmentId=16, dateCompleted="0001-01-01T00:00:00+14:00"), completion(enrollmentId=17, dueDate="0000-00-00"),
        completion(enrollmentId=18, percentage=1e308), completion(enrollmentId=19, percentage="nan"),
        completion(enrollmentId=20, certificationName=["x"] * 300, courseName={"a": 1}),
    ]  # fmt: skip
    events = [*odd[:10], completion(enrollmentId=100), *odd[10:], completion(enrollmentId=101)]
    body = json.dumps({"data": events}).encode()  # orjson would not write these numbers
    assert hook(stage, body, stage.portals["acme"].webhook_id) == 200
    stage.work()
    assert not Delivery.objects.filter(state="waiting").exists()
    found = set(Enrollment.objects.values_list("enrollment_id", flat=True))
    assert {100, 101} <= found
    assert not Enrollment.objects.filter(enrollment_id__in=(100, 101)).exclude(due_at=None).exists()


def test_a_kind_nobody_handles_is_taken_and_left(stage: Stage) -> None:
    body = orjson.dumps({"data": [completion()]})
    webhook_id = stage.portals["acme"].webhook_id
    assert hook(stage, body, webhook_id, kind="something_new") == 200
    assert hook(stage, body, webhook_id, kind="") == 200
    assert not Delivery.objects.exists()
    assert hook(stage, b'{"data": {}}', webhook_id) == 400
    assert hook(stage, b"[]", webhook_id) == 400


def test_progress_of_somebody_who_is_not_linked_leaves_nothing_behind(stage: Stage) -> None:
    linked(stage)
    body = orjson.dumps({"data": [completion(user={"userId": 5, "email": "stranger@x.example"})]})
    assert hook(stage, body, stage.portals["acme"].webhook_id) == 200
    stage.work()
    row = Delivery.objects.get()
    assert (row.outcome, row.body, row.learnupon_user_id, row.enrollment_id) == (
        "not_linked",
        None,
        None,
        None,
    )
    assert not Enrollment.objects.exists()


def test_a_repeated_batch_with_other_neighbours_is_the_same_events(stage: Stage) -> None:
    linked(stage)
    webhook_id = stage.portals["acme"].webhook_id
    first, second = completion(), completion(enrollmentId=12)
    for events in ([first], [first, second], [second, first], [second]):
        assert hook(stage, orjson.dumps({"data": events}), webhook_id) == 200
    assert Delivery.objects.count() == 2
    stage.work()
    assert len(stage.records()) == 2


def test_the_same_enrollment_number_of_another_portal_is_another_enrollment(stage: Stage) -> None:
    linked(stage)
    linked(stage, "hank.scorpio@globex.example", "globex")
    body = orjson.dumps({"data": [completion()]})
    assert hook(stage, body, stage.portals["globex"].webhook_id, "globex-webhook-secret") == 200
    stage.work()
    assert (len(stage.records(ACME)), len(stage.records(GLOBEX))) == (0, 1)
