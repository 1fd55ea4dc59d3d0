"""Where things lie. Everything made at run time is under var/."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var"
VENV = VAR / "venv"
SERVER_PACKAGES = VENV / "servers"
COVERAGE_FILE = VAR / "coverage"
