"""What two large jobs cost LearnUpon in requests: linking 10,000 people by e-mail in a portal of 50,000 accounts, and
adding 1,000 new learners. LearnUpon's pace is out of the way, because it is requests that are counted, not time.
"""

import subprocess
import sys
from dataclasses import dataclass

import psycopg2

from stack.application import Application
from stack.paths import ROOT
from stack.story import connecting
from stack.story.judge import expect, until
from stack.story.scene import ACME, Scene
from stack.story.worlds import Row

PORTAL = "acme"
ACCOUNTS, LINKED, ADDED = 50_000, 10_000, 1_000
MOST_TO_LINK, MOST_TO_ADD = 120, 1_050
CHUNK = 5000  # contacts in one call
SECONDS = 1200  # to give up after; HubSpot's budget alone takes a minute for the contacts of 50,000 addresses
WALK = "SELECT state, reason, rows_linked FROM learners_walk WHERE kind = 'link' ORDER BY id DESC LIMIT 1"
NO_PACE = {"rate_limits": "off", "learnupon_minute": 1_000_000}


@dataclass(frozen=True)
class Cost:
    what: str
    people: int
    done: int
    requests: int
    most: int

    @property
    def holds(self) -> bool:
        return self.done >= self.people and self.requests <= self.most


def prove(app: Application) -> bool:
    """Whether both jobs were done within their bars."""
    scene = Scene(app)
    connecting.install_acme(scene)
    connecting.connect_acme(scene)
    scene.worlds.call("PUT", "options", NO_PACE)
    costs = [_linking(scene), _adding(scene)]
    print("\nRequests to LearnUpon, data updates not counted:", flush=True)
    for cost in costs:
        verdict = "holds" if cost.holds else "DOES NOT HOLD"
        print(
            f"  {cost.what:<44}{cost.done:>8,} done{cost.requests:>8,} of {cost.most:,}  {verdict}",
            flush=True,
        )
    return all(cost.holds for cost in costs)


def _linking(scene: Scene) -> Cost:
    scene.worlds.call(
        "POST", "seed-bulk", {"portal": PORTAL, "users": ACCOUNTS, "courses": 0, "enrollments": 0}
    )
    users = scene.worlds.look("learnupon_users").parts["learnupon_users"]
    made = [user for user in users if user["portal"] == PORTAL and user["email"].endswith("@bulk.example")]
    _contacts(scene, [
        {"email": user["email"], "firstname": user["first_name"], "lastname": user["last_name"]}
        for user in made[:: ACCOUNTS // LINKED]
    ])  # fmt: skip
    before = _requests(scene)
    argv = [sys.executable, "-m", "stack.proofs.walk", PORTAL]
    subprocess.run(argv, env=dict(scene.app.environment), cwd=ROOT, check=True, timeout=60)
    linked = until(lambda: _walked(scene), "every account looked at", watch=scene.watch, seconds=SECONDS)
    title = f"linking {LINKED:,} of {ACCOUNTS:,} accounts"
    return Cost(title, LINKED, linked, _requests(scene) - before, MOST_TO_LINK)


def _walked(scene: Scene) -> int:
    """How many were linked, once the walk is over."""
    connection = psycopg2.connect(scene.app.services.database_url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(WALK)
            state, reason, linked = cursor.fetchone() or ("", "", 0)
    finally:
        connection.close()
    expect(state != "failed", f"the walk failed: {reason}")
    return int(linked) if state == "done" else 0


def _adding(scene: Scene) -> Cost:
    people = [
        {"email": f"new{n}@proof.example", "firstname": "New", "lastname": f"No {n}"} for n in range(ADDED)
    ]
    records = [{"id": number} for number in _contacts(scene, people)]
    before = _requests(scene)
    ids = scene.worlds.run_workflow(ACME, "user-add", records, {"portal": PORTAL})
    ended = scene.ended(ids, seconds=SECONDS)
    created = sum(row["output_fields"].get("outcome") == "created" for row in ended)
    return Cost(f"adding {ADDED:,} new learners", ADDED, created, _requests(scene) - before, MOST_TO_ADD)


def _contacts(scene: Scene, rows: list[Row]) -> list[str]:
    ids: list[str] = []
    for start in range(0, len(rows), CHUNK):
        some = {"account": ACME, "rows": rows[start : start + CHUNK]}
        ids += scene.worlds.call("POST", "contacts", some)["ids"]
    return ids


def _requests(scene: Scene) -> int:
    """LearnUpon's calls so far, without the writing of data to accounts that are there."""
    rows: list[Row] = scene.worlds.call("GET", f"requests?service=learnupon&path=/{PORTAL}/api/")["requests"]
    return sum(row["method"] != "PUT" for row in rows)
