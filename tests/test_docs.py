"""What the documents name exists, and what exists is named: settings, commands, dependencies, assumptions, links."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.fernet import Fernet
from django.apps import apps
from django.conf import settings

from portals.counters import COUNTERS
from stack.checks import PARTS
from stack.cli import COMMANDS
from stack.ports import DEFAULTS

ROOT: Path = settings.BASE_DIR
CODE = ("gdpr", "hubsync", "learners", "portals", "sandbox", "templates", "webhooks")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
OWN_APPS = ("portals", "webhooks", "learners", "gdpr")


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


# --- settings -----------------------------------------------------------------------------------------
def settings_read() -> dict[str, bool]:
    """Every name hubsync/settings.py reads from the environment -> whether it may be left out."""
    found = {}
    for node in ast.walk(ast.parse(read("hubsync/settings.py"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            reader = node.func.value
            if isinstance(reader, ast.Name) and reader.id == "env" and isinstance(node.args[0], ast.Constant):
                found[str(node.args[0].value)] = any(word.arg == "default" for word in node.keywords)
    return found


def settings_shown() -> dict[str, bool]:
    """Every name in .env.example -> whether it is commented out."""
    rows = re.findall(r"^(#?)([A-Z][A-Z_]+)=", read(".env.example"), re.MULTILINE)
    return {name: mark == "#" for mark, name in rows}


def used_by_compose() -> set[str]:
    return set(re.findall(r"\${(\w+)", read("docker-compose.yml")))


def test_every_setting_is_shown_and_every_shown_one_is_read() -> None:
    shown = {name: optional for name, optional in settings_shown().items() if name not in used_by_compose()}
    assert shown == settings_read()


def test_what_compose_needs_is_shown() -> None:
    assert used_by_compose() <= set(settings_shown())


def test_every_setting_is_explained() -> None:
    lines = read(".env.example").splitlines()
    for before, line in pairwise(lines):
        if re.match(r"#?[A-Z][A-Z_]+=", line):
            assert before.startswith("# ") or before.startswith("#   "), line


def test_the_example_starts_once_its_secrets_are_filled_in() -> None:
    rows = re.findall(r"^([A-Z][A-Z_]+)=(.*)$", read(".env.example"), re.MULTILINE)
    filled = {name: value or Fernet.generate_key().decode() for name, value in rows}
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=ROOT, env=kept | filled, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


# --- commands -----------------------------------------------------------------------------------------
def make_targets() -> set[str]:
    found = re.search(r"^\.PHONY: (.+)$", read("Makefile"), re.MULTILINE)
    assert found
    return set(found.group(1).split())


def test_commands_of_the_documents_exist() -> None:
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", all_text(), re.MULTILINE))
    assert {"demo", "test"} <= named <= make_targets()


def all_text() -> str:
    return "\n".join(file.read_text(encoding="utf-8") for file in DOCUMENTS)


def test_every_command_is_named_in_the_readme() -> None:
    assert {command for command in COMMANDS if f"make {command}" not in read("README.md")} == set()


def test_ports_of_the_readme_are_those_of_the_stack() -> None:
    assert set(re.findall(r"`(\w+_PORT)`", read("README.md"))) == set(DEFAULTS)


def test_management_commands_of_the_documents_exist() -> None:
    from django.core.management import get_commands

    named = set(re.findall(r"manage\.py (\w+)", all_text()))
    ours = {file.stem for file in (ROOT / "hubsync/management/commands").glob("[a-z]*.py")}
    assert ours <= named <= set(get_commands())


def test_buttons_of_the_failure_table_exist() -> None:
    pages = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "templates").rglob("*.html"))
    named = re.findall(r'[Pp]ress "([^"]+)"', read("docs/failures.md"))
    assert named
    assert [button for button in named if button not in pages] == []


# --- what is where ------------------------------------------------------------------------------------
def paths_named(text: str) -> set[str]:
    """`folder/`, `folder/file.py` and their like, in backticks."""
    named = set(re.findall(r"`([\w.-]+(?:/[\w.-]+)*/?)`", text))
    return {path for path in named if "/" in path or path.endswith((".py", ".md", ".yml", ".example"))}


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.name)
def test_paths_of_the_documents_exist(file: Path) -> None:
    made_at_run_time = ("var/",)
    named = {path for path in paths_named(file.read_text("utf-8")) if not path.startswith(made_at_run_time)}
    homes = (ROOT, file.parent, ROOT / "hubspot-app" / "src")
    assert {path for path in named if not any((home / path).exists() for home in homes)} == set()


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.name)
def test_links_between_documents_lead_somewhere(file: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", file.read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (file.parent / link).exists()] == []


def test_documents_name_no_place_of_one_machine() -> None:
    for file in DOCUMENTS:
        assert not re.search(r"(?<![\w.])/(?:root|home|work|Users)/", file.read_text(encoding="utf-8")), file


# --- models, dependencies, assumptions ----------------------------------------------------------------
def test_every_model_is_in_the_data_model() -> None:
    described = set(re.findall(r"^\*\*(\w+)\*\*:", read("docs/data-model.md"), re.MULTILINE))
    models = {model.__name__ for app in OWN_APPS for model in apps.get_app_config(app).get_models()}
    assert described == models


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads(read("pyproject.toml"))
    groups = [project["project"]["dependencies"], *project["dependency-groups"].values()]
    wanted = {re.split(r"[=<>~! ]", entry)[0] for group in groups for entry in group}
    given = set(re.findall(r"^\| ([a-z0-9-]+) \|", read("docs/decisions/dependencies.md"), re.MULTILINE))
    assert given - {"package"} == wanted


def test_every_decision_is_listed() -> None:
    records = {file.name for file in (ROOT / "docs/decisions").glob("*.md")} - {"README.md"}
    assert set(re.findall(r"\]\(([\w-]+\.md)\)", read("docs/decisions/README.md"))) == records


def assumptions_marked() -> dict[str, set[str]]:
    """Name -> the files that are marked with it."""
    found: dict[str, set[str]] = {}
    for folder in CODE:
        for file in (ROOT / folder).rglob("*.*"):
            if file.suffix in (".py", ".html", ".txt"):
                for name in re.findall(r"ASSUMPTION\(([\w-]+)\)", file.read_text(encoding="utf-8")):
                    found.setdefault(name, set()).add(file.relative_to(ROOT).as_posix())
    return found


def assumptions_listed() -> dict[str, str]:
    """Name -> the file it is said to stand in."""
    rows = re.findall(
        r"^\| `([\w-]+)` \|.*\| `([\w./-]+)` \| [^|]+\|$", read("docs/assumptions.md"), re.MULTILINE
    )
    return dict(rows)


def test_every_assumption_is_listed_where_it_stands() -> None:
    marked, listed = assumptions_marked(), assumptions_listed()
    assert {name: files for name, files in marked.items() if listed.get(name) not in files} == {}


def test_every_row_of_the_assumptions_is_whole_and_unique() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \|", read("docs/assumptions.md"), re.MULTILINE)
    assert sorted(rows) == sorted(assumptions_listed())
    assert [file for file in assumptions_listed().values() if not (ROOT / file).is_file()] == []


# --- metrics ------------------------------------------------------------------------------------------
def metrics_told() -> set[str]:
    """Every metric, by the name Prometheus sees."""
    counted = {name if counter.buckets else f"{name}_total" for name, counter in COUNTERS.items()}
    return counted | set(re.findall(r'"(hubsync_\w+)"', read("hubsync/metrics.py")))


def test_every_metric_is_listed_and_every_listed_one_exists() -> None:
    rows = re.findall(r"^\| `(hubsync_\w+)` \| ([^|]*) \|", read("docs/metrics.md"), re.MULTILINE)
    assert {name for name, _ in rows} == metrics_told()
    for name, labels in rows:
        if counter := COUNTERS.get(name.removesuffix("_total")):
            assert tuple(re.findall(r"`(\w+)`", labels)) == counter.labels, name


def compose() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load(read("docker-compose.yml"))["services"]
    return services


# --- the site -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("addition", ["", "[nowhere](nowhere.md)"], ids=["whole", "a link to nothing"])
def test_the_site_is_built_and_a_link_to_nothing_stops_it(tmp_path: Path, addition: str) -> None:
    """`--quiet` would silence what `--strict` counts."""
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    for name in ("mkdocs.yml", "CHANGELOG.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    with (tmp_path / "docs" / "index.md").open("a", encoding="utf-8") as index:
        index.write(f"\n{addition}\n")
    done = subprocess.run(PARTS["docs"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode == 0) is (addition == ""), done.stderr
