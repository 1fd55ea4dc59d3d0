"""1,000 privacy deletions amid 50,000 live events, a backfill and both vendors failing, HubSpot's limits on: afterwards
no mark of an erased person in any table, in Redis or in a log, no living record of theirs in HubSpot, and no later
write about them.
"""

import hashlib
import hmac
import random
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import orjson
import psycopg2
import redis
import requests

from stack.application import Application
from stack.paths import ROOT
from stack.story import connecting
from stack.story.judge import expect, until
from stack.story.scene import ACME, Scene
from stack.story.worlds import Row, value

PORTAL = "acme"
PEOPLE, ERASED, COURSES, ENROLLMENTS, EVENTS = 3000, 1000, 10, 15_000, 50_000
A_REQUEST = 10  # events, as LearnUpon gathers them
CHUNK = 5000
SECONDS = 900
# While the deletions come: calls refused, broken off, done without an answer.
FAULTS: tuple[Row, ...] = (
    {"service": "hubspot", "path": "/crm/", "kind": "status", "status": 503, "rate": 0.05},
    {
        "service": "hubspot",
        "path": "/crm/objects/",
        "kind": "status",
        "status": 502,
        "rate": 0.05,
        "when": "after",
    },
    {"service": "hubspot", "path": "/crm/", "kind": "reset", "rate": 0.03},
    {"service": "hubspot", "path": "/crm/objects/", "kind": "truncate", "rate": 0.03, "when": "after"},
    {"service": "learnupon", "path": "/api/", "kind": "status", "status": 500, "rate": 0.05},
)
TEXT = re.compile(r"learner(\d+)@bulk\.example", re.IGNORECASE)
LINKING = "SELECT state FROM learners_walk WHERE kind = 'link' ORDER BY id DESC LIMIT 1"
WORK = """
SELECT (SELECT count(*) FROM webhooks_delivery WHERE state = 'waiting')
     + (SELECT count(*) FROM learners_enrollment WHERE due_at IS NOT NULL)
     + (SELECT count(*) FROM gdpr_erasurestep WHERE done_at IS NULL)
     + (SELECT count(*) FROM learners_walk WHERE state = 'running' AND kind = 'history')
"""
BLANKED = "SELECT count(*) FROM gdpr_erasurestep WHERE kind = 'blank' AND done_at IS NULL"
RECEIPTS = "SELECT count(*) FROM gdpr_erasure WHERE state = 'done'"


@dataclass
class Cast:
    """Who is there, and who asks to be forgotten."""

    scene: Scene
    size: float = 1.0
    contacts: dict[str, str] = field(
        default_factory=dict
    )  # LearnUpon user's number in the e-mail -> contact id
    erased: list[str] = field(default_factory=list)
    enrollments: list[Row] = field(default_factory=list)
    hook: dict[str, str] = field(default_factory=dict)
    faults: int = 0

    def count(self, number: int) -> int:
        return max(int(number * self.size), 10)


def prove(app: Application, size: float = 1.0) -> bool:
    cast = Cast(Scene(app), size)
    _prepare(cast)
    seconds = _act(cast)
    found = _look(cast)
    print("Replaying events of the erased ...", flush=True)
    theirs = [row for row in cast.enrollments if str(row["user_id"]) in set(cast.erased)]
    _send(cast, theirs)
    _quiet(cast)
    again = _look(cast)
    return _table(cast, seconds, found, again)


def _prepare(cast: Cast) -> None:
    scene = cast.scene
    connecting.install_acme(scene)
    connecting.connect_acme(scene)
    scene.worlds.call("PUT", "options", {"learnupon_minute": 1_000_000})
    bulk = {"users": PEOPLE, "courses": COURSES, "enrollments": ENROLLMENTS}
    counts = {name: cast.count(number) for name, number in bulk.items()} | {"courses": COURSES}
    scene.worlds.call("POST", "seed-bulk", {"portal": PORTAL, **counts})
    held = scene.worlds.look("learnupon_users", "enrollments")
    users = {str(u["id"]): u for u in held.parts["learnupon_users"] if TEXT.fullmatch(u["email"] or "")}
    for some in _parts(list(users.values()), CHUNK):
        rows = [{"email": u["email"], "firstname": u["first_name"], "lastname": u["last_name"]} for u in some]
        ids = scene.worlds.call("POST", "contacts", {"account": ACME, "rows": rows})["ids"]
        cast.contacts |= {str(u["id"]): str(record) for u, record in zip(some, ids, strict=True)}
    cast.enrollments = [row for row in held.parts["enrollments"] if str(row["user_id"]) in users]
    cast.erased = list(cast.contacts)[:: PEOPLE // ERASED]
    shown = scene.acme.get(f"/portals/{scene.portals[PORTAL]}/settings").read.data
    cast.hook = {"url": shown["data-webhook-url"], "secret": shown["data-webhook-secret"]}
    argv = [sys.executable, "-m", "stack.proofs.walk", PORTAL]
    subprocess.run(argv, env=dict(scene.app.environment), cwd=ROOT, check=True, timeout=60)
    linked = f"{len(cast.contacts):,} people linked"
    until(lambda: _ask(cast, LINKING) == "done", linked, watch=scene.watch, seconds=SECONDS)
    print(f"{linked}, {len(cast.enrollments):,} enrollments to bring in", flush=True)


def _act(cast: Cast) -> float:
    """Everything at once; the seconds from the last deletion to the last blanked record."""
    scene, number = cast.scene, cast.scene.portals[PORTAL]
    page = scene.acme.get(f"/portals/{number}/backfill")
    scene.acme.submit(page, page.form_to("backfill/start"), [("what", "history")])
    dice = random.Random(7)  # noqa: S311  repeatable, not secret
    events = dice.choices(cast.enrollments, k=cast.count(EVENTS))
    sending = threading.Thread(target=_send, args=(cast, events))
    sending.start()
    for fault in FAULTS:
        scene.worlds.call("POST", "faults", fault)
    for user in cast.erased:
        scene.worlds.call("POST", "gdpr-delete", {"account": ACME, "contact_id": cast.contacts[user]})
    deleted = time.monotonic()
    expected = len(cast.erased)
    asked = "every deletion heard"
    receipts = "SELECT count(*) FROM gdpr_erasure"
    until(lambda: _ask(cast, receipts) == expected, asked, watch=scene.watch, seconds=SECONDS)
    until(lambda: _ask(cast, BLANKED) == 0, "every record blanked", watch=scene.watch, seconds=SECONDS)
    seconds = time.monotonic() - deleted
    sending.join()
    cast.faults = sum(int(row["hits"]) for row in scene.worlds.call("GET", "faults", None)["faults"])
    scene.worlds.call("DELETE", "faults", None)
    _quiet(cast)
    return seconds


def _send(cast: Cast, rows: Sequence[Row]) -> None:
    """Signed as LearnUpon signs, each request twice."""
    with ThreadPoolExecutor(4) as pool, requests.Session() as http:
        http.trust_env = False
        list(pool.map(lambda some: _post(cast, http, some), _parts(rows, A_REQUEST)))


def _post(cast: Cast, http: requests.Session, rows: Sequence[Row]) -> None:
    body = orjson.dumps({"data": [_event(row) for row in rows]})
    signature = hmac.new(cast.hook["secret"].encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-Webhook-Signature": signature, "X-Webhook-Type": "course_completion"}
    for _ in range(2):
        answer = http.post(cast.hook["url"], data=body, headers=headers, timeout=60)
        expect(answer.ok, f"a webhook was answered {answer.status_code}")


def _parts(rows: Sequence[Row], most: int) -> list[Sequence[Row]]:
    return [rows[start : start + most] for start in range(0, len(rows), most)]


def _event(row: Row) -> Row:
    person = {"userId": row["user_id"], "email": row["email"]}
    return {
        "enrollmentId": row["id"], "courseId": row["course_id"], "enrollmentStatus": "completed", "user": person,
        "eventCreated": datetime.now(UTC).isoformat(), "percentage": random.randint(0, 100),  # noqa: S311
    }  # fmt: skip


def _quiet(cast: Cast) -> None:
    until(lambda: _ask(cast, WORK) == 0, "nothing left to do", watch=cast.scene.watch, seconds=SECONDS)


# --- looking ---------------------------------------------------------------------------------------------
def _look(cast: Cast) -> dict[str, int]:
    """Where something of an erased person is left, and of how many."""
    erased = set(cast.erased)
    records = {cast.contacts[user] for user in erased}
    texts = {"tables": _tables(cast), "redis": _redis(cast), "logs": _logs(cast)}
    found = {name: len(set(TEXT.findall(text)) & erased) for name, text in texts.items()}
    columns = set(
        _column(cast, "SELECT record_id FROM webhooks_delivery UNION SELECT record_id FROM learners_learner")
    )
    found["record ids"] = len(columns & records)
    held = cast.scene.worlds.look("app_objects").parts["app_objects"]
    theirs = [row for row in held if value(row, "record_id") in records or _mark(row) in erased]
    found["living records"] = sum(not row["archived"] for row in theirs)
    found["archived, not blank"] = sum(bool(row["archived"]) for row in theirs)
    found["receipts missing"] = len(erased) - int(_ask(cast, RECEIPTS) or 0)
    return found


def _mark(row: Row) -> str:
    text = TEXT.fullmatch(value(row, "learner_email"))
    return text.group(1) if text else ""


def _tables(cast: Cast) -> str:
    out = StringIO()
    with _connection(cast) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (name,) in cursor.fetchall():
            cursor.copy_expert(f'COPY "{name}" TO STDOUT', out)
    return out.getvalue()


def _redis(cast: Cast) -> str:
    store: Any = redis.Redis.from_url(cast.scene.app.services.redis_url)
    read = {b"string": "GET", b"hash": "HGETALL", b"set": "SMEMBERS", b"list": "LRANGE", b"zset": "ZRANGE"}
    found = []
    for key in store.scan_iter("*"):
        kind = store.type(key)
        span = [0, -1] if kind in (b"list", b"zset") else []
        found.append(f"{key!r} {store.execute_command(read[kind], key, *span)!r}")
    return "\n".join(found)


def _logs(cast: Cast) -> str:
    """What our own processes wrote; the sandbox and the servers are other people's."""
    ours = [
        path
        for path in Path(cast.scene.app.run.logs).glob("*.log")
        if path.stem not in ("sandbox", "postgres")
    ]
    return "\n".join(path.read_text(errors="replace") for path in ours)


def _connection(cast: Cast) -> Any:
    return psycopg2.connect(cast.scene.app.services.database_url)


def _column(cast: Cast, question: str) -> Iterator[str]:
    connection = _connection(cast)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(question)
            yield from (str(row[0]) for row in cursor.fetchall())
    finally:
        connection.close()


def _ask(cast: Cast, question: str) -> Any:
    connection = _connection(cast)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(question)
            return (cursor.fetchone() or [None])[0]
    finally:
        connection.close()


def _table(cast: Cast, seconds: float, found: dict[str, int], again: dict[str, int]) -> bool:
    print(
        f"\n{len(cast.erased):,} erased amid {cast.count(EVENTS):,} events, each sent twice, a backfill and "
        f"{cast.faults:,} failing calls:",
        flush=True,
    )
    print(f"  {'seconds from the last deletion to the last blanked record':<60}{seconds:>10.1f}")
    print(f"  {'left of erased people, at the end and after more replays:':<60}")
    for name in found:
        print(f"    {name:<58}{found[name]:>10,}{again[name]:>10,}")
    holds = not any(found.values()) and not any(again.values())
    print(f"  {'holds' if holds else 'DOES NOT HOLD'}", flush=True)
    return holds
