"""How much can arrive: signed actions against the least that could be done, arrays of events, and how quickly each is
answered at HubSpot's highest rate. Every request is made and signed before its clock runs.

What happens at a rate happens with everything running and every action worked. How much there can be at most is
measured with the workers stopped, because they would take from both sides of the comparison what they please.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

import psycopg2

from stack.application import Application, answers
from stack.bench import bare, requests
from stack.bench.client import Client, Load
from stack.bench.figures import Figures
from stack.bench.measuring import nearest_rank
from stack.errors import StackError
from stack.ports import HOST, any_free_port
from stack.processes import wait_until
from stack.redisserver import Redis
from stack.story import connecting
from stack.story.judge import expect
from stack.story.scene import ACME, Scene

RATE = 150.0  # HubSpot's most, a second
RATE_SECONDS, RATE_REPEATS = 20.0, 3
REPEATS, SECONDS = 5, 4.0
LARGE = 3  # times as long in a nightly run
MOST_PER_SECOND = 3500  # requests made for a closed loop; a server that answers more ends it earlier
MOST_ARRAYS_PER_SECOND = 400
CONTACTS_A_CALL = 2000
NO_PACE = {"rate_limits": "off", "learnupon_minute": 1_000_000}


def measure(app: Application, large: bool) -> Figures:
    scene, times = Scene(app), LARGE if large else 1
    scene.worlds.call("PUT", "options", NO_PACE)
    connecting.install_acme(scene)
    connecting.connect_acme(scene)
    rate = _Rate(scene, RATE_SECONDS * times)
    at_rate = [rate.run("everything running") for _ in range(RATE_REPEATS)]
    with _hung(app):
        hung = [rate.run("Redis hung")]
    for process in (app.beat, *app.workers):
        process.stop()
    return {
        "intake_p99_ms_at_150rps": at_rate,
        "intake_p99_ms_redis_hung": hung,
        "intake_vs_bare": list(_against_bare(app, SECONDS * times)),
        "events_per_s": list(_events(app, SECONDS * times)),
    }


class _Rate:
    """Actions at HubSpot's highest rate, each about a contact of its own."""

    def __init__(self, scene: Scene, seconds: float) -> None:
        self._scene = scene
        self._number = int(RATE * seconds)
        self._home = scene.app.addresses.web
        self._first = 0

    def run(self, when: str) -> float:
        """Milliseconds within which 99 of 100 were answered, counted from when each was to be sent."""
        load = Client(self._home).open_loop(self._made(), RATE)
        _judged(load)
        p50, p99 = (1000 * nearest_rank(load.took, part) for part in (0.5, 0.99))
        print(
            f"  {RATE:g} actions/s, {when}: p50 {p50:.1f} ms, p99 {p99:.1f} ms, most {1000 * max(load.took):.0f} ms; "
            f"the client used {load.cpu:.0%} of a core",
            flush=True,
        )
        return p99

    def _made(self) -> list[bytes]:
        made: list[bytes] = []
        for start in range(0, self._number, CONTACTS_A_CALL):
            numbers = range(start, min(start + CONTACTS_A_CALL, self._number))
            rows = [{"email": f"rate{self._first + n}@bench.example", "lastname": "Bench"} for n in numbers]
            ids = self._scene.worlds.call("POST", "contacts", {"account": ACME, "rows": rows})["ids"]
            run = {"account": ACME, "action": "user-add", "record_ids": ids, "inputs": {"portal": "acme"}}
            bodies = self._scene.worlds.call("POST", "workflow", run | {"held": True})["requests"]
            made += [requests.signed(self._home, requests.ACTION, body.encode()) for body in bodies]
        self._first += self._number
        return made


@contextmanager
def _hung(app: Application) -> Iterator[None]:
    """Redis neither answers nor refuses."""
    servers = [server for server in app.services.servers if isinstance(server, Redis)]
    pids = [server.process.pid for server in servers if server.process and server.process.pid]
    if not pids:
        raise StackError("Only a Redis of our own can be made to hang: unset REDIS_URL.")
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def _against_bare(app: Application, seconds: float) -> Iterator[float]:
    """Ours over the bare server, one after the other; the first pair warms both up."""
    home, port = app.addresses.web, str(any_free_port())
    _execute(app, bare.TABLE)
    server = app.web_server("bare", "stack.bench.bare:application", port)
    server.start()
    try:
        bare_home = f"http://{HOST}:{port}"
        expect(wait_until(lambda: answers(bare_home), 30), "the bare server does not answer")
        number = int(MOST_PER_SECOND * seconds)
        for repeat in range(REPEATS + 1):
            made = list(islice(requests.actions(home, ACME, "acme", first=repeat * number), number))
            ours = Client(home).closed_loop(iter(made), seconds)
            theirs = Client(bare_home).closed_loop(iter(made), seconds)
            if repeat:
                yield _compared(ours, theirs)
    finally:
        server.stop()


def _compared(ours: Load, bare: Load) -> float:
    _judged(ours)
    _judged(bare)
    print(
        f"  actions recorded: {ours.per_second:,.0f}/s; bare server {bare.per_second:,.0f}/s; "
        f"the client used {ours.cpu:.0%} and {bare.cpu:.0%} of a core",
        flush=True,
    )
    return ours.per_second / bare.per_second


def _events(app: Application, seconds: float) -> Iterator[float]:
    """Events a second; that every one was committed is counted in the database."""
    home, number = app.addresses.web, int(MOST_ARRAYS_PER_SECOND * seconds)
    for repeat in range(REPEATS + 1):
        first = repeat * number * requests.EVENTS_MOST
        made = list(islice(requests.events(home, ACME, first=first), number))
        before = _count(app)
        load = Client(home).closed_loop(iter(made), seconds)
        _judged(load)
        recorded = _count(app) - before
        sent = len(load.took) * requests.EVENTS_MOST
        expect(recorded == sent, f"{sent} events were acknowledged, {recorded} recorded")
        print(
            f"  events recorded: {recorded / load.seconds:,.0f}/s in arrays of {requests.EVENTS_MOST}; "
            f"the client used {load.cpu:.0%} of a core",
            flush=True,
        )
        if repeat:
            yield recorded / load.seconds


def _judged(load: Load) -> None:
    expect(not load.wrong, f"{load.wrong} of {len(load.took)} requests were not answered 200")


def _count(app: Application) -> int:
    return int(_execute(app, "SELECT count(*) FROM webhooks_delivery WHERE kind LIKE 'hubspot.contact.%'"))


def _execute(app: Application, statement: str) -> str:
    """What a statement of one value gives, if it gives any."""
    connection = psycopg2.connect(app.services.database_url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return str(cursor.fetchone()[0]) if cursor.description else ""  # type: ignore[index]
    finally:
        connection.close()
