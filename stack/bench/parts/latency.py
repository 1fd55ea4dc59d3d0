"""How long one thing takes from its arrival to its effect: an action until HubSpot's workflow is told, a LearnUpon event
until its record stands in HubSpot. The sandbox answers at once and stamps both ends by one clock; what comes is sent
one at a time. First everything else is idle; then the neighbour, an account of its own, brings in a large history, within
both vendors' limits as any account must.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from stack.application import Application
from stack.bench import programs
from stack.bench.database import ask
from stack.bench.figures import Figures
from stack.bench.measuring import nearest_rank
from stack.bench.parts import backfill
from stack.story import connecting
from stack.story.judge import expect, until
from stack.story.scene import GLOBEX, Scene
from stack.story.worlds import value

REPEATS, EACH, WARMING = 3, 30, 5
NEIGHBOUR_REPEATS, NEIGHBOUR_EACH = 3, 20  # within the time that its history takes
LEARNERS, COURSES, ENROLLMENTS = 5_000, 20, 100_000  # the neighbour's
LARGE = 4  # times as many in a nightly run
NO_PACE = {"rate_limits": "off", "learnupon_minute": 1_000_000, "latency_ms": 0}
PORTAL = "globex"
# Asked of our database rather than of the sandbox, whose whole world is large beside a neighbour's history.
PUSHED = """
SELECT extract(epoch FROM e.pushed_at) FROM learners_enrollment e JOIN portals_portal p ON p.id = e.portal_id
WHERE e.enrollment_id = %s AND p.subdomain = %s AND e.status = 'completed' AND e.pushed_version = e.version
"""
# Each takes up to four calls, and HubSpot's budget of ten seconds must never be what waits.
PAUSE_SECONDS = 0.4
HUBSPOT_COUNTS_FULL = 11.0  # seconds after the start, until the request budget is known (DESIGN 4.7)


def measure(app: Application, large: bool) -> Figures:
    scene = Scene(app)
    scene.worlds.call("PUT", "options", NO_PACE)
    connecting.install_globex(scene)
    connecting.connect_globex(scene)
    people = Account(scene)
    time.sleep(HUBSPOT_COUNTS_FULL)
    number = EACH * (LARGE if large else 1)
    people.act(WARMING)
    people.finish(WARMING)
    actions = [people.act(number) for _ in range(REPEATS)]
    live = [people.finish(number) for _ in range(REPEATS)]
    beside = list(_beside(scene, people, statistics.median(actions), statistics.median(live)))
    return {"action_p95_ms": actions, "live_p95_ms": live, "neighbour_p95_ratio": beside}


def _beside(scene: Scene, people: "Account", action: float, live: float) -> Iterator[float]:
    """How many times as long the slower of both takes while the neighbour is busy from the first to the last of them."""
    connecting.install_acme(scene)
    connecting.connect_acme(scene)
    backfill.fill(scene, LEARNERS, COURSES, ENROLLMENTS)
    scene.worlds.call("PUT", "options", {"rate_limits": "on"})
    programs.run(scene.app, "stack.proofs.walk", backfill.PORTAL, "history", seconds=60)
    until(lambda: _pushed(scene) > 0, "the history arrives in HubSpot", watch=scene.watch, seconds=60)
    for _ in range(NEIGHBOUR_REPEATS):
        began = _pushed(scene)
        ratio = max(people.act(NEIGHBOUR_EACH) / action, people.finish(NEIGHBOUR_EACH) / live)
        ended = _pushed(scene)
        print(
            f"  beside it {ended - began:,} enrollments were brought in; {ratio:.2f} times idle", flush=True
        )
        expect(began < ended < ENROLLMENTS, "the history did not last for as long as was measured")
        yield ratio


def _pushed(scene: Scene) -> int:
    question = (
        "SELECT count(*) FROM learners_enrollment e JOIN portals_portal p ON p.id = e.portal_id "
        "WHERE p.subdomain = %s AND e.pushed_version > 0"
    )
    return int(str(ask(scene.app.services.database_url, question, [backfill.PORTAL])[0][0]))


class Account:
    """The account whose people are added and finish courses while the clock runs."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._made = 0
        self._learners: list[int] = []  # LearnUpon's numbers of those who were added
        self._finished: list[int] = []  # enrollments
        self._course = next(row["id"] for row in scene.start.courses(PORTAL))

    def act(self, number: int) -> float:
        """Milliseconds within which 95 of 100 actions were answered: from HubSpot's request to our callback."""
        rows = [
            {"email": f"quick{n}@bench.example", "firstname": "Ada", "lastname": f"Bench {n}"}
            for n in range(self._made, self._made + number)
        ]
        self._made += number
        contacts = self._scene.worlds.call("POST", "contacts", {"account": GLOBEX, "rows": rows})["ids"]
        return self._timed("action in, callback out", contacts, self._act)

    def _act(self, contact: str) -> float:
        (run,) = self._scene.run(GLOBEX, "user-add", PORTAL, [{"id": contact}])
        self._learners.append(int(run["output_fields"]["learnupon_user_id"]))
        return _moment(run["ended_at"]) - _moment(run["started_at"])

    def finish(self, number: int) -> float:
        """The same for finished courses: from LearnUpon's event until HubSpot has acknowledged the record."""
        self._finished.clear()
        p95 = self._timed("course finished, record in HubSpot", self._learners[-number:], self._finish)
        there = {
            value(row, "enrollment_key") for row in self._scene.worlds.look("app_objects").app_objects(GLOBEX)
        }
        keys = {key.rpartition(":")[2] for key in there}
        expect(keys >= set(map(str, self._finished)), "HubSpot lacks records that we took for pushed")
        return p95

    def _finish(self, learner: int) -> float:
        worlds, url = self._scene.worlds, self._scene.app.services.database_url
        enrollment = worlds.enroll(PORTAL, learner, self._course)
        self._finished.append(enrollment)
        began = time.time()
        worlds.progress(PORTAL, enrollment, "passed", 90)

        def pushed() -> float:
            rows = ask(url, PUSHED, [enrollment, PORTAL])
            return float(str(rows[0][0])) if rows else 0.0

        return until(pushed, f"enrollment {enrollment} in HubSpot", watch=self._scene.watch) - began

    def _timed(self, what: str, subjects: Sequence[object], one: Callable[..., float]) -> float:
        took = []
        for subject in subjects:
            time.sleep(PAUSE_SECONDS)
            took.append(one(subject))
        p50, p95 = (1000 * nearest_rank(took, part) for part in (0.5, 0.95))
        print(f"  {what}: p50 {p50:.0f} ms, p95 {p95:.0f} ms, most {1000 * max(took):.0f} ms", flush=True)
        return p95


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
