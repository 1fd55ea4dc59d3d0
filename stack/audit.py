"""Known vulnerabilities of the locked packages, by pip-audit. It asks a service on the network, which may be out of reach:
that is said, and is no success."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stack.paths import ROOT

LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-services.lock")
UNREACHABLE = 75  # sysexits' EX_TEMPFAIL: nobody knows
# What pip-audit ends with when the service does not answer.
NO_ANSWER = ("ConnectionError", "Could not connect", "Max retries exceeded", "Timeout", "ServiceError")


def audit(locks: Sequence[Path], environ: Mapping[str, str]) -> int:
    """0: nothing known. 1: something is, or the audit itself failed. UNREACHABLE: not known, unless AUDIT=required."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = _command(locks, report, environ)
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=ROOT, env=dict(environ), check=False
        )
        found = json.loads(report.read_text()) if report.exists() and report.stat().st_size else None
    if found is not None:
        return judge(found, done.returncode, environ)
    if any(words in done.stderr for words in NO_ANSWER):
        return _unknown("the service that lists vulnerabilities did not answer", environ)
    print(done.stderr[-2000:])
    return 1


def _command(locks: Sequence[Path], report: Path, environ: Mapping[str, str]) -> list[str]:
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--progress-spinner", "off", "-f", "json"]
    command += ["-o", str(report), *(word for lock in locks for word in ("-r", str(lock)))]
    if url := environ.get("AUDIT_URL"):
        command += ["-s", "osv", "--osv-url", url]
    return command


def judge(found: dict[str, Any], code: int, environ: Mapping[str, str]) -> int:
    """What pip-audit's report and exit code mean."""
    vulnerable = [package for package in found["dependencies"] if package.get("vulns")]
    for package in vulnerable:
        for vulnerability in package["vulns"]:
            fixed = ", ".join(vulnerability.get("fix_versions") or []) or "no version yet"
            print(f"{package['name']} {package['version']}: {vulnerability['id']}, mended in {fixed}")
    if vulnerable or code:
        return 1
    # A service that knows nothing about a package has not cleared it; pip-audit counts that as no finding.
    if skipped := [package["name"] for package in found["dependencies"] if "skip_reason" in package]:
        return _unknown(
            f"the service knows nothing about {len(skipped)} packages, such as {skipped[0]}", environ
        )
    print(f"No known vulnerability in {len(found['dependencies'])} packages.")
    return 0


def _unknown(why: str, environ: Mapping[str, str]) -> int:
    print(f"NOT CHECKED: {why}. Run `make check` where the service can be reached.")
    if environ.get("AUDIT") == "required":
        print("AUDIT=required makes that a failure.")
        return 1
    return UNREACHABLE


if __name__ == "__main__":
    sys.exit(audit([ROOT / lock for lock in LOCKS], os.environ))
