"""What one of each thing costs: `python -m stack.bench.units HUB_ID PORTAL USERS` does each of them many times over, as
a worker does, on one database, and prints for each the CPU microseconds of Python and of PostgreSQL, and the statements.
Limits are off and the vendors answer at once; their own CPU is not counted.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import django

from stack.bench import usage
from stack.bench.database import server

if TYPE_CHECKING:
    from learners.observations import Observation
    from portals.models import Portal

PAGE, COURSES, TURNS = 500, 20, 200
START = datetime(2026, 1, 5, 9, tzinfo=UTC)


@dataclass
class Costs:
    """Of each unit: microseconds of CPU and statements, by one."""

    database: int
    found: dict[str, dict[str, float]] = field(default_factory=dict)

    @contextmanager
    def of(self, unit: str, count: int) -> Iterator[None]:
        from django.db import connection

        asked = [0]

        def counting(execute: Callable[..., Any], *args: Any) -> Any:
            asked[0] += 1
            return execute(*args)

        redis = _redis_commands()
        there, here = usage.cpu_seconds(usage.tree(self.database)), time.process_time()
        with connection.execute_wrapper(counting):
            yield
        here, there = time.process_time() - here, usage.cpu_seconds(usage.tree(self.database)) - there
        self.found[unit] = {
            "python_us": 1e6 * here / count,
            "postgres_us": 1e6 * there / count,
            "statements": asked[0] / count,
            "redis": (_redis_commands() - redis) / count,
        }


def _redis_commands() -> int:
    from portals.clients.limiter import store

    return int(store().info("stats")["total_commands_processed"])


def measure(hub_id: int, subdomain: str, users: list[int]) -> dict[str, Any]:
    from portals.models import Portal

    portal = Portal.objects.select_related("account").get(subdomain=subdomain, account__hub_id=hub_id)
    costs = Costs(server(os.environ["DATABASE_URL"]))
    rows = len(users) * COURSES
    _unlimited()
    for unit, hours, progress in (("row_new", 0, 10.0), ("row_unchanged", 1, 10.0), ("row_changed", 2, 20.0)):
        with costs.of(unit, rows):
            _read(portal, users, START + timedelta(hours=hours), progress)
        with costs.of("push_new" if hours == 0 else f"push_after_{unit}", rows):
            _push(portal)
    with costs.of("turn", TURNS):
        _turns(portal, users)
    with costs.of("event", len(users)):
        _events(portal, users)
    _push(portal)
    costs.found["bytes"] = _bytes()
    return costs.found


def _unlimited() -> None:
    from portals.clients import limiter

    limiter.LIMITS = dict.fromkeys(limiter.LIMITS, (10**9, 10**9))


def _read(portal: "Portal", users: list[int], as_of: datetime, progress: float) -> None:
    """The portal's courses page by page, as a walk reads them."""
    from learners import enrollments
    from learners.observations import from_rest

    for course in range(COURSES):
        for start in range(0, len(users), PAGE):
            rows = [
                _row(course * 1_000_000 + user, user, course, progress)
                for user in users[start : start + PAGE]
            ]
            seen: list[Observation] = [one for row in rows if (one := from_rest(row, as_of))]
            enrollments.take(portal, seen, bulk=True)


def _row(number: int, user: int, course: int, progress: float) -> dict[str, Any]:
    return {
        "id": number, "user_id": user, "course_id": 1 + course, "course_name": f"Course {course}", "status": "in_progress",
        "percentage": None, "percentage_complete": progress, "date_enrolled": "2026-01-01T10:00:00Z",
        "date_started": "2026-01-02T10:00:00Z", "date_lastaccessed": "2026-01-03T10:00:00Z", "is_overdue": False,
    }  # fmt: skip


def _push(portal: "Portal") -> None:
    """Until nothing is due; waiting for a budget costs no CPU."""
    from learners import push, push_rows
    from learners.models import Enrollment

    while Enrollment.objects.filter(account=portal.account, due_at__isnull=False).exists():
        for _, lane in push_rows.lanes_due() or [(0, "")]:
            if not lane or push.push(portal.account, lane):
                time.sleep(0.05)


def _turns(portal: "Portal", users: list[int]) -> None:
    """One changed row at a time, each pushed in a turn of its own: what news costs where little happens."""
    from learners import enrollments
    from learners.observations import Observation

    for number in range(TURNS):
        user = users[number]
        fields = {"progress_percent": 30.0}
        seen = Observation(user, user, 1, START + timedelta(days=1), False, fields)
        enrollments.take(portal, [seen])
        _push(portal)


def _events(portal: "Portal", users: list[int]) -> None:
    """One webhook of each user, ten a request, recorded and worked; the web server's own work is not in it."""
    from portals.lanes import Lane
    from webhooks import claims, intake, learnupon, tasks

    for start in range(0, len(users), 10):
        data = [
            {"enrollmentId": user, "courseId": 1, "user": {"userId": user}, "enrollmentStatus": "passed",
             "percentage": 90, "percentageComplete": 100, "eventCreated": "2026-01-06T10:00:00Z"}
            for user in users[start : start + 10]
        ]  # fmt: skip
        intake.record(learnupon.events({"data": data}, "course_completion", portal))
    tasks.drain(portal.account_id, Lane.LIVE)
    while claims.due_lanes():
        tasks.drain(portal.account_id, Lane.LIVE)


def _bytes() -> dict[str, float]:
    """On disk, indexes included, of one row."""
    from django.db import connection

    found = {}
    for name in ("learners_enrollment", "learners_learner", "webhooks_delivery"):
        with connection.cursor() as cursor:
            cursor.execute(f"VACUUM (FULL, ANALYZE) {name}")
            cursor.execute(
                f"SELECT pg_total_relation_size('{name}') / greatest(count(*), 1) FROM {name}"  # noqa: S608
            )
            found[name] = float(cursor.fetchone()[0])
    return found


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hubsync.settings")
    django.setup()
    hub_id, subdomain = sys.argv[1:]
    sys.stdout.write(
        json.dumps(measure(int(hub_id), subdomain, [int(word) for word in sys.stdin.read().split()]))
    )
