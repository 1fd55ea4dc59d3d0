"""The audit of packages can fail: shown with a service that knows a vulnerability, knows none, and is away."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from stack import checks
from stack.audit import LOCKS, UNREACHABLE, audit, judge
from stack.paths import ROOT

BAD, GOOD = "jinja2==2.4.1", "markupsafe==3.0.2"
KNOWN = {
    "id": "GHSA-462w-v97r-4m45",
    "summary": "Escape from the sandbox",
    "affected": [{
        "package": {"ecosystem": "PyPI", "name": "jinja2"}, "versions": ["2.4.1"],
        "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.10.1"}]}],
    }],
}  # fmt: skip


class Advisories(BaseHTTPRequestHandler):
    """Answers as https://google.github.io/osv.dev/post-v1-query/ does."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps({"vulns": [KNOWN]} if asked["package"]["name"] == "jinja2" else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Advisories)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1/query"
    server.shutdown()
    thread.join()
    server.server_close()


def lock(folder: Path, *packages: str) -> Path:
    """A lock as ours are: with hashes."""
    file = folder / "some.lock"
    file.write_text("".join(f"{package} --hash=sha256:{'0' * 64}\n" for package in packages))
    return file


def run(file: Path, url: str, **more: str) -> int:
    return audit([file], {"PATH": "/usr/bin:/bin", "HOME": str(file.parent), "AUDIT_URL": url, **more})


def test_a_known_vulnerability_fails(
    service: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(lock(tmp_path, GOOD, BAD), service) == 1
    assert "jinja2 2.4.1: GHSA-462w-v97r-4m45, mended in 2.10.1" in capsys.readouterr().out


def test_nothing_known_passes(service: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(lock(tmp_path, GOOD), service) == 0
    assert "No known vulnerability in 1 packages" in capsys.readouterr().out


def test_a_service_that_is_away_is_said_and_is_no_success(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    away = "http://127.0.0.1:1/v1/query"
    assert run(lock(tmp_path, GOOD), away) == UNREACHABLE
    assert "NOT CHECKED" in capsys.readouterr().out
    assert run(lock(tmp_path, GOOD), away, AUDIT="required") == 1


def test_an_audit_that_could_not_begin_fails(service: str, tmp_path: Path) -> None:
    """A lock that cannot be read is not a service that is away."""
    assert run(tmp_path / "missing.lock", service) == 1


def test_a_package_the_service_does_not_know_is_not_cleared(capsys: pytest.CaptureFixture[str]) -> None:
    """A mirror without advisories answers so for every package, and pip-audit itself then ends with 0."""
    report = {
        "dependencies": [
            {"name": "a", "version": "1", "vulns": []},
            {"name": "b", "skip_reason": "not found"},
        ]
    }
    assert judge(report, 0, {}) == UNREACHABLE
    assert "knows nothing about 1 packages, such as b" in capsys.readouterr().out
    assert judge(report, 0, {"AUDIT": "required"}) == 1


def test_every_lock_is_audited() -> None:
    assert set(LOCKS) == {file.name for file in ROOT.glob("requirements*.lock")}
    assert checks.PARTS["audit"][1:] == ["-m", "stack.audit"]


@pytest.mark.parametrize(("code", "ends", "says"), [
    (0, 0, "All checks passed."), (1, 1, "Failed: audit"), (UNREACHABLE, 0, "Not checked: audit"),
])  # fmt: skip
def test_what_the_whole_check_makes_of_it(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], code: int, ends: int, says: str
) -> None:
    monkeypatch.setattr(checks, "PARTS", {"audit": [checks.PYTHON, "-c", f"raise SystemExit({code})"]})
    assert checks.check([], lambda arguments: 0) == ends
    assert says in capfd.readouterr().out
