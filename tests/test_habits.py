"""What the workflows, hooks and owners' list of the project name exists."""

import re
from pathlib import Path

import yaml
from django.conf import settings

from stack.cli import COMMANDS

ROOT: Path = settings.BASE_DIR


def test_workflows_and_hooks_call_what_exists() -> None:
    habits = [*(ROOT / ".github").rglob("*.yml"), ROOT / ".pre-commit-config.yaml"]
    texts = [file.read_text(encoding="utf-8") for file in habits]
    assert all(yaml.safe_load(text) for text in texts)
    matrix = [
        word for text in texts for row in re.findall(r"command: \[(.+)\]", text) for word in row.split(", ")
    ]
    called = {*matrix, *(word for text in texts for word in re.findall(r"\bmake ([a-z-]+)", text))}
    assert {"check", "chaos"} <= called <= set(COMMANDS)


def test_owned_paths_exist() -> None:
    lines = (ROOT / ".github/CODEOWNERS").read_text(encoding="utf-8").splitlines()
    owned = [line.split()[0] for line in lines if line and not line.startswith("#")]
    assert [path for path in owned if path != "*" and not (ROOT / path.strip("/")).is_dir()] == []
