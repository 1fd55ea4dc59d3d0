"""What processes use: CPU seconds and memory, from /proc."""

import os
from collections.abc import Iterable
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1_000_000
# https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html, counted from the state, which follows the name
PARENT, USER, CHILDREN_SYSTEM, RSS = 1, 11, 14, 21


def _stat(pid: int) -> list[str]:
    """Empty for a process that is gone."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def tree(root: int) -> list[int]:
    """A process and all below it."""
    children: dict[int, list[int]] = {}
    for folder in PROC.iterdir():
        if folder.name.isdigit() and (stat := _stat(int(folder.name))):
            children.setdefault(int(stat[PARENT]), []).append(int(folder.name))
    found, left = [], [root]
    while left:
        found.append(left.pop())
        left += children.get(found[-1], [])
    return found


def cpu_seconds(pids: Iterable[int]) -> float:
    """Of these processes and of those below them that have ended."""
    stats = [stat for pid in pids if (stat := _stat(pid))]
    return sum(int(ticks) for stat in stats for ticks in stat[USER : CHILDREN_SYSTEM + 1]) / TICKS


def rss_mb(pid: int) -> float:
    stat = _stat(pid)
    return int(stat[RSS]) * PAGE_MB if stat else 0.0


def parent(pid: int) -> int:
    return int(_stat(pid)[PARENT])
