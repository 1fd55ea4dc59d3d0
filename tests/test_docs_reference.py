"""What documents list of the code's own words is what the code says: outcomes and reasons."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from learners.outcomes import OUTCOMES
from portals.clients.errors import Reason
from tests.test_architecture import OURS, files, nodes

ROOT: Path = settings.BASE_DIR
RESULTS = {"Done", "done", "_done"}  # what makes a result; its first argument is the outcome


def section(heading: str) -> dict[str, list[str]]:
    """The table under a heading of docs/outcomes.md: its first column -> the others."""
    text = (ROOT / "docs/outcomes.md").read_text(encoding="utf-8")
    body = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", body, re.MULTILINE)
    assert len(rows) == len(dict(rows)), "a row stands there twice"
    return {code: cells.split(" | ") for code, cells in rows}


def written() -> Iterator[str]:
    """Every outcome that code of ours gives a result."""
    for path in files(*OURS):
        for node in nodes(path):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in RESULTS
                and node.args
            ):
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    yield first.value


def test_outcomes_of_actions_are_listed_with_their_own_words() -> None:
    told = {code: ["succeeds" if outcome.ok else "fails", outcome.text] for code, outcome in OUTCOMES.items()}
    assert section("How a workflow action ends") == told


def test_every_outcome_the_code_gives_is_listed() -> None:
    found = set(written())
    assert len(found) > 20
    assert found <= set(OUTCOMES) | set(section("How an event ends"))


def test_every_outcome_listed_is_one_the_code_gives() -> None:
    literals = {
        node.value
        for path in files("webhooks", "learners", "gdpr")
        for node in nodes(path)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert set(section("How an event ends")) <= literals


def test_reasons_are_listed() -> None:
    assert set(section("Why something waits or failed")) == {reason.value for reason in Reason}
