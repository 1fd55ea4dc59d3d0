"""Hubsync's own processes and the sandbox: started in order, watched, stopped in order."""

import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from stack.environment import Addresses, port_of
from stack.errors import StackError
from stack.ports import HOST
from stack.processes import Process, shown
from stack.runs import Run
from stack.services import Services

# History can fill its own worker and delay nobody's news; news can fill theirs and delay no run of a workflow.
WORKERS = {"worker-actions": "privacy,actions", "worker-live": "live", "worker-bulk": "bulk"}
EVERY_LANE = "privacy,actions,live,bulk"  # what further workers serve
READY_SECONDS = 60
MIGRATE_SECONDS = 120


class Application:
    def __init__(
        self,
        run: Run,
        services: Services,
        addresses: Addresses,
        environment: Mapping[str, str],
        *,
        workers: int = 1,
    ) -> None:
        self.run = run
        self.services = services
        self.addresses = addresses
        self.environment = environment
        celery = [sys.executable, "-m", "celery", "-A", "hubsync"]
        schedule = run.folder / "beat-schedule"
        self.sandbox = self._process("sandbox", sys.executable, "-m", "sandbox")
        self.web = self.web_server("web", "hubsync.wsgi:application", port_of(addresses.web))
        more = {f"worker-{number}": EVERY_LANE for number in range(2, workers + 1)}
        self.workers = tuple(
            self._process(
                *(name, *celery, "worker", "-n", f"{name}@%h", "--concurrency", "4"),
                *("-Q", lanes, "--loglevel", "warning", "--without-gossip", "--without-mingle"),
            )
            for name, lanes in (WORKERS | more).items()
        )
        self.beat = self._process(
            "beat", *celery, "beat", "--schedule", str(schedule), "--pidfile", "", "--loglevel", "warning"
        )

    def web_server(self, name: str, application: str, port: str) -> Process:
        """A web server as ours is started, for any WSGI application."""
        return self._process(
            *(name, sys.executable, "-m", "gunicorn", application),
            *("--worker-class", "gthread", "--workers", "3", "--threads", "4", "--no-control-socket"),
            *("--bind", f"{HOST}:{port}", "--graceful-timeout", "5"),
        )

    @property
    def processes(self) -> tuple[Process, ...]:
        """In the order to stop them: those that make calls before those that answer them."""
        return (self.beat, *self.workers, self.web, self.sandbox)

    @property
    def worker(self) -> Process:
        """The one that works actions."""
        return self.workers[0]

    def start(self) -> None:
        self.sandbox.start()
        self._migrate()
        for process in (self.web, *self.workers, self.beat):
            process.start()
        self._wait_for(f"{self.addresses.hubspot}/_sandbox/options")
        self._wait_for(f"{self.addresses.web}/readyz")

    def stop(self) -> None:
        for process in self.processes:
            process.ask_to_stop()
        for process in self.processes:
            process.stop()

    def check(self) -> None:
        for process in self.processes:
            process.check()
        self.services.check()

    def _process(self, name: str, *argv: str) -> Process:
        return Process(
            name,
            argv,
            log=self.run.logs / f"{name}.log",
            record=self.run.records / f"{name}.pid",
            env=self.environment,
        )

    def _migrate(self) -> None:
        migrate = self._process("migrate", sys.executable, "manage.py", "migrate", "--verbosity", "1")
        migrate.start()
        if migrate.wait(MIGRATE_SECONDS) != 0:
            raise StackError(
                f"The migrations failed. The end of {shown(migrate.log)}:\n{migrate.last_lines()}"
            )

    def _wait_for(self, address: str) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not answers(address):
            self.check()
            if time.monotonic() > deadline:
                raise StackError(
                    f"{address} is not ready after {READY_SECONDS} s. Logs: {shown(self.run.logs)}\n"
                    f"The end of the web process's log:\n{self.web.last_lines()}"
                )
            time.sleep(0.1)


def answers(address: str) -> bool:
    """Whether a GET is answered with 200."""
    # Without a proxy, whatever the environment says.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@contextmanager
def application(
    run: Run, services: Services, addresses: Addresses, environment: Mapping[str, str], *, workers: int = 1
) -> Iterator[Application]:
    """Everything up and ready; everything stopped at the end, however it comes."""
    app = Application(run, services, addresses, environment, workers=workers)
    try:
        app.start()
        yield app
    finally:
        app.stop()
