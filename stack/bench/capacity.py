"""How many processes, cores and bytes a load takes, from what one of each thing costs (`make bench PART=units`):
`python -m stack.bench.capacity` prints the tables of docs/scaling.md, which a test holds equal to these.
"""

import sys
from dataclasses import dataclass

DAY = 86_400
MONTH = 30 * DAY
PEAK = 4  # the busiest hour over the average one
# HubSpot's and LearnUpon's side of it.
CALL_SECONDS = 0.2
HUBSPOT_CALLS_A_SECOND = 10.0
LEARNUPON_CALLS_A_WEEK = 500_000 / 2  # half of the allowance that was observed is left to others
PAGE = 500


@dataclass(frozen=True)
class Unit:
    """Of one: CPU microseconds of Python and of PostgreSQL, statements, and Redis commands without the broker's."""

    what: str
    python: float
    postgres: float
    statements: float
    redis: float


# As measured on two cores, to two digits; another machine's differ by more.
UNITS = {
    "row_new": Unit("a row that a walk reads, new", 13, 65, 0.006, 0),
    "row_unchanged": Unit("the same, as it was", 10, 92, 0.006, 0),
    "row_changed": Unit("the same, changed", 13, 93, 0.006, 0),
    "push_new": Unit("a record pushed, new, association included", 39, 66, 0.013, 0.18),
    "push_after_row_changed": Unit("a record pushed again", 32, 75, 0.022, 0.16),
    "turn": Unit("one change folded and pushed in a turn of its own", 7_600, 4_000, 14, 16),
    "event": Unit("an event of LearnUpon recorded and worked", 550, 280, 0.16, 0.04),
}
ENROLLMENT_BYTES, LEARNER_BYTES, DELIVERY_BYTES = 430, 490, 930
WORKER_MB = 115


@dataclass(frozen=True)
class Load:
    """What there is, and how often it changes."""

    accounts: int
    enrollments: int
    learners_have: int = 10  # enrollments each
    changes_a_month: float = 0.8  # of an enrollment, each an event of its own
    walked_every_hours: float = 24
    kept_days: int = 180

    @property
    def each(self) -> int:
        """Enrollments of one account."""
        return self.enrollments // self.accounts

    @property
    def events_a_second(self) -> float:
        """In the busiest hour."""
        return PEAK * self.enrollments * self.changes_a_month / MONTH

    @property
    def walked_a_second(self) -> float:
        return self.enrollments / (self.walked_every_hours * 3600)

    @property
    def disk_tb(self) -> float:
        events = self.enrollments * self.changes_a_month / MONTH * self.kept_days * DAY
        learners = self.enrollments / self.learners_have
        return (
            self.enrollments * ENROLLMENT_BYTES + learners * LEARNER_BYTES + events * DELIVERY_BYTES
        ) / 1e12


@dataclass(frozen=True)
class Need:
    """What a load takes in its busiest hour, fully busy: half as much again lets queues stay short."""

    python_cores: float  # web and workers together
    database_cores: float
    worker_processes: float
    redis_commands_a_second: float  # without the broker's

    @property
    def worker_gb(self) -> float:
        return self.worker_processes * WORKER_MB / 1000


def need(load: Load) -> Need:
    """Every event is taken to be pushed in a turn of its own: at few events an account nothing is there to be pooled."""
    events, walked = load.events_a_second, load.walked_a_second
    event, turn, row = UNITS["event"], UNITS["turn"], UNITS["row_unchanged"]
    python = (events * (event.python + turn.python) + walked * row.python) / 1e6
    database = (events * (event.postgres + turn.postgres) + walked * row.postgres) / 1e6
    # A process is held while its call is under way: a push for a call, a walk for a page.
    held = python + (events + walked / PAGE) * CALL_SECONDS
    return Need(python, database, held, events * (event.redis + turn.redis))


def history_hours(enrollments: int) -> float:
    """One account's history into HubSpot: 100 records a call, 2,000 associations a call."""
    return (enrollments / 100 + enrollments / 2000) / HUBSPOT_CALLS_A_SECOND / 3600


def shortest_walk_hours(enrollments: int) -> float:
    """How often one portal's allowance lets all of it be read."""
    return (enrollments / PAGE) / LEARNUPON_CALLS_A_WEEK * 7 * 24


LOADS = (
    Load(accounts=10, enrollments=1_000_000),
    Load(accounts=1_000, enrollments=100_000_000),
    Load(accounts=10_000, enrollments=1_000_000_000),
    Load(accounts=10_000, enrollments=1_000_000_000, walked_every_hours=0.25),
)


def units() -> str:
    """For docs/scaling.md."""
    head = "| one of | Python, us | PostgreSQL, us | statements | Redis commands |\n|---|---|---|---|---|\n"
    return head + "".join(
        f"| {one.what} | {one.python:,g} | {one.postgres:,g} | {one.statements:g} | {one.redis:g} |\n"
        for one in UNITS.values()
    )


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def table() -> str:
    """For docs/scaling.md."""
    needs = [need(load) for load in LOADS]
    rows: list[tuple[str, list[str]]] = [
        ("accounts", [f"{load.accounts:,}" for load in LOADS]),
        ("enrollments", [f"{load.enrollments:,}" for load in LOADS]),
        ("hours of one account's history", [f"{history_hours(load.each):.2g}" for load in LOADS]),
        (
            "hours of one walk, by LearnUpon's week",
            [f"{shortest_walk_hours(load.each):.2g}" for load in LOADS],
        ),
        ("events a second, busiest hour", [f"{load.events_a_second:,.0f}" for load in LOADS]),
        ("hours between two walks", [f"{load.walked_every_hours:g}" for load in LOADS]),
        ("rows walked a second", [f"{load.walked_a_second:,.0f}" for load in LOADS]),
        ("cores of web and workers", [f"{_short(one.python_cores)}" for one in needs]),
        ("worker processes", [f"{_short(one.worker_processes)}" for one in needs]),
        ("their memory, GB", [f"{_short(one.worker_gb)}" for one in needs]),
        ("database cores", [f"{_short(one.database_cores)}" for one in needs]),
        (
            "Redis commands a second, without the broker's",
            [_short(one.redis_commands_a_second) for one in needs],
        ),
        ("disk, TB", [f"{load.disk_tb:.2g}" for load in LOADS]),
    ]
    head = "| | a few | many | very many | the same, walked as often as now |\n|---|---|---|---|---|\n"
    return head + "".join(f"| {name} | {' | '.join(cells)} |\n" for name, cells in rows)


if __name__ == "__main__":
    sys.stdout.write(f"{units()}\n{table()}")
