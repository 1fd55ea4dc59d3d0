"""What one of each thing costs in CPU, statements and bytes. docs/scaling.md and stack/bench/capacity.py reckon with
these."""

import json

from stack.application import Application
from stack.bench import programs
from stack.bench.database import ask
from stack.bench.figures import KEYS, Figures
from stack.bench.parts import backfill
from stack.story import connecting
from stack.story.scene import ACME, Scene

USERS = 1_000
SECONDS = 300
PARTS = ("python_us", "postgres_us")


def measure(app: Application, large: bool) -> Figures:
    scene = Scene(app)
    connecting.install_acme(scene)
    connecting.connect_acme(scene)
    for process in (app.beat, *app.workers, app.web):
        process.stop()
    scene.worlds.call("PUT", "options", {"rate_limits": "off"})
    backfill.fill(scene, USERS * (5 if large else 1), courses=0, enrollments=0)
    users = [
        row[0] for row in ask(app.services.database_url, "SELECT learnupon_user_id FROM learners_learner")
    ]
    told = programs.run(
        app,
        "stack.bench.units",
        str(ACME),
        backfill.PORTAL,
        words="\n".join(map(str, users)),
        seconds=SECONDS,
    )
    found: dict[str, dict[str, float]] = json.loads(told)
    for unit, cost in found.items():
        print(f"  {unit:<26}" + ", ".join(f"{name} {value:,.3g}" for name, value in cost.items()), flush=True)
    return {key: [sum(found[key.removesuffix("_us")][part] for part in PARTS)] for key in KEYS["units"]}
