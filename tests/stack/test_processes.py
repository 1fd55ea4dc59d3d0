"""Processes: none outlives us, however we end, and one that dies is reported with its log."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stack.errors import StackError
from stack.paths import ROOT
from stack.processes import Process, command_line, end_left_overs, wait_until

SLEEP = "import time; time.sleep(60)"
# Ignores the polite signal and has a child of its own.
STUBBORN = (
    "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid, flush=True);"
    "time.sleep(60)"
)


def process(folder: Path, code: str, patience: float = 5) -> Process:
    return Process(
        "thing",
        [sys.executable, "-c", code],
        log=folder / "thing.log",
        record=folder / "pids" / "thing.pid",
        patience=patience,
    )


def gone(pid: int) -> bool:
    return wait_until(lambda: command_line(pid) is None, 5)


def test_stop_ends_grandchildren_too(tmp_path: Path) -> None:
    stubborn = process(tmp_path, STUBBORN, patience=0.2)
    stubborn.start()
    assert wait_until(lambda: (tmp_path / "thing.log").read_text().endswith("\n"), 5)
    grandchild = int((tmp_path / "thing.log").read_text())
    stubborn.stop()
    assert gone(grandchild)
    assert not list((tmp_path / "pids").iterdir())


def test_a_process_that_dies_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    dying = process(tmp_path, "print('no such table'); raise SystemExit(3)")
    dying.start()
    assert wait_until(lambda: not dying.running, 5)
    with pytest.raises(StackError, match=r"(?s)thing stopped by itself \(exit code 3\).*no such table"):
        dying.check()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells of a parent's death")
def test_children_end_when_we_are_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert parent.stdout
    child = int(parent.stdout.readline())
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    assert gone(child)


PARENT = """
import sys, time
from pathlib import Path
from stack.processes import Process
record = Path(sys.argv[1], "child.pid")
Process("child", [sys.executable, "-c", "import time; time.sleep(60)"], log=record.with_suffix(".log"), record=record).start()
print(record.read_text().split()[0], flush=True)
time.sleep(60)
"""


def test_left_overs_are_ended_only_when_they_are_what_was_recorded(tmp_path: Path) -> None:
    ours, foreign = (
        subprocess.Popen([sys.executable, "-c", SLEEP], start_new_session=True) for _ in range(2)
    )
    time.sleep(0.1)
    (tmp_path / "ours.pid").write_text(f"{ours.pid}\n{command_line(ours.pid)}\n")
    (tmp_path / "foreign.pid").write_text(f"{foreign.pid}\n/usr/bin/something else\n")
    end_left_overs(tmp_path)
    assert ours.wait(5) == -signal.SIGKILL
    assert foreign.poll() is None
    assert not list(tmp_path.iterdir())
    foreign.kill()
    foreign.wait()
