"""What the bench measures: every key, what it says, and the bar it must hold; and how figures are told."""

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from stack.paths import VAR
from stack.processes import shown

RESULT = VAR / "bench.json"
Figures = Mapping[str, Sequence[float]]  # key -> one value for each repeat


@dataclass(frozen=True)
class Key:
    what: str
    at_least: float | None = None
    at_most: float | None = None  # neither: told for information

    @property
    def bar(self) -> str:
        if self.at_least is not None:
            return f">= {self.at_least:,g}"
        return f"<= {self.at_most:,g}" if self.at_most is not None else "-"

    def holds(self, figure: float) -> bool:
        above = self.at_least is None or figure >= self.at_least
        return above and (self.at_most is None or figure <= self.at_most)


KEYS: dict[str, dict[str, Key]] = {  # part -> its keys
    "intake": {
        "intake_vs_bare": Key("signed actions/s recorded, over check, INSERT and commit alone", at_least=0.5),
        "intake_p99_ms_at_150rps": Key("answers to 150 signed actions/s, everything running", at_most=50),
        "intake_p99_ms_redis_hung": Key("the same while Redis hangs"),
        "events_per_s": Key("webhook events in arrays of 100, recorded durably", at_least=15_000),
    },
    "latency": {
        "action_p95_ms": Key("signed action in to callback out", at_most=500),
        "live_p95_ms": Key("LearnUpon webhook in to record in HubSpot", at_most=2000),
        "neighbour_p95_ratio": Key("the same while another account backfills, over idle", at_most=2),
    },
    "push": {
        "push_vs_ceiling": Key("HubSpot calls/s of one account over HubSpot's 10 a second", at_least=0.95),
        "push_429s": Key("calls of ours that HubSpot refused for their number", at_most=0),
        "push_cpu": Key("records per CPU second of worker and database, limits off", at_least=5000),
        "push_vs_sdk_loop": Key("records/s over a bare loop of the SDK's batch upsert", at_least=0.5),
        "push_vs_one_by_one": Key("records/s over one record a call, limits on", at_least=80),
    },
    "backfill": {
        "backfill_300k_minutes": Key("300,000 enrollments, both vendors' limits on", at_most=6),
        "backfill_429s": Key("calls of ours that HubSpot refused for their number", at_most=0),
        "worker_rss_growth": Key("memory of all worker processes, last third over first", at_most=1.1),
        "worker_rss_mb": Key("the largest worker process during that backfill", at_most=200),
    },
    "units": {
        "row_new_us": Key("CPU microseconds of a row a walk reads, new"),
        "row_unchanged_us": Key("the same, as it was"),
        "row_changed_us": Key("the same, changed"),
        "push_new_us": Key("the same of a record pushed, new, association included"),
        "push_after_row_changed_us": Key("the same of a record pushed again"),
        "turn_us": Key("the same of one change folded and pushed in a turn of its own"),
        "event_us": Key("the same of an event recorded and worked"),
    },
    "pages": {
        "page_p95_ms": Key("the slowest page of a large account", at_most=150),
        "page_queries": Key("the most queries a page asks", at_most=12),
    },
}


def expected(parts: Iterable[str]) -> dict[str, Key]:
    """What these parts must measure."""
    return {name: key for part in parts for name, key in KEYS[part].items()}


def write(figures: Figures) -> None:
    """Put these keys among those of the same run."""
    found = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {}
    for key, values in figures.items():
        found[key] = {"median": statistics.median(values), "min": min(values), "max": max(values)}
    RESULT.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def table(figures: Figures, parts: Iterable[str]) -> bool:
    """Print what these parts must measure; whether each figure is there and holds its bar, by its median."""
    print(f"\n  {'key':<26}{'what':<64}{'figure':>10}{'bar':>11}   {'spread':<20}holds")
    held = [_row(name, key, figures.get(name)) for name, key in expected(parts).items()]
    print(f"\n  Written to {shown(RESULT)}.", flush=True)
    return all(held)


def _row(name: str, key: Key, values: Sequence[float] | None) -> bool:
    if values is None:
        print(f"  {name:<26}{key.what:<64}{'-':>10}{key.bar:>11}   {'not measured':<20}NO")
        return False
    figure = statistics.median(values)
    held = key.holds(figure)
    said = "-" if key.bar == "-" else "yes" if held else "NO"
    spread = f"{_short(min(values))} .. {_short(max(values))}"
    print(f"  {name:<26}{key.what:<64}{_short(figure):>10}{key.bar:>11}   {spread:<20}{said}")
    return held


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
