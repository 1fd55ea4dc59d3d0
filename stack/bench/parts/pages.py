"""Every page of an account with 50,000 learners and 300,000 enrollments, 30 times each, in three runs. Workers are
stopped, and the sandbox's vendors answer at once: it is the pages that are timed.

A run begins with new web processes, which the pages of another, small account warm up: code and templates are loaded
then, but the sums we keep of the large account are not there yet, and their making is timed with the rest.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence

from stack.application import Application, answers
from stack.bench.addresses import addresses
from stack.bench.figures import KEYS, Figures
from stack.bench.filling import empty, fill, settle
from stack.bench.measuring import Timing, Visitor
from stack.errors import StackError
from stack.paths import ROOT
from stack.processes import wait_until
from stack.story import connecting
from stack.story.browser import Browser
from stack.story.scene import Scene

LEARNERS, OF_STAFF, EACH = 50_000, 5_000, 6
RUNS, TIMES, WARMING = 3, 30, 12
LARGE = 4  # times as many in a nightly run
NO_PACE = {"rate_limits": "off", "learnupon_minute": 1_000_000}

Pages = Mapping[str, str]


def measure(app: Application, large: bool) -> Figures:
    scene = Scene(app)
    scene.worlds.call("PUT", "options", NO_PACE)  # before the app learns LearnUpon's allowance
    connecting.install_acme(scene)
    connecting.install_globex(scene)
    for connect in (connecting.connect_acme, connecting.connect_partners, connecting.connect_globex):
        connect(scene)
    connecting.map_properties(scene)
    for process in (app.beat, *app.workers):
        process.stop()
    pages, small = _filled(scene, LARGE if large else 1)
    asked = _queries(scene, pages)
    queries = {name: asked[address] for name, address in pages.items()}
    runs = [_run(scene, pages, small) for _ in range(RUNS)]
    _table(runs, queries)
    return {
        "page_p95_ms": [max(timing.p95 for timing in run.values()) for run in runs],
        "page_queries": [max(queries.values())],
    }


def _filled(scene: Scene, times: int) -> tuple[Pages, Pages]:
    """The pages of a large account and of a small one."""
    url, portals = scene.app.services.database_url, scene.portals
    staff, learners = OF_STAFF * times, LEARNERS * times
    print(f"Filling in {learners:,} learners with {learners * EACH:,} enrollments ...", flush=True)
    learner = fill(url, portals["acme"], "contact", learners - staff, first=0, each=EACH)
    fill(url, portals["acme-partners"], "user", staff, first=learners - staff, each=EACH)
    few = fill(url, portals["globex"], "user", 20, first=learners, each=EACH)
    settle(url)
    large = addresses(portals["acme"], portals["acme-partners"], learner)
    return large, addresses(portals["globex"], portals["globex"], few)


def _queries(scene: Scene, pages: Pages) -> dict[str, int]:
    empty(scene.app.services.database_url)
    argv = [sys.executable, "-m", "stack.bench.queries", scene.acme.cookies["hubsync_session"]]
    environment = dict(scene.app.environment)
    told = subprocess.run(
        argv, env=environment, cwd=ROOT, input="\n".join(pages.values()), stdout=subprocess.PIPE, text=True, check=True,
        timeout=120,
    )  # fmt: skip
    found: dict[str, int] = json.loads(told.stdout)
    return found


def _run(scene: Scene, large: Pages, small: Pages) -> dict[str, Timing]:
    app = scene.app
    app.web.stop()
    app.web.start()
    if not wait_until(lambda: answers(f"{app.addresses.web}/readyz?only=database"), 30):
        raise StackError(f"The web process did not come up again.\n{app.web.last_lines()}")
    _visitor(app, scene.globex).timings(small, WARMING)
    empty(app.services.database_url)
    return _visitor(app, scene.acme).timings(large, TIMES)


def _visitor(app: Application, browser: Browser) -> Visitor:
    return Visitor(app.addresses.web, browser.cookies)


def _table(runs: Sequence[Mapping[str, Timing]], queries: Mapping[str, int]) -> None:
    """The slowest run of each page."""
    bars = KEYS["pages"]
    print(
        f"\n  {'page':<20}{'p50 ms':>10}{'p95 ms':>10}{'queries':>10}   (of {TIMES}; slowest of {RUNS} runs)"
    )
    for name, number in queries.items():
        p50, p95 = max(run[name].p50 for run in runs), max(run[name].p95 for run in runs)
        held = bars["page_p95_ms"].holds(p95) and bars["page_queries"].holds(number)
        print(f"  {name:<20}{p50:>10.0f}{p95:>10.0f}{number:>10}{'' if held else '   DOES NOT HOLD'}")
