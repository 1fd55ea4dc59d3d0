"""20,000 enrollments of one account due at once, HubSpot's limits on: not one 429, not one row lost. Then the same
beside another program that spends half of the account's budget.
"""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime

import psycopg2

from stack.application import Application
from stack.processes import Process
from stack.proofs.neighbour import PATH as NEIGHBOURS_PATH
from stack.story import connecting
from stack.story.judge import expect, until
from stack.story.scene import ACME, Scene
from stack.story.worlds import Row, value

ROWS = 20_000
LATENCY_MS = 200
CHUNK = 5000  # contacts in one call
SECONDS = 240  # to give up after
# HubSpot lets 100 calls through in 10 seconds (110, of which certified apps leave a tenth).
CEILING = 10.0
MOST_REFUSED_BESIDE = 2 / 200
STILL_TO_DO = "SELECT count(*) FROM learners_enrollment WHERE due_at IS NOT NULL OR version <> pushed_version"
EXPECTED = """
SELECT p.number || ':' || e.enrollment_id, l.record_id
FROM learners_enrollment e JOIN learners_learner l ON l.id = e.learner_id JOIN portals_portal p ON p.id = e.portal_id
WHERE e.enrollment_id BETWEEN %s AND %s
"""


@dataclass(frozen=True)
class Round:
    name: str
    rows: int
    lost: int
    seconds: float
    calls: int
    refused: int
    theirs: int
    theirs_refused: int
    most_refused: float

    @property
    def per_second(self) -> float:
        return self.calls / self.seconds

    @property
    def holds(self) -> bool:
        return self.lost == 0 and self.refused <= self.most_refused * self.calls


def prove(app: Application, rows: int = ROWS) -> bool:
    """Whether both rounds held their bars."""
    scene = Scene(app)
    connecting.install_acme(scene)
    connecting.connect_acme(scene)
    scene.worlds.call("PUT", "options", {"latency_ms": LATENCY_MS})
    contacts = _contacts(scene, rows)
    rounds = [
        _round(scene, "alone", contacts, first=1_000_000, neighbour=False),
        _round(scene, "beside another program", contacts, first=2_000_000, neighbour=True),
    ]
    _table(rounds)
    return all(one.holds for one in rounds)


def _contacts(scene: Scene, rows: int) -> list[str]:
    ids: list[str] = []
    for start in range(0, rows, CHUNK):
        some = [{"email": f"p{n}@proof.example"} for n in range(start, min(start + CHUNK, rows))]
        ids += scene.worlds.call("POST", "contacts", {"account": ACME, "rows": some})["ids"]
    return ids


@contextmanager
def _running(app: Application, name: str, *argv: str, first_words: bytes = b"") -> Iterator[Process]:
    process = Process(
        name, argv, log=app.run.logs / f"{name}.log", record=app.run.records / f"{name}.pid",
        env=app.environment, first_words=first_words,
    )  # fmt: skip
    process.start()
    try:
        yield process
    finally:
        process.stop()


def _round(scene: Scene, name: str, contacts: Sequence[str], *, first: int, neighbour: bool) -> Round:
    print(f"{len(contacts):,} enrollments due at once, {name} ...", flush=True)
    before = len(_log(scene))
    argv = (sys.executable, "-m", "stack.proofs.neighbour", str(ACME))
    with _running(scene.app, "neighbour", *argv) if neighbour else nullcontext() as other:
        if other:
            until(lambda: _theirs(_log(scene)[before:]), "the other program calls", watch=other.check)
        _fill(scene, contacts, first)
        until(lambda: _count(scene, STILL_TO_DO) == 0, "every row pushed", watch=scene.watch, seconds=SECONDS)
    log = _log(scene)[before:]
    theirs = _theirs(log)
    ours = [row for row in log if row["path"] != NEIGHBOURS_PATH]
    times = [datetime.fromisoformat(row["at"]) for row in ours]
    return Round(
        name, len(contacts), _lost(scene, first, len(contacts)), (max(times) - min(times)).total_seconds(),
        len(ours), refused(ours), len(theirs), refused(theirs), MOST_REFUSED_BESIDE if neighbour else 0.0,
    )  # fmt: skip


def _fill(scene: Scene, contacts: Sequence[str], first: int) -> None:
    argv = (sys.executable, "-m", "stack.proofs.rows", str(first))
    with _running(scene.app, "rows", *argv, first_words="\n".join(contacts).encode()) as filling:
        expect(filling.wait(SECONDS) == 0, f"the rows were not made:\n{filling.last_lines()}")


def _log(scene: Scene) -> list[Row]:
    rows: list[Row] = scene.worlds.call("GET", "requests?service=hubspot&path=/crm/")["requests"]
    return [row for row in rows if row["account"] == ACME]


def _theirs(log: list[Row]) -> list[Row]:
    return [row for row in log if row["path"] == NEIGHBOURS_PATH]


def refused(log: list[Row]) -> int:
    return sum(row["status"] == 429 for row in log)


def _lost(scene: Scene, first: int, rows: int) -> int:
    """Rows without their record in HubSpot, tied to their contact."""
    held = scene.worlds.look("app_objects", "associations")
    key_of = {str(row["id"]): value(row, "enrollment_key") for row in held.app_objects(ACME)}
    tied = set()
    for row in held.parts["associations"]:
        one, other = str(row["fromObjectId"]), str(row["toObjectId"])
        tied |= {(key_of.get(one), other), (key_of.get(other), one)}
    wanted = [(str(key), str(contact)) for key, contact in _ask(scene, EXPECTED, first, first + rows)]
    return rows - sum(pair in tied for pair in wanted)


def _count(scene: Scene, question: str) -> int:
    time.sleep(0.2)  # a question to the database that is being measured, not too often
    return int(str(_ask(scene, question)[0][0]))


def _ask(scene: Scene, question: str, *values: int) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(scene.app.services.database_url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(question, values)
            return list(cursor.fetchall())
    finally:
        connection.close()


def _table(rounds: list[Round]) -> None:
    lines: list[tuple[str, list[str]]] = [
        ("", [one.name for one in rounds]),
        ("rows", [f"{one.rows:,}" for one in rounds]),
        ("rows lost (0)", [f"{one.lost:,}" for one in rounds]),
        ("our calls", [f"{one.calls:,}" for one in rounds]),
        ("429s to us (0; 2 per 200)", [f"{one.refused:,}" for one in rounds]),
        ("seconds", [f"{one.seconds:.1f}" for one in rounds]),
        (f"our calls per second (of {CEILING:g})", [f"{one.per_second:.2f}" for one in rounds]),
        ("the other program's calls", [f"{one.theirs:,}" for one in rounds]),
        ("429s to it", [f"{one.theirs_refused:,}" for one in rounds]),
        ("holds", ["yes" if one.holds else "NO" for one in rounds]),
    ]
    print(f"\nPush, HubSpot's limits on, {LATENCY_MS} ms a call, two workers:", flush=True)
    for title, cells in lines:
        print(f"  {title:<36}" + "".join(f"{cell:>24}" for cell in cells), flush=True)
