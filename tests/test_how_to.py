"""What docs/how-to/ tells a newcomer to do works: its steps are carried out on a copy of the project."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings

from stack.checks import production_environment
from tests.how_to_steps import patched, steps

ROOT: Path = settings.BASE_DIR
HOW_TO = ROOT / "docs" / "how-to"
ACTION, EVENT = HOW_TO / "add-an-action.md", HOW_TO / "add-an-event.md"
LEFT_OUT = shutil.ignore_patterns("var", ".git", "node_modules", "__pycache__", ".*_cache", "screenshots")
MOST_STEPS = 10


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("how-to") / "project"
    shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
    for document in (ACTION, EVENT):
        for step in steps(document):
            step.carry_out(copy)
    return copy


def run(scratch: Path, *argv: str, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, *argv], cwd=scratch, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


def another_database() -> dict[str, str]:
    """A database of its own beside the one this test run holds, and the Redis database of this worker, which waits
    meanwhile. Taken for a worker itself (tests/workers.py) it would empty the one of our neighbour."""
    url = urlsplit(os.environ["DATABASE_URL"])
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    return kept | {"DATABASE_URL": url._replace(path=f"{url.path}_how_to").geturl()}


def test_the_steps_work_on_a_copy(scratch: Path) -> None:
    """A step that is missing, or a name that moved since, and the newcomer's own test fails."""
    run(scratch, "manage.py", "hubspot_app", environment=production_environment())
    run(scratch, "manage.py", "hubspot_app", "--check", environment=production_environment())
    made = [
        file
        for document in (ACTION, EVENT)
        for step in steps(document)
        for file in step.files
        if step.kind == "python"
    ]
    said = run(
        scratch, "-m", "pytest", "-q", "-p", "no:cacheprovider", *made, "tests/test_hubspot_app.py::test_the_project_agrees_with_the_code",
        environment=another_database(),
    )  # fmt: skip
    assert "passed" in said
    assert "skipped" not in said


def test_the_copy_is_as_tidy_as_the_project(scratch: Path) -> None:
    run(
        scratch,
        "-m",
        "ruff",
        "check",
        "--no-cache",
        "learners",
        "tests/flows",
        "hubsync",
        environment=dict(os.environ),
    )


@pytest.mark.parametrize("document", sorted(HOW_TO.glob("*.md")), ids=lambda file: file.stem)
def test_a_how_to_has_few_steps(document: Path) -> None:
    text = document.read_text("utf-8")
    assert 0 < text.count("\n**") + sum(text.count(f"\n{n}. ") for n in range(1, 20)) < MOST_STEPS


def test_a_hunk_that_fits_nowhere_or_twice_is_refused() -> None:
    for text in ("a\n", "b\nb\n"):
        with pytest.raises(AssertionError):
            patched(text, [" b", "+c"])
    assert patched("a\nb: 1\n", ["+c", " b:"]) == "a\nc\nb: 1\n"
