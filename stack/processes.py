"""Child processes that never outlive us: own process group, a log each, an orderly stop, a record of who they are."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from stack.errors import StackError
from stack.paths import ROOT
from stack.unprivileged import Account

PR_SET_PDEATHSIG = 1
LINES_SHOWN = 20


def die_with_parent(number: int) -> Callable[[], None]:
    """Linux sends us this signal when our parent is gone, even by kill -9. Elsewhere the next start cleans up."""
    if not sys.platform.startswith("linux"):
        return lambda: None
    libc = ctypes.CDLL(None)
    parent = os.getpid()

    def ask_kernel() -> None:
        libc.prctl(PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:
            os._exit(1)

    return ask_kernel


def command_line(pid: int) -> str | None:
    """How a running process was started, or None when there is none."""
    proc = Path("/proc", str(pid), "cmdline")
    if Path("/proc/self").exists():
        try:
            return proc.read_bytes().replace(b"\0", b" ").decode(errors="replace").strip() or None
        except OSError:
            return None
    answer = subprocess.run(
        ["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return answer.stdout.strip() or None


class Process:
    """One program of ours, with its output in `log` and its pid in `record` while it runs."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str | Path],
        *,
        log: Path,
        record: Path,
        env: Mapping[str, str] | None = None,
        account: Account | None = None,
        stop_signal: int = signal.SIGTERM,
        patience: float = 10,
        cwd: Path = ROOT,
        first_words: bytes = b"",
    ) -> None:
        self.name = name
        self.argv = [str(word) for word in argv]
        self.log = log
        self.record = record
        self.env = dict(env) if env is not None else None
        self.account = account or Account()
        self.stop_signal = stop_signal
        self.patience = patience
        self.cwd = cwd
        self.first_words = first_words
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.record.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                self.argv,
                stdin=subprocess.PIPE if self.first_words else subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.cwd,
                env=self.env,
                start_new_session=True,
                preexec_fn=die_with_parent(self.stop_signal),
                **self.account.options,
            )
        self.record.write_text(f"{self._child.pid}\n{command_line(self._child.pid) or ''}\n")
        if self._child.stdin:
            self._child.stdin.write(self.first_words)
            self._child.stdin.close()

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child is not None else None

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def wait(self, seconds: float) -> int | None:
        """The exit code of a program that ends by itself; None when it had to be ended."""
        child = self._child
        if child is None:
            return None
        with suppress(subprocess.TimeoutExpired):
            child.wait(seconds)
        code = child.poll()
        self.stop()
        return code

    def check(self) -> None:
        """Raises, with the end of its log, when the process has died by itself."""
        if self._child is not None and self._child.poll() is not None:
            raise StackError(
                f"{self.name} stopped by itself (exit code {self._child.returncode}). "
                f"The end of {shown(self.log)}:\n{self.last_lines()}"
            )

    def last_lines(self) -> str:
        with suppress(OSError):
            lines = self.log.read_text(errors="replace").splitlines()
            return "\n".join(f"    {line}" for line in lines[-LINES_SHOWN:])
        return "    (no log)"

    def ask_to_stop(self) -> None:
        if self._child is not None and self._child.poll() is None:
            self._child.send_signal(self.stop_signal)

    def stop(self) -> None:
        """Ask, wait, then end whatever is left of its process group."""
        child, self._child = self._child, None
        if child is None:
            return
        if child.poll() is None:
            child.send_signal(self.stop_signal)
        with suppress(subprocess.TimeoutExpired):
            child.wait(self.patience)
        end_group(child.pid)
        child.wait()
        self.record.unlink(missing_ok=True)

    def kill(self) -> None:
        """As a power cut would."""
        child, self._child = self._child, None
        if child is not None:
            end_group(child.pid)
            child.wait()


def end_group(group: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def end_left_overs(records: Path) -> None:
    """After a kill -9 of everything but some child: end those that still run exactly as we recorded them."""
    for record in records.glob("*.pid"):
        first, _, started_as = record.read_text().partition("\n")
        if first.isdecimal() and started_as.strip() and command_line(int(first)) == started_as.strip():
            end_group(int(first))
            wait_until(partial(gone, int(first)), 5)
        record.unlink()


def gone(pid: int) -> bool:
    return command_line(pid) is None


def wait_until(condition: Callable[[], bool], seconds: float, every: float = 0.05) -> bool:
    """Whether the condition came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


def shown(path: Path) -> str:
    """A path as the reader sees it from the checkout."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
