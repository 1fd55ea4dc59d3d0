"""How long one thing takes from its arrival to its effect: an action until HubSpot's workflow is told, a LearnUpon event
until its record stands in HubSpot. The sandbox answers at once and stamps both ends by one clock; what comes is sent
one at a time, everything else is idle.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime

from stack.application import Application
from stack.bench.figures import Figures
from stack.bench.measuring import nearest_rank
from stack.story import connecting
from stack.story.judge import until
from stack.story.scene import GLOBEX, Scene
from stack.story.worlds import Row, value

REPEATS, EACH, WARMING = 3, 30, 5
LARGE = 4  # times as many in a nightly run
NO_PACE = {"rate_limits": "off", "learnupon_minute": 1_000_000, "latency_ms": 0}
PORTAL = "globex"
PAUSE_SECONDS = (
    0.4  # each takes up to four calls, and HubSpot's budget of 100 in ten seconds must never be what waits
)
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
    return {"action_p95_ms": actions, "live_p95_ms": live}


class Account:
    """The account whose people are added and finish courses while the clock runs."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._made = 0
        self._learners: list[int] = []  # LearnUpon's numbers of those who were added
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
        """The same for finished courses: from LearnUpon's event to the record in HubSpot."""
        return self._timed("course finished, record in HubSpot", self._learners[-number:], self._finish)

    def _finish(self, learner: int) -> float:
        worlds = self._scene.worlds
        enrollment = worlds.enroll(PORTAL, learner, self._course)
        began = time.time()
        worlds.progress(PORTAL, enrollment, "passed", 90)

        def record() -> Row | None:
            rows = worlds.look("app_objects").app_objects(GLOBEX)
            mine = [row for row in rows if value(row, "enrollment_key").endswith(f":{enrollment}")]
            return next((row for row in mine if value(row, "status") == "completed"), None)

        found = until(record, f"enrollment {enrollment} in HubSpot", watch=self._scene.watch)
        return _moment(found["updatedAt"]) - began

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
