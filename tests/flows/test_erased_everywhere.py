"""A marked person is planted wherever a person can be, erased, and looked for everywhere: every table, Redis, the log
and both worlds."""

import io
import logging
from collections.abc import Iterator
from datetime import timedelta

import orjson
import pytest
from django.db import connection, models
from django.utils import timezone

from gdpr.erasers import ERASERS
from gdpr.models import Erasure
from hubsync.logging import JsonFormatter
from learners.models import Enrollment, Learner
from learners.reviewitem import ReviewItem
from portals.clients import limiter
from portals.models import Portal
from tests.conftest import signed_in
from tests.flows.stage import ACME, GLOBEX, Stage
from tests.flows.test_learnupon_events import completion, hook
from tests.flows.test_record_field import record_definition
from tests.flows.test_requests import EVENTS, event
from tests.flows.test_story import progress
from webhooks.models import Delivery

RECORD, USER = 918273645501, 827364554
EMAIL, FIRST, LAST = "zoe.markham@erase-me.example", "Zoemarkham", "Quennellmark"
MARKS = (EMAIL, FIRST, LAST, str(RECORD), "erase-me")
# What is theirs by right: HubSpot's own history of its workflows, mail that was sent, the LearnUpon account.
THEIRS = ("workflows", "callbacks", "mails", "learnupon_users", "invites", "enrollments")


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield text
    root.removeHandler(handler)
    root.setLevel(level)


def tables() -> Iterator[tuple[str, str]]:
    """Every table there is, as `COPY` writes it, Django's own included."""
    with connection.cursor() as cursor:
        for name in connection.introspection.table_names(cursor):
            out = io.StringIO()
            cursor.copy_expert(f'COPY "{name}" TO STDOUT', out)
            yield name, out.getvalue()


READ = {"string": "GET", "hash": "HGETALL", "set": "SMEMBERS", "list": "LRANGE", "zset": "ZRANGE"}


def redis_text() -> str:
    store, found = limiter.store(), list[str]()
    for key in store.scan_iter("*"):
        kind = store.execute_command("TYPE", key)  # type: ignore[no-untyped-call]
        name = kind.decode() if isinstance(kind, bytes) else str(kind)
        span = [0, -1] if name in ("list", "zset") else []
        held = store.execute_command(READ[name], key, *span)  # type: ignore[no-untyped-call]
        found.append(f"{key!r} {held!r}")
    return "\n".join(found)


def marks(text: str) -> list[str]:
    return [mark for mark in MARKS if mark.casefold() in text.casefold()]


def everywhere(stage: Stage, log: io.StringIO) -> dict[str, list[str]]:
    found = {f"table {name}": marks(text) for name, text in tables()}
    found["redis"] = marks(redis_text())
    found["log"] = marks(log.getvalue())
    world = stage.control("GET", "world")
    for part, rows in world.items():
        if part not in THEIRS:
            found[f"world {part}"] = marks(orjson.dumps(rows).decode())
    held = [row.get("customDataFieldValues") for row in world["learnupon_users"]]
    found["record id at LearnUpon"] = [str(RECORD)] if str(RECORD) in str(held) else []
    return {where: what for where, what in found.items() if what}


def marked_row(portal: Portal, model: type[models.Model], **fixed: object) -> models.Model:
    """A row about the person with a mark in every text that can hold one."""
    values: dict[str, object] = {}
    for column in model._meta.concrete_fields:
        if isinstance(column, models.JSONField):
            values[column.name] = {"of": FIRST, "mail": EMAIL}
        elif isinstance(column, models.CharField) and not column.choices and not column.unique:
            values[column.name] = f"{LAST} {EMAIL}"[: column.max_length]
    return model._default_manager.create(account=portal.account, portal=portal, **{**values, **fixed})


def plant_rows(portal: Portal, learner: Learner) -> None:
    """Beside what the flows leave by themselves: every table with an eraser, every column."""
    record = {"record_type": "contact", "record_id": str(RECORD)}
    ours = {"outcome": "", "callback_id": ""}  # words of ours, and HubSpot's own number of a workflow step
    action = {"kind": "hubspot.action.user-add", "lane": "actions", **ours, **record}
    later = timezone.now() + timedelta(hours=9)
    marked_row(portal, Delivery, key="a", state="done", **action)
    marked_row(portal, Delivery, key="b", state="failed", **action)
    marked_row(portal, Delivery, key="c", due_at=later, tell="owed", **(action | {"callback_id": "unknown"}))
    by_user = {"kind": "learnupon.course_completion", "lane": "live", "record_id": "", **ours}
    marked_row(
        portal, Delivery, key="d", state="done", learnupon_user_id=learner.learnupon_user_id, **by_user
    )
    body = {"user": {"email": EMAIL.upper(), "name": FIRST}}
    marked_row(portal, Delivery, key="e", state="failed", **(by_user | {"body": body}))
    marked_row(portal, Delivery, key="f", due_at=later, **(by_user | {"body": body}))
    marked_row(portal, Enrollment, learner=learner, enrollment_id=USER, course_id=1, stamps={}, due_at=None)
    for state, user in (("unlinked", USER), ("unlinked", None)):
        fixed: dict[str, object] = {"queued_courses": [], "state": state, "learnupon_user_id": user, **record}
        marked_row(portal, Learner, **fixed)
    sides = {
        "first_user": 1,
        "second_record": "7",
        "second_user": 2,
        "record_type": "contact",
        "kind": "merged",
    }
    marked_row(portal, ReviewItem, first_record=str(RECORD), **sides)
    assert {Delivery, Enrollment, Learner, ReviewItem} == set(ERASERS), "plant the new table too"


def live_a_while(stage: Stage) -> None:
    """Everything that can happen to a person, through the front doors."""
    hub = stage.worlds.sandbox.worlds.hubspot
    values = {"email": EMAIL, "firstname": FIRST, "lastname": LAST, "phone": "erase-me-5550"}
    stage.worlds.do(hub.accounts[ACME].contacts.create, values, hub.now(), id=str(RECORD))
    portal = stage.portals["acme"]
    portal.record_field = record_definition(stage)
    portal.save()
    partners = stage.portals["acme-partners"]
    admin = signed_in(stage.accounts[ACME])
    stage.add(str(RECORD), action="user-invite")
    stage.add(str(RECORD), action="user-invite", inputs={"portal": "acme-partners"})
    stage.control("POST", "accept-invite", {"portal": "acme", "email": EMAIL})
    stage.later(hours=1)
    stage.add(str(RECORD))
    progress(stage, EMAIL, "completed")
    admin.post(f"/portals/{portal.pk}/learners/add", {"record_id": str(RECORD), "action": "user-add"})
    admin.get(f"/portals/{portal.pk}/learners?q={EMAIL}")
    news = {"propertyName": "lastname", "propertyValue": LAST}
    stage.post(EVENTS, [event("contact.propertyChange", object_id=RECORD, **news)])  # type: ignore[arg-type]
    person = {"userId": 999_999, "email": EMAIL, "firstName": FIRST, "lastName": LAST}
    early = {**completion(), "user": person}  # of an invitee who is not linked yet
    hook(stage, b'{"data":[%s]}' % orjson.dumps(early), partners.webhook_id, partners.webhook_secret)
    stage.work()


def test_nothing_of_the_person_is_left_anywhere(stage: Stage, log: io.StringIO) -> None:
    live_a_while(stage)
    learner = Learner.objects.get(portal=stage.portals["acme"], record_id=str(RECORD), state="active")
    plant_rows(stage.portals["acme"], learner)
    before = everywhere(stage, log)
    needed = {f"table {model._meta.db_table}" for model in ERASERS} | {
        "world app_objects",
        "world contacts",
        "record id at LearnUpon",
    }
    assert needed <= set(before), "the marks were not planted"
    neighbour = Learner.objects.create(
        account=stage.accounts[GLOBEX], portal=stage.portals["globex"], record_type="contact", record_id="1",
        learnupon_user_id=learner.learnupon_user_id, state="active", email="theirs@globex.example",
    )  # fmt: skip
    stage.control("POST", "gdpr-delete", {"account": ACME, "contact_id": str(RECORD)})
    stage.settle()
    stage.later(days=1)
    assert everywhere(stage, log) == {}
    assert Erasure.objects.get().state == "done"
    assert stage.user(EMAIL) is not None
    assert list(Learner.objects.all()) == [neighbour]
