"""Ctrl-C, SIGTERM and the death of `make` all end a command the same way: everything is stopped in order."""

import ctypes
import os
import signal
import sys
from types import FrameType

from stack.processes import PR_SET_PDEATHSIG

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """Not an Exception: nothing on the way out may take it for a failed step."""


def install() -> None:
    for number in ENDING:
        signal.signal(number, _interrupt)
    if "MAKELEVEL" in os.environ and sys.platform.startswith("linux"):
        # When make itself is killed nobody is left to stop us. Without make, a shell may end before we do.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


_interrupted: list[str] = []


def _interrupt(number: int, frame: FrameType | None) -> None:
    # A second Ctrl-C must not cut the clean-up short.
    if not _interrupted:
        _interrupted.append(signal.Signals(number).name)
        raise Interrupted(_interrupted[0])
