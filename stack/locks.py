"""File locks: the kernel drops them when their process dies, so a lock can never be left behind."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


def try_lock(path: Path) -> IO[str] | None:
    """The open, locked file, or None when another process holds it. Closing the file gives the lock back."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


@contextmanager
def locked(path: Path, waiting: str) -> Iterator[None]:
    """Wait for the lock, saying so once when another process holds it."""
    file = try_lock(path)
    if file is None:
        print(waiting, flush=True)
        file = path.open("a")
        fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        file.close()
