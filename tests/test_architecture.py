"""The shape of the project: who may import whom, how long things may get, and what nothing may be called."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings

ROOT: Path = settings.BASE_DIR
APPS = ("portals", "webhooks", "learners", "gdpr")  # each may import those before it
OURS = (*APPS, "hubsync")
CHECKED = (*OURS, "sandbox", "stack", "tests")
FILE_LINES, TEST_FILE_LINES, FUNCTION_LINES, VIEW_LINES, TASK_LINES = 300, 400, 40, 15, 12
FORBIDDEN_NAMES = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "manager",
    "managers",
    "misc",
    "base",
}
# Only these talk to a vendor, and only hubsync/health.py and the limiter to Redis.
SOCKETS = {"requests", "urllib3", "http.client", "socket", "aiohttp", "httpx", "urllib.request"}


def files(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return sorted(path for path in found if "migrations" not in path.parts)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(tree(path)))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def imports(path: Path) -> list[str]:
    return list(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)}: imports are written in full"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def top(module: str) -> str:
    return module.split(".")[0]


def functions(path: Path) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, int]]:
    for node in nodes(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node, (node.end_lineno or node.lineno) - node.lineno + 1


def test_apps_import_one_way() -> None:
    wrong = [
        f"{name(path)} imports {module}"
        for position, app in enumerate(APPS)
        for path in files(app)
        for module in imports(path)
        if top(module) in APPS[position + 1 :]
    ]
    assert wrong == []


def test_nothing_of_ours_imports_the_sandbox_the_stack_or_the_tests() -> None:
    wrong = [
        f"{name(path)} imports {module}"
        for path in files(*OURS)
        for module in imports(path)
        if top(module) in ("sandbox", "stack", "tests")
    ]
    assert wrong == []


def test_the_sandbox_knows_nothing_of_the_app() -> None:
    """It is the vendors: sharing code with the app would let both be wrong in the same way."""
    wrong = [
        f"{name(path)}: {m}"
        for path in files("sandbox")
        for m in imports(path)
        if top(m) in (*OURS, "django")
    ]
    assert wrong == []


def test_the_app_runs_without_what_is_for_development() -> None:
    """What only the dev group installs is not there in production."""
    dev = {
        "aiohttp",
        "aiosmtpd",
        "jinja2",
        "pytest",
        "responses",
        "hypothesis",
        "time_machine",
        "playwright",
        "hubspot_sdk",
    }
    wrong = [f"{name(path)}: {m}" for path in files(*OURS) for m in imports(path) if top(m) in dev]
    assert wrong == []


def test_only_the_wire_opens_sockets() -> None:
    wrong = [
        f"{name(path)} imports {module}"
        for path in files(*OURS)
        for module in imports(path)
        if module in SOCKETS and name(path) != "portals/clients/http.py"
    ]
    assert wrong == []


def test_only_clients_read_status_codes_of_vendors() -> None:
    """DESIGN rule 11: everybody else sees TryAgain, Refused or Disconnected. tokens.py is the token endpoint's client."""
    allowed = {"portals/clients/http.py", "portals/clients/hubspot.py", "portals/clients/learnupon.py",
               "portals/clients/sdk.py", "portals/tokens.py"}  # fmt: skip
    wrong = [
        f"{name(path)}:{node.lineno}"
        for path in files(*OURS)
        if name(path) not in allowed
        for node in nodes(path)
        if isinstance(node, ast.Attribute)
        and node.attr == "status"
        and _called(node) in ("answer", "response")
    ]
    assert wrong == []


def _called(node: ast.Attribute) -> str:
    return node.value.id if isinstance(node.value, ast.Name) else ""


def test_hubspot_app_is_not_importable() -> None:
    """A package called `hubspot` here would hide HubSpot's own client."""
    assert not (ROOT / "hubspot").exists()
    assert not list((ROOT / "hubspot-app").rglob("__init__.py"))


def test_signatures_are_pure() -> None:
    allowed = {"base64", "hashlib", "hmac", "collections"}
    assert {top(m) for m in imports(ROOT / "webhooks" / "signatures.py")} <= allowed


@pytest.mark.parametrize("folder", CHECKED)
def test_files_are_short(folder: str) -> None:
    most = TEST_FILE_LINES if folder == "tests" else FILE_LINES
    long = {name(p): n for p in files(folder) if (n := len(p.read_text().splitlines())) > most}
    assert long == {}


@pytest.mark.parametrize("folder", [*OURS, "sandbox", "stack"])
def test_functions_are_short(folder: str) -> None:
    long = {
        f"{name(path)}:{node.name}": lines
        for path in files(folder)
        for node, lines in functions(path)
        if lines > FUNCTION_LINES
    }
    assert long == {}


def test_tasks_are_thin() -> None:
    """Claim, call, record: what a task does is in a module that can be called without Celery."""
    long = {
        f"{name(path)}:{node.name}": lines
        for path in files(*APPS)
        for node, lines in functions(path)
        if any("shared_task" in ast.unparse(decorator) for decorator in node.decorator_list)
        and _body_lines(node) > TASK_LINES
    }
    assert long == {}


def _body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_modules_are_named_for_what_they_do() -> None:
    wrong = [
        name(p) for p in files(*CHECKED) if p.stem in FORBIDDEN_NAMES or p.parent.name in FORBIDDEN_NAMES
    ]
    wrong.remove("hubsync/postgresql/base.py")  # a database backend's name is Django's
    assert wrong == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        name(path)
        for path in files(*CHECKED)
        if path.read_text().strip() and not ast.get_docstring(tree(path))
    ]
    assert silent == []


def test_nothing_is_left_to_do_in_the_code() -> None:
    marks = ("TO" + "DO", "FIX" + "ME", "XX" + "X")
    wrong = [
        f"{name(path)}: {mark}" for path in files(*CHECKED) for mark in marks if mark in path.read_text()
    ]
    assert wrong == []


def test_every_test_folder_mirrors_something() -> None:
    mirrored = {path.name for path in ROOT.iterdir() if path.is_dir()}
    own = {"flows", "oracle", "browser", "e2e", "live", "security"}
    folders = {p.name for p in (ROOT / "tests").iterdir() if p.is_dir() and (p / "__init__.py").exists()}
    assert folders <= mirrored | own


def test_python_names_do_not_hide_the_standard_library() -> None:
    assert not {folder for folder in CHECKED if folder in sys.stdlib_module_names}
