"""Pushing 20,000 new records, associations included. First with HubSpot's limits and 200 ms a call, by the workers as
they always run, over 10 calls a second and over one record a call. Then with no limits and no latency, beside a bare
loop of the SDK, in turns; a worker of its own does it, in which our limiter grants everything.
"""

import json
from collections.abc import Sequence
from datetime import datetime

from stack.application import Application
from stack.bench import programs, usage
from stack.bench.database import ask, connected, server
from stack.bench.figures import Figures
from stack.story import connecting
from stack.story.judge import expect, until
from stack.story.scene import ACME, Scene
from stack.story.worlds import Row

ROWS, TURNS = 20_000, 3
LATENCY_MS = 200
CEILING = 10.0  # calls a second: HubSpot's 100 in 10 seconds, of 110, a tenth of which a certified app leaves
SINGLE_SECONDS = 40
CHUNK = 5000  # contacts in one call
SECONDS = 240  # to give up after
WAITING = "SELECT 1 FROM learners_enrollment WHERE due_at IS NOT NULL LIMIT 1"
THERE = """
SELECT count(*) FROM learners_enrollment WHERE version = pushed_version AND associated_with <> '' AND parked_reason = ''
"""


def measure(app: Application, large: bool) -> Figures:
    scene = Scene(app)
    connecting.install_acme(scene)
    connecting.connect_acme(scene)
    rows = ROWS * (5 if large else 1)
    contacts = _contacts(scene, rows)
    scene.worlds.call("PUT", "options", {"latency_ms": LATENCY_MS})
    limited = _limited(scene, contacts)
    for process in (app.beat, *app.workers, app.web):
        process.stop()
    by_one = _run(scene, "stack.bench.pushing", str(ACME), "single", str(SINGLE_SECONDS))
    scene.worlds.call("PUT", "options", {"latency_ms": 0, "rate_limits": "off"})
    turns = [_turn(scene, contacts, number) for number in range(1, TURNS + 1)]
    return {
        "push_vs_ceiling": [limited["calls_per_s"] / CEILING],
        "push_429s": [limited["refused"]],
        "push_vs_one_by_one": [rows / limited["seconds"] / (by_one["records"] / by_one["seconds"])],
        "push_cpu": [turn["per_cpu_second"] for turn in turns],
        "push_vs_sdk_loop": [turn["over_sdk"] for turn in turns],
    }


def _contacts(scene: Scene, rows: int) -> list[str]:
    ids: list[str] = []
    for start in range(0, rows, CHUNK):
        some = [{"email": f"p{n}@bench.example"} for n in range(start, min(start + CHUNK, rows))]
        ids += scene.worlds.call("POST", "contacts", {"account": ACME, "rows": some})["ids"]
    return ids


def _limited(scene: Scene, contacts: Sequence[str]) -> dict[str, float]:
    """By the workers, within HubSpot's limits; what HubSpot's log says of it."""
    before, url = len(_log(scene)), scene.app.services.database_url
    _fill(scene, contacts, 1)
    until(lambda: not ask(url, WAITING), "every row pushed", watch=scene.watch, seconds=SECONDS)
    _expect_there(scene, len(contacts))
    log = _log(scene)[before:]
    times = [datetime.fromisoformat(row["at"]) for row in log]
    seconds = (max(times) - min(times)).total_seconds() + LATENCY_MS / 1000
    print(f"  {len(contacts):,} records in {len(log):,} calls and {seconds:.1f} s, limits on", flush=True)
    return {
        "seconds": seconds,
        "calls_per_s": len(log) / seconds,
        "refused": sum(row["status"] == 429 for row in log),
    }


def _turn(scene: Scene, contacts: Sequence[str], number: int) -> dict[str, float]:
    """Ours, then the SDK's loop, with the same number of new records."""
    url = scene.app.services.database_url
    _fill(scene, contacts, 1 + number)
    with connected(url) as cursor:
        cursor.execute("VACUUM ANALYZE")
    database = server(url)
    before = usage.cpu_seconds(usage.tree(database))
    ours = _run(scene, "stack.bench.pushing", str(ACME), "all")
    used = usage.cpu_seconds(usage.tree(database)) - before
    _expect_there(scene, len(contacts) * (1 + number))
    theirs = _run(scene, "stack.bench.sdk_loop", str(ACME), str(len(contacts)), str(number * 10_000_000))
    print(f"  {len(contacts):,} records, limits off: ours {ours['seconds']:.2f} s (CPU: worker {ours['cpu']:.2f} s,"
          f" PostgreSQL {used:.2f} s), the SDK's loop {theirs['seconds']:.2f} s", flush=True)  # fmt: skip
    return {
        "per_cpu_second": len(contacts) / (ours["cpu"] + used),
        "over_sdk": theirs["seconds"] / ours["seconds"],
    }


def _fill(scene: Scene, contacts: Sequence[str], number: int) -> None:
    """A new enrollment of every contact, all due at once."""
    first = str(number * 10_000_000)
    programs.run(scene.app, "stack.proofs.rows", first, words="\n".join(contacts), seconds=SECONDS)


def _expect_there(scene: Scene, wanted: int) -> None:
    ((there,),) = ask(scene.app.services.database_url, THERE)
    expect(there == wanted, f"HubSpot has {there:,} of {wanted:,} records")


def _log(scene: Scene) -> list[Row]:
    rows: list[Row] = scene.worlds.call("GET", "requests?service=hubspot&path=/crm/")["requests"]
    return [row for row in rows if row["account"] == ACME]


def _run(scene: Scene, module: str, *words: str) -> dict[str, float]:
    told = programs.run(scene.app, module, *words, seconds=SECONDS)
    found: dict[str, float] = json.loads(told)
    return found
