"""`make check`: every part runs, whatever failed before it; the end says which parts did."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence

from stack.audit import UNREACHABLE
from stack.environment import APP_ID, fernet_key
from stack.paths import COVERAGE_FILE, ROOT

COVERAGE_FLOOR = 85
PYTHON = sys.executable
HUBSPOT_APP = [PYTHON, "manage.py", "hubspot_app"]
PARTS: dict[str, list[str]] = {
    "lint": [PYTHON, "-m", "ruff", "check", "."],
    "format": [PYTHON, "-m", "ruff", "format", "--check", "."],
    "types": [PYTHON, "-m", "mypy", "."],
    # The database is not asked: whether a migration is missing can be told from the files.
    "migrations": [
        PYTHON,
        "-W",
        "ignore:Got an error checking",
        "manage.py",
        "makemigrations",
        "--check",
        "--dry-run",
    ],
    "deploy": [PYTHON, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
    "hubspot-app": [*HUBSPOT_APP, "--check"],
    "audit": [PYTHON, "-m", "stack.audit"],
    "docs": [PYTHON, "-m", "mkdocs", "build", "--strict"],
    "tests": [],
    "coverage": [PYTHON, "-m", "coverage", "report", "--skip-covered", f"--fail-under={COVERAGE_FLOOR}"],
}


def check(arguments: Sequence[str], run_tests: Callable[[Sequence[str]], int]) -> int:
    """All parts but those that the arguments, or SKIP= of make, leave out as `--skip=part,part`."""
    skipped = {part for word in arguments for part in word.removeprefix("--skip=").split(",")}
    os.environ["COVERAGE_FILE"] = str(COVERAGE_FILE)
    failed, unknown = [], []
    for part, command in PARTS.items():
        if part in skipped:
            continue
        print(f"\n== {part}", flush=True)
        code = (
            run_tests(["--cov", "--cov-report="])
            if part == "tests"
            else subprocess.run(command, cwd=ROOT, env=production_environment(), check=False).returncode
        )
        if part == "audit" and code == UNREACHABLE:
            unknown.append(part)
        elif code:
            failed.append(part)
    if unknown:
        print(f"\nNot checked: {', '.join(unknown)}", flush=True)
    done = "The other checks passed." if unknown else "All checks passed."
    print(f"\nFailed: {', '.join(failed)}" if failed else f"\n{done}", flush=True)
    return 1 if failed else 0


def hubspot_app() -> int:
    """Write the files of hubspot-app/ that follow from the code."""
    return subprocess.run(HUBSPOT_APP, cwd=ROOT, env=production_environment(), check=False).returncode


def production_environment() -> dict[str, str]:
    """Settings as a real deployment has them; nothing here is ever connected to."""
    return dict(os.environ) | {
        "DEBUG": "False",
        "SECRET_KEY": fernet_key() + fernet_key(),
        "ENCRYPTION_KEYS": fernet_key(),
        "TOMBSTONE_KEY": fernet_key(),
        "PUBLIC_URL": "https://hubsync.example.com",
        "ALLOWED_HOSTS": "hubsync.example.com",
        "DATABASE_URL": "postgresql://hubsync:hubsync@127.0.0.1:1/hubsync",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "HUBSPOT_APP_ID": APP_ID,
        "HUBSPOT_CLIENT_ID": "client",
        "HUBSPOT_CLIENT_SECRET": fernet_key(),
        "HUBSPOT_API_URL": "https://api.hubapi.com",
        "HUBSPOT_APP_URL": "https://app.hubspot.com",
        "LEARNUPON_URL": "https://{subdomain}.{region}",
        "EMAIL_URL": "submission://user:password@mail.example.com:587",
        "DEFAULT_FROM_EMAIL": "Hubsync <hubsync@example.com>",
        "NO_MKDOCS_2_WARNING": "1",
    }
