"""The history of a portal with 300,000 enrollments: LearnUpon read, HubSpot written, both vendors' limits on, each
call 200 ms. Timed from the start of the walk to the last row HubSpot has; memory is that of the worker's processes.
"""

import statistics
import time
from collections import defaultdict
from dataclasses import dataclass, field

from stack.application import Application
from stack.bench import programs, usage
from stack.bench.database import ask, server
from stack.bench.figures import Figures
from stack.errors import StackError
from stack.story import connecting
from stack.story.judge import expect, until
from stack.story.scene import ACME, Scene

PORTAL = "acme"
LEARNERS, COURSES, ENROLLMENTS = 10_000, 30, 300_000
LATENCY_MS = 200
CHUNK = 5000  # contacts in one call
SECONDS = 900  # to give up after
LINK = """
INSERT INTO learners_learner (account_id, portal_id, record_type, record_id, learnupon_user_id, state, state_reason,
    email, first_name, last_name, language, linked_at, busy_claim, invitation, welcome, fingerprint, checked_at,
    queued_courses, added_at)
SELECT p.account_id, p.id, 'contact', made.contact, made.user_id, 'active', '', made.email, '', '', 'en', now(), 0, 'no',
    'no', '', now(), '[]', now()
FROM portals_portal p, unnest(%s::text[], %s::bigint[], %s::text[]) AS made(contact, user_id, email)
WHERE p.subdomain = %s
"""
WALK = "SELECT state, reason, id FROM learners_walk WHERE kind = 'history' ORDER BY id DESC LIMIT 1"
WAITING = "SELECT 1 FROM learners_enrollment WHERE due_at IS NOT NULL LIMIT 1"
# Rows HubSpot has, tied to their records; seconds from the walk's start to the last of them.
ENDED = """
SELECT count(*), extract(epoch FROM max(e.pushed_at) - w.started_at)
FROM learners_walk w JOIN learners_enrollment e ON e.portal_id = w.portal_id
WHERE w.id = %s AND e.version = e.pushed_version AND e.associated_with <> '' AND e.parked_reason = '' GROUP BY w.id
"""


@dataclass
class Memory:
    """Samples of every process of the workers, in the order they were taken."""

    samples: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    sums: list[float] = field(default_factory=list)

    def sample(self, app: Application) -> None:
        pids = [pid for worker in app.workers if worker.pid for pid in usage.tree(worker.pid)]
        sizes = {pid: usage.rss_mb(pid) for pid in pids}
        for pid, size in sizes.items():
            self.samples[pid].append(size)
        self.sums.append(sum(sizes.values()))

    @property
    def peaks(self) -> list[float]:
        return [max(sizes) for sizes in self.samples.values()]

    @property
    def growth(self) -> float:
        """The last third over the first of all processes together."""
        third = max(1, len(self.sums) // 3)
        return statistics.median(self.sums[-third:]) / statistics.median(self.sums[:third])


def measure(app: Application, large: bool) -> Figures:
    scene = Scene(app)
    connecting.install_acme(scene)
    connecting.connect_acme(scene)
    times = 2 if large else 1
    fill(scene, LEARNERS * times, COURSES, ENROLLMENTS * times)
    scene.worlds.call("PUT", "options", {"latency_ms": LATENCY_MS})
    before, memory = _cpu(scene), Memory()
    programs.run(app, "stack.proofs.walk", PORTAL, "history", seconds=60)
    seconds = _brought_in(scene, ENROLLMENTS * times, memory)
    used = {name: after - before[name] for name, after in _cpu(scene).items()}
    calls = scene.worlds.call("GET", "requests?service=hubspot&path=/crm/")["requests"]
    refused = sum(row["status"] == 429 for row in calls)
    print(f"  {ENROLLMENTS * times:,} enrollments in {seconds:.0f} s, {len(calls):,} calls to HubSpot, {refused} of them"
          f" refused; all workers together {max(memory.sums):.0f} MB, at the end {memory.growth:.2f} times as much as"
          f" at first; CPU seconds: " + ", ".join(f"{name} {value:.0f}" for name, value in used.items()))  # fmt: skip
    return {
        "backfill_300k_minutes": [seconds / times / 60],
        "backfill_429s": [refused],
        "worker_rss_mb": [max(memory.peaks)],
        "worker_rss_growth": [memory.growth],
    }


def fill(scene: Scene, learners: int, courses: int, enrollments: int) -> None:
    """LearnUpon has them; HubSpot has the people; they are linked."""
    print(f"Filling in {learners:,} learners with {enrollments:,} enrollments ...", flush=True)
    seeded = {"portal": PORTAL, "users": learners, "courses": courses, "enrollments": enrollments}
    scene.worlds.call("POST", "seed-bulk", seeded)
    users = scene.worlds.look("learnupon_users").parts["learnupon_users"]
    made = [row for row in users if row["portal"] == PORTAL and row["email"].endswith("@bulk.example")]
    contacts: list[str] = []
    for start in range(0, len(made), CHUNK):
        rows = [{"email": row["email"]} for row in made[start : start + CHUNK]]
        contacts += scene.worlds.call("POST", "contacts", {"account": ACME, "rows": rows})["ids"]
    ids, emails = [row["id"] for row in made], [row["email"] for row in made]
    ask(scene.app.services.database_url, LINK, [contacts, ids, emails, PORTAL])


def _brought_in(scene: Scene, wanted: int, memory: Memory) -> float:
    """Wait until HubSpot has everything; how many seconds it took."""
    url = scene.app.services.database_url

    def walked() -> int:
        memory.sample(scene.app)
        time.sleep(1)
        ((state, reason, walk_id),) = ask(url, WALK)
        expect(state not in ("failed", "cancelled"), f"the walk {state}: {reason}")
        return int(walk_id) if state == "done" and not ask(url, WAITING) else 0

    walk_id = until(walked, "every enrollment in HubSpot", watch=scene.watch, seconds=SECONDS)
    ((there, seconds),) = ask(url, ENDED, [walk_id])
    expect(there == wanted, f"HubSpot has {there:,} of {wanted:,} enrollments")
    return float(seconds)


def _cpu(scene: Scene) -> dict[str, float]:
    """CPU seconds so far, by who used them."""
    app = scene.app
    if not app.sandbox.pid:
        raise StackError("The sandbox is gone.")
    workers = [pid for worker in app.workers if worker.pid for pid in usage.tree(worker.pid)]
    database = usage.tree(server(app.services.database_url))
    return {
        "workers": usage.cpu_seconds(workers),
        "PostgreSQL": usage.cpu_seconds(database),
        "sandbox": usage.cpu_seconds([app.sandbox.pid]),
    }
