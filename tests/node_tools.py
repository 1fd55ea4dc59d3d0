"""HubSpot's own tools, where this machine has Node: installed once from the lock file, then run as they are."""

import hashlib
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from django.conf import settings

FOLDER: Path = settings.BASE_DIR / "hubspot-app"
MODULES = FOLDER / "node_modules"
OLDEST = 20
SECONDS = 300
TOOLS = {
    "types": ["node_modules/typescript/bin/tsc", "--noEmit"],
    "lint": ["node_modules/eslint/bin/eslint.js", "--max-warnings", "0", "src", "tests"],
    "tests": ["node_modules/vitest/vitest.mjs", "run"],
    "project": ["tools/project.mjs"],
}


@cache
def missing() -> str:
    """Why the tools cannot run here; empty when they can."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return "Node and npm are not installed; with them, HubSpot's own tools check hubspot-app/."
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.lstrip("v").partition(".")[0]) < OLDEST:
        return f"Node is {version}; HubSpot's tools need {OLDEST} or newer."
    return _installed(npm)


def _installed(npm: str) -> str:
    """Bring node_modules in line with the lock file, when it is not. Not `npm ci`: it refuses a lock file that lacks
    another platform's optional packages, and a registry need not have those."""
    mark, wanted = MODULES / ".lock-installed", hashlib.sha256((FOLDER / "package-lock.json").read_bytes())
    if mark.is_file() and mark.read_text() == wanted.hexdigest():
        return ""
    done = run([npm, "install", "--no-save", "--ignore-scripts"], FOLDER)
    if done.returncode:
        return f"npm could not install the tools: {done.stderr.strip()[-300:]}"
    mark.write_text(wanted.hexdigest())
    return ""


def run(argv: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"NO_COLOR": "1", "CI": "true"}
    return subprocess.run(
        argv, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )


def tool(name: str, folder: Path, *more: str) -> tuple[bool, str]:
    """Whether the tool is content with the project in this folder, and what it said."""
    done = run(["node", *TOOLS[name], *more], folder)
    return done.returncode == 0, done.stdout + done.stderr


def copied(to: Path) -> Path:
    """A copy to break; what is installed is shared."""
    shutil.copytree(FOLDER, to, ignore=shutil.ignore_patterns("node_modules"))
    (to / "node_modules").symlink_to(MODULES)
    return to
