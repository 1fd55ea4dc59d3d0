"""up, demo, test, check, proofs and the rest, each as one function."""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress

from stack import checks
from stack.application import Application, application
from stack.environment import NOWHERE, Addresses, app_environment
from stack.errors import StackError
from stack.paths import COVERAGE_FILE
from stack.ports import DEFAULTS, Ports
from stack.processes import die_with_parent, shown
from stack.runs import run
from stack.services import services, set_apart
from stack.signals import Interrupted

LOOK_EVERY = 0.5
INTERRUPT_SECONDS = 10
ANY_PORTS = dict.fromkeys(DEFAULTS, "0")  # A test that starts a server lets the kernel choose.


def run_command(command: str, arguments: Sequence[str]) -> int:
    if command == "up":
        return up()
    if command == "demo":
        return demo()
    if command == "test":
        return run_tests(arguments)
    if command == "proofs":
        return proofs(arguments)
    if command == "chaos":
        return chaos()
    if command == "fuzz":
        return fuzz()
    if command == "bench":
        return bench(arguments)
    if command == "hubspot-app":
        return checks.hubspot_app()
    return checks.check(arguments, run_tests)


@contextmanager
def whole_stack(
    command: str, *, keep: bool, workers: int = 1, environ: Mapping[str, str] | None = None
) -> Iterator[Application]:
    ports = Ports()
    try:
        with run(command, keep=keep, durable=True) as mine:
            addresses = Addresses.chosen(ports)
            print("Starting PostgreSQL and Redis ...", flush=True)
            with services(mine) as found, nullcontext(found) if keep else set_apart(found) as servers:
                print("Starting web, worker, beat and the sandbox ...", flush=True)
                environment = app_environment(mine, servers, addresses) | dict(environ or {})
                with application(mine, servers, addresses, environment, workers=workers) as app:
                    yield app
                    print("Stopping everything ...", flush=True)
    finally:
        ports.release()


def up() -> int:
    with whole_stack("up", keep=True) as app:
        print_addresses(app)
        stay(app)
    return 0


def demo() -> int:
    from stack.story.player import play

    with whole_stack("demo", keep=False) as app:
        passed = play(app)
        if sys.stdin.isatty():
            print_addresses(app)
            stay(app)
    return 0 if passed else 1


def proofs(names: Sequence[str]) -> int:
    """The proofs named, or all."""
    from stack.proofs import cost, erasure, push

    known = {"push": push.prove, "cost": cost.prove, "erasure": erasure.prove}
    if unknown := set(names) - known.keys():
        raise StackError(f"No such proof: {', '.join(sorted(unknown))}. There are: {', '.join(known)}.")
    held = []
    for name in names or known:  # each on a stack of its own, where nothing is connected yet
        with whole_stack("proofs", keep=False, workers=2) as app:
            held.append(known[name](app))
    return 0 if all(held) else 1


def chaos() -> int:
    from stack.chaos.play import play
    from stack.chaos.stage import ENVIRONMENT

    with whole_stack("chaos", keep=False, environ=ENVIRONMENT) as app:
        return 0 if play(app) else 1


def fuzz() -> int:
    from stack.fuzz.play import play

    with whole_stack("fuzz", keep=False) as app:
        return 0 if play(app) else 1


def bench(names: Sequence[str]) -> int:
    """The parts named, on the command line or by PART=, or all."""
    from stack.bench.play import Part, play

    def stack(part: Part) -> AbstractContextManager[Application]:
        return whole_stack("bench", keep=False, workers=part.workers, environ=part.environ)

    chosen = names or os.environ.get("PART", "").replace(",", " ").split()
    return 0 if play(stack, chosen) else 1


def run_tests(arguments: Sequence[str]) -> int:
    """pytest, with arguments from the command line and from ARGS=."""
    words = [*arguments, *shlex.split(os.environ.get("ARGS", ""))]
    with run("test", keep=False, durable=False) as mine, services(mine) as servers:
        environment = app_environment(mine, servers, NOWHERE) | ANY_PORTS
        environment["COVERAGE_FILE"] = str(COVERAGE_FILE)
        some = any(not word.startswith("--cov") for word in words)
        # Several processes empty several of Redis' databases: a Redis that is not ours was named with one.
        side_by_side = [] if some or not servers.own_redis else ["-n", str(min(os.cpu_count() or 1, 4))]
        return _until_it_ends([sys.executable, "-m", "pytest", *words, *side_by_side], environment)


def _until_it_ends(argv: Sequence[str], environment: Mapping[str, str]) -> int:
    """The exit code. Ctrl-C leaves pytest the time to say what it was doing."""
    child = subprocess.Popen(argv, env=environment, preexec_fn=die_with_parent(signal.SIGINT))
    try:
        return child.wait()
    except Interrupted:
        child.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            child.wait(INTERRUPT_SECONDS)
        raise
    finally:
        child.kill()
        child.wait()


def stay(app: Application) -> None:
    """Until Ctrl-C; or until a process dies, which is an error."""
    with suppress(Interrupted):
        while True:
            time.sleep(LOOK_EVERY)
            app.check()


def print_addresses(app: Application) -> None:
    addresses = app.addresses
    print(
        f"""
  Hubsync          {addresses.web}/install/
  HubSpot sandbox  {addresses.hubspot}/
  LearnUpon        {addresses.learnupon}/acme/login
  Mail             {addresses.hubspot}/mails
  Logs             {shown(app.run.logs)}/

Ctrl-C stops everything.""",
        flush=True,
    )
