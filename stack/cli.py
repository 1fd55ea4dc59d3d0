"""The commands of the Makefile, by name; what each needs installed before it can run in var/venv."""

import sys
from collections.abc import Sequence

from stack import virtualenv
from stack.binaries import missing_packages
from stack.errors import StackError

COMMANDS = ("demo", "up", "test", "check", "chaos", "proofs", "fuzz", "bench", "hubspot-app")
USAGE = f"usage: make {'|'.join(COMMANDS)}"
INTERRUPTED = 130


def main(arguments: Sequence[str]) -> int:
    if not arguments or arguments[0] not in COMMANDS:
        print(USAGE, file=sys.stderr)
        return 2
    try:
        return _run(arguments)
    except StackError as error:
        print(f"\n{error}", file=sys.stderr)
    except PermissionError as error:
        print(f"\n{error}\nWas var/ made by another account? Remove it, or run as that one.", file=sys.stderr)
    except KeyboardInterrupt:
        return INTERRUPTED
    return 1


def _run(arguments: Sequence[str]) -> int:
    virtualenv.ensure_python()
    virtualenv.ensure_packages(missing_packages())
    if not virtualenv.inside():
        virtualenv.enter(arguments)
    from stack import signals
    from stack.commands import run_command

    signals.install()
    try:
        return run_command(arguments[0], arguments[1:])
    except signals.Interrupted as interrupted:
        print(f"\nStopped ({interrupted}).", flush=True)
        return INTERRUPTED
