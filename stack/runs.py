"""A run: one `make up`, `demo` or `test`, with a name of its own, so that its data and logs meet nobody else's."""

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stack.errors import StackError
from stack.locks import try_lock
from stack.paths import VAR
from stack.processes import end_left_overs
from stack.serverfolder import forget

AT_ONCE = 20


@dataclass(frozen=True)
class Run:
    name: str
    folder: Path
    logs: Path
    keep: bool  # The data stays for the next run of the same name.
    durable: bool  # The data survives a power cut, as a real one must.

    @property
    def records(self) -> Path:
        return self.folder / "pids"

    def secret(self, name: str, make: str = "") -> str:
        """Made at first use, then the same for as long as the run's data lives."""
        path = self.folder / "secrets.json"
        known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        if name not in known:
            known[name] = make or secrets.token_urlsafe(32)
            part = path.with_suffix(".part")
            part.unlink(missing_ok=True)
            with os.fdopen(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as file:
                json.dump(known, file)
            part.rename(path)
        return known[name]


@contextmanager
def run(command: str, *, keep: bool, durable: bool, var: Path = VAR) -> Iterator[Run]:
    """`keep`: one at a time, on the data of the time before. Otherwise any number, each on fresh data."""
    names = [command] if keep else [command, *(f"{command}-{number}" for number in range(2, AT_ONCE))]
    for name in names:
        lock = try_lock(var / "run" / f"{name}.lock")
        if lock is not None:
            break
    else:
        raise StackError(f"`make {command}` is running in this checkout already.")
    mine = Run(name, var / "run" / name, var / "log" / name, keep, durable)
    with lock:
        _prepare(mine)
        try:
            yield mine
        finally:
            if not keep:
                shutil.rmtree(mine.folder, ignore_errors=True)


def _prepare(mine: Run) -> None:
    end_left_overs(mine.records)
    if not mine.keep:
        forget(mine.folder)
        shutil.rmtree(mine.folder, ignore_errors=True)
    shutil.rmtree(mine.logs, ignore_errors=True)
    mine.folder.mkdir(parents=True, exist_ok=True)
    mine.logs.mkdir(parents=True, exist_ok=True)
