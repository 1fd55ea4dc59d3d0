"""The pieces of the fault suite that could lie: the wrong clock, the drawn faults, the count of a window."""

import os
import random
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from stack.chaos import faults
from stack.chaos.privacy import WORD, most_in
from stack.chaos.sizes import size_of
from stack.chaos.stage import family
from stack.errors import StackError
from stack.processes import wait_until

CLOCKS = """
import time, datetime
from django.utils import timezone
moment = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
print(int(time.time()), int(timezone.now().timestamp()), int(datetime.datetime.now(datetime.UTC).timestamp()))
print(isinstance(moment, datetime.datetime), (moment + datetime.timedelta(days=1)).isoformat())
"""


def test_a_skewed_process_has_one_wrong_clock(tmp_path: "os.PathLike[str]") -> None:
    module = os.path.join(tmp_path, "clocks.py")
    with open(module, "w") as file:
        file.write(CLOCKS)
    told = subprocess.run(
        [sys.executable, "-m", "stack.chaos.skewed", "-240", "clocks"],
        env={**os.environ, "PYTHONPATH": f"{os.getcwd()}{os.pathsep}{tmp_path}"},
        capture_output=True,
        text=True,
        check=True,
    )
    times, kinds = told.stdout.splitlines()
    now = datetime.now(UTC).timestamp()
    assert all(200 < now - int(told) < 300 for told in times.split())
    assert kinds == "True 2026-01-03T00:00:00+00:00"


def test_every_kind_strikes_and_a_seed_draws_the_same_again() -> None:
    count = size_of("default").faults
    first = faults.drawn(random.Random(5), count)
    assert [kind.name for kind in first] == [kind.name for kind in faults.drawn(random.Random(5), count)]
    assert len(first) == count >= 200
    assert {kind.name for kind in first} == {kind.name for kind in faults.KINDS}


def test_an_unknown_size_is_refused() -> None:
    with pytest.raises(StackError, match="SIZE is one of"):
        size_of("huge")


@pytest.mark.parametrize(
    ("times", "most"),
    [([], 0), ([1.0], 1), ([0.0, 9.9, 10.0], 2), ([0.0] * 3 + [10.0] * 2, 3), ([0.0, 5.0, 9.0, 12.0], 3)],
)
def test_the_busiest_ten_seconds_are_found(times: list[float], most: int) -> None:
    assert most_in(times) == most


def test_descendants_are_found_in_whatever_group_they_are() -> None:
    """PostgreSQL's sessions leave their parent's process group: stopping that alone would leave them running."""
    shell = subprocess.Popen(["sh", "-c", "setsid sleep 30 & wait"])
    try:
        assert wait_until(lambda: len(family(shell.pid)) >= 2, 5)
    finally:
        for pid in reversed(family(shell.pid)):
            os.kill(pid, 9)
        shell.wait()


def test_names_are_found_in_rows_as_postgresql_writes_them() -> None:
    """Would catch: a search for erased people that looks past what stands in JSON."""
    row = '(7,"{""to"": ""q1@people.example"", ""names"": [""Given1""]}",Family1,"hello Given2, and",)'
    assert {"q1@people.example", "Given1", "Family1", "Given2"} <= set(WORD.findall(row))
