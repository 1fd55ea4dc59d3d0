"""Programs of the bench that run as the app does, with its environment; what they log goes to the run's logs."""

import subprocess
import sys

from stack.application import Application
from stack.errors import StackError
from stack.paths import ROOT
from stack.processes import shown


def run(app: Application, module: str, *arguments: str, words: str = "", seconds: float) -> str:
    """Run a module to its end, with `words` on its standard input; what it printed."""
    log = app.run.logs / f"{module.rpartition('.')[2]}.log"
    with log.open("ab") as errors:
        ended = subprocess.run(
            [sys.executable, "-m", module, *arguments], input=words.encode(), env=dict(app.environment), cwd=ROOT,
            stdout=subprocess.PIPE, stderr=errors, check=False, timeout=seconds,
        )  # fmt: skip
    if ended.returncode != 0:
        raise StackError(f"{module} failed. Its log: {shown(log)}")
    return ended.stdout.decode()
