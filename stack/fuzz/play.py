"""`make fuzz`: the running stack, two accounts and three portals, 10,000 cases and more."""

import json
import os
import secrets
import urllib.request

import psycopg2

from stack.application import Application
from stack.environment import CLIENT_SECRET
from stack.errors import StackError
from stack.fuzz.judging import Tally, reached
from stack.fuzz.target import Json, Target
from stack.fuzz.trying import fuzz
from stack.processes import Process
from stack.story import connecting
from stack.story.judge import until
from stack.story.scene import ACME, GLOBEX, Scene

EACH = 1700  # to each of the six operations that want a signature: 10,000 and more in all
WORK_SECONDS = 120
UNWORKED = "SELECT count(*) FROM webhooks_delivery WHERE state = 'waiting' AND attempts = 0"


def play(app: Application) -> bool:
    """Whether every answer was as the document says, and no process met an error of its own."""
    scene = Scene(app)
    connecting.install_acme(scene)
    connecting.install_globex(scene)
    connecting.connect_acme(scene)
    connecting.connect_partners(scene)
    connecting.connect_globex(scene)
    number = _seed()
    print(f"Trying every address for programs, {EACH:,} cases each (SEED={number}) ...", flush=True)
    tallies = fuzz(_target(scene), EACH, number)
    _table(tallies)
    print("\nWaiting until what was recorded has been worked ...", flush=True)
    until(
        lambda: not _unworked(scene), "everything recorded was tried", watch=scene.watch, seconds=WORK_SECONDS
    )
    errors = {process.name: _errors(process) for process in (app.web, *app.workers)}
    for name, lines in errors.items():
        print(
            f"  {name:<10}{len(lines):>6} errors of its own" + "".join(f"\n    {line}" for line in lines[:5]),
            flush=True,
        )
    return all(not tally.problems and reached(tally) for tally in tallies) and not any(errors.values())


def _seed() -> int:
    given = os.environ.get("SEED", "")
    if given and not given.isdigit():
        raise StackError("SEED must be a number.")
    return int(given) if given else secrets.randbelow(10**6)


def _target(scene: Scene) -> Target:
    hooks = {}
    for browser, subdomain in ((scene.acme, "acme"), (scene.acme, "acme-partners"), (scene.globex, "globex")):
        page = browser.get(f"/portals/{scene.portals[subdomain]}/settings").read.data
        hooks[page["data-webhook-url"].rpartition("/")[2]] = page["data-webhook-secret"]
    return Target(
        scene.app.addresses.web, _document(scene.app.addresses.web), CLIENT_SECRET, (ACME, GLOBEX), hooks,
        tuple(scene.portals),
    )  # fmt: skip


def _document(web: str) -> Json:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{web}/api/schema/", timeout=30) as answer:
        found: Json = json.load(answer)
    return found


def _unworked(scene: Scene) -> int:
    connection = psycopg2.connect(scene.app.services.database_url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(UNWORKED)
            return int((cursor.fetchone() or (0,))[0])
    finally:
        connection.close()


def _errors(process: Process) -> list[str]:
    """Lines that say that something of ours went wrong. A foreign Host is logged as an error by Django, and is none."""
    lines = process.log.read_text(errors="replace").splitlines()
    marks = ('"level": "error"', "[ERROR]", "[CRITICAL]", "Traceback")
    return [
        line[:400] for line in lines if any(mark in line for mark in marks) and "DisallowedHost" not in line
    ]


def _table(tallies: list[Tally]) -> None:
    print(f"\n  {'address':<44}{'cases':>8}  answers", flush=True)
    for tally in tallies:
        statuses = ", ".join(f"{status}: {count:,}" for status, count in sorted(tally.statuses.items()))
        print(f"  {tally.label:<44}{tally.cases:>8,}  {statuses}", flush=True)
        if not reached(tally):
            print("    TOO FEW came through", flush=True)
        for problem, example in tally.problems.items():
            print(f"    WRONG: {problem}\n      " + example.replace("\n", "\n      "), flush=True)
    cases = sum(tally.cases for tally in tallies)
    server_errors = sum(
        count
        for t in tallies
        for status, count in t.statuses.items()
        if status >= 500 and t.label != "GET /readyz"
    )
    wrong = sum(len(tally.problems) for tally in tallies)
    print(
        f"\n  {cases:,} cases: {server_errors:,} server errors, {wrong:,} kinds of answers against the document",
        flush=True,
    )
