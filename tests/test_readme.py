"""The README's two commands do what it says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from stack.ports import DEFAULTS

ROOT: Path = settings.BASE_DIR
# Without these a command starts servers of its own on ports that are free, as for a newcomer.
NAMED = ("DATABASE_URL", "REDIS_URL", *DEFAULTS)
# As in the README, but for the tests: all of them would begin with this one.
MORE = {"make demo": [], "make test": ["ARGS=tests/hubsync/test_env.py"]}
ENDS = {"make demo": r"(\d+) workflow runs ended and told, 0 left open", "make test": r"=+ (\d+) passed in "}


def commands() -> list[str]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(r"^```\n(make .+)\n```$", text, re.MULTILINE)


def test_the_readme_has_two_commands() -> None:
    assert commands() == list(MORE)


@pytest.mark.e2e
@pytest.mark.parametrize("command", commands())
def test_the_command_ends_well(command: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in NAMED}
    done = subprocess.run(
        [*command.split(), f"PYTHON={sys.executable}", *MORE[command]], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=400,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-5000:]
    ended = re.search(ENDS[command], done.stdout)
    assert ended, done.stdout[-2000:]
    assert int(ended.group(1)) > 20
