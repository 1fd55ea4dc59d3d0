"""How much can arrive: signed actions against the least that could be done, arrays of events, and how quickly each is
answered at HubSpot's highest rate. Every request is signed before its clock runs."""

import time
from collections.abc import Callable, Iterator
from itertools import islice

import psycopg2

from stack.application import Application, answers
from stack.bench import bare, requests
from stack.bench.client import Client, Load
from stack.bench.figures import Figures
from stack.bench.measuring import nearest_rank
from stack.environment import port_of
from stack.errors import StackError
from stack.ports import HOST, any_free_port
from stack.processes import Process, wait_until
from stack.story import connecting
from stack.story.scene import ACME, Scene

REPEATS, SECONDS = 5, 4.0
RATE, RATE_SECONDS = 150.0, 20.0
MOST = 12_000  # prebuilt requests of a closed loop: more than are answered in that time


def measure(app: Application, large: bool) -> Figures:
    scene = Scene(app)
    connecting.install_acme(scene)
    connecting.connect_acme(scene)
    work = _Numbers()
    stopped = (app.beat, *app.workers)
    for process in stopped:
        process.stop()
    figures = {}
    figures["intake_vs_bare"] = _against_bare(app, work)
    return figures


class _Numbers:
    def __init__(self) -> None:
        self.next = 1

    def take(self, number: int) -> int:
        self.next += number
        return self.next - number


def _against_bare(app: Application, numbers: _Numbers) -> list[float]:
    home = app.addresses.web
    bare_port = str(any_free_port())
    _execute(app, bare.TABLE)
    server = app.web_server("bare", "stack.bench.bare:application", bare_port)
    server.start()
    bare_home = f"http://{HOST}:{bare_port}"
    ratios = []
    try:
        for repeat in range(REPEATS + 1):
            loads = []
            for at in (home, bare_home):
                made = list(islice(requests.actions(home, ACME, "acme", first=numbers.take(MOST)), MOST))
                loads.append(_told(app, at, made))
            if repeat:
                ratios.append(loads[0].per_second / loads[1].per_second)
    finally:
        server.stop()
    return ratios


def _told(app: Application, home: str, made: list[bytes]) -> Load:
    load = Client(home).closed_loop(iter(made), SECONDS)
    print(
        f"  {home}  {load.per_second:,.0f}/s  p99 {1000 * nearest_rank(load.took, 0.99):.0f} ms  client {load.cpu:.0%} wrong {load.wrong}",
        flush=True,
    )
    return load


def _execute(app: Application, statement: str) -> None:
    connection = psycopg2.connect(app.services.database_url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()
