"""Everything a run plays on: the processes, both worlds, the database, and how to break and mend them."""

import os
import signal
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import requests

from stack.application import Application
from stack.chaos.database import Database
from stack.chaos.sizes import Size
from stack.errors import StackError
from stack.postgres import Postgres
from stack.processes import Process, wait_until
from stack.redisserver import Redis
from stack.story import connecting
from stack.story.judge import CheckFailed
from stack.story.scene import Scene

# The ladder, the polls and the vendors' own retries, hours in life, fit into minutes.
SCALE = "0.02"
ENVIRONMENT = {"RETRY_SCALE": SCALE}
# Chosen so that tokens are renewed all the time: the sweep renews what lives for less than ten minutes.
WORLD = {"time_scale": float(SCALE), "token_seconds": 640, "learnupon_minute": 6000}
KEYS_SECONDS = 60
PATIENCE = 6  # times as long until all has come to rest, where LearnUpon's own pace is kept
SUBDOMAINS = ("acme", "acme-partners", "globex")


@dataclass
class Stage:
    app: Application
    size: Size
    seed: int
    kept_rates: bool = False  # LearnUpon's allowance as it is in life, instead of one that nobody waits for
    deliveries: int = 0
    restarts: int = 0  # processes that ended by themselves, and were started again
    outcomes: Counter[str] = field(default_factory=Counter)
    busiest: int = 0  # the most calls an account's HubSpot had in ten seconds
    lossy: bool = False  # HubSpot's events are held back while the worlds lose what they send
    hits: list[dict[str, object]] = field(default_factory=list)
    _skewed: tuple[Process, list[str]] | None = None

    @cached_property
    def scene(self) -> Scene:
        return Scene(self.app)

    @cached_property
    def database(self) -> Database:
        return Database(self.app.services.database_url)

    @property
    def postgres(self) -> Postgres:
        return next(server for server in self.app.services.servers if isinstance(server, Postgres))

    @property
    def redis(self) -> Redis:
        return next(server for server in self.app.services.servers if isinstance(server, Redis))

    def set_up(self) -> None:
        """The worlds' clocks run faster; then install, connect and map as in the demo."""
        if not (self.app.services.own_database and self.app.services.own_redis):
            raise StackError("The fault suite kills PostgreSQL and Redis: unset DATABASE_URL and REDIS_URL.")
        options = {k: v for k, v in WORLD.items() if not (self.kept_rates and k == "learnupon_minute")}
        self.scene.worlds.call("PUT", "options", options)
        for step in (
            connecting.install_acme,
            connecting.connect_acme,
            connecting.connect_partners,
            connecting.map_properties,
            connecting.install_globex,
            connecting.connect_globex,
        ):
            step(self.scene)
        self.scene.worlds.call("POST", "deliveries", {"duplicate": 1.0, "shuffle": 1.0})

    @property
    def quiet_seconds(self) -> float:
        return self.size.quiet_seconds * (PATIENCE if self.kept_rates else 1)

    def reconnect(self, subdomain: str) -> None:
        """What an admin does about keys that LearnUpon refuses: enter them again, as soon as the page is there."""
        if not wait_until(lambda: self._keys_entered(subdomain), KEYS_SECONDS, every=0.5):
            raise StackError(f"The keys of {subdomain} could not be entered in {KEYS_SECONDS} s.")

    def _keys_entered(self, subdomain: str) -> bool:
        browser = self.scene.globex if subdomain == "globex" else self.scene.acme
        try:
            page = browser.get(f"/portals/{self.scene.portals[subdomain]}/settings")
            form = page.form_to("/settings/keys")
            browser.submit(
                page, form, [("api_key", f"{subdomain}-key"), ("api_secret", f"{subdomain}-secret")]
            )
        except (CheckFailed, requests.RequestException):  # a web process that was killed is starting still
            return False
        return True

    def refused_portals(self) -> list[str]:
        asked = "SELECT subdomain FROM portals_portal WHERE state = 'disconnected'"
        return [str(row["subdomain"]) for row in self.database.rows(asked)]

    # --- clocks ---------------------------------------------------------------------------------------
    def skew(self, process: Process, seconds: int) -> None:
        """Start one process again with a clock that is wrong; the one before gets the right time back."""
        self.unskew()
        self._skewed = (process, process.argv)
        process.kill()
        process.argv = [sys.executable, "-m", "stack.chaos.skewed", str(seconds), *process.argv[2:]]
        process.start()

    def unskew(self) -> None:
        if self._skewed is not None:
            process, words = self._skewed
            self._skewed, process.argv = None, words
            process.kill()
            process.start()

    def supervise(self) -> None:
        """What a service manager does: start again what ended by itself. A worker does that when its whole pool is
        killed before it is up. And what an admin does who reads the mail: enter the keys anew."""
        for process in (self.app.beat, *self.app.workers, self.app.web):
            if not process.running:
                self.restarts += 1
                process.kill()
                process.start()
        for subdomain in self.refused_portals():
            self.reconnect(subdomain)

    # --- the end of all faults ------------------------------------------------------------------------
    def mend(self) -> None:
        self.unskew()
        self.supervise()
        self.scene.worlds.call("POST", "deliveries", {"duplicate": 0.0, "shuffle": 0.0, "drop": 0.0})
        self.hits = self.scene.worlds.call("GET", "faults")["faults"]
        self.scene.worlds.call("DELETE", "faults")
        self.scene.worlds.call("PUT", "options", {"token_seconds": WORLD["token_seconds"]})
        for subdomain in self.refused_portals():  # by a fault that was still there
            self.reconnect(subdomain)
        self.app.check()


def family(pid: int) -> list[int]:
    """A process and all its descendants, whatever groups they made for themselves."""
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError, ValueError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            parents.setdefault(int(fields[1]), []).append(int(folder.name))
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += parents.get(found[-1], [])
    return found


def send(process: Process | None, number: signal.Signals, *, children_only: bool = False) -> None:
    if process is None or process.pid is None:
        return
    for pid in family(process.pid)[1 if children_only else 0 :]:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
