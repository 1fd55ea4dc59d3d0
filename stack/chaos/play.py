"""One run of the fault suite: set up, load and faults, quiet, judgement."""

import json
import os
import random
import secrets
import time
from collections import Counter

from stack.application import Application
from stack.chaos import faults, invariants, privacy, progress, quiet, recorded
from stack.chaos.facts import DOUBLED, LOST, Check, Facts
from stack.chaos.load import Load
from stack.chaos.sizes import size_of
from stack.chaos.stage import Stage
from stack.errors import StackError
from stack.paths import VAR
from stack.processes import shown

SHOWN = 8
FACTS = "facts.json"  # what a failed run was judged by, beside its logs


def play(app: Application) -> bool:
    """Whether everything held."""
    name = os.environ.get("SIZE") or "default"
    seed = _seed(os.environ.get("SEED", ""))
    stage = Stage(app, size_of(name), seed, kept_rates=os.environ.get("RATES") == "on")
    say(f"size {name}, seed {seed}: replay with  {_again(stage, name)}")
    began = time.monotonic()
    stage.set_up()
    load = Load(stage, random.Random(seed))  # noqa: S311  repeatable, not secret
    load.prepare()
    struck = _break(stage, load)
    say("the faults stop; waiting until everything has come to rest")
    stage.mend()
    left = quiet.wait(stage, say)
    facts = Facts(stage, load)
    checks = _judge(facts, left)
    report(stage, name, load, struck, checks, time.monotonic() - began)
    held = all(check.passed for check in checks)
    if not held:
        facts.keep(stage.app.run.logs / FACTS)
    return held


def _again(stage: Stage, size: str) -> str:
    return f"make chaos SIZE={size} SEED={stage.seed}" + (" RATES=on" if stage.kept_rates else "")


def _seed(text: str) -> int:
    if text and not text.isdecimal():
        raise StackError("SEED is a number.")
    return int(text) if text else secrets.randbelow(1_000_000)


def _break(stage: Stage, load: Load) -> Counter[str]:
    """Faults strike one after the other, spread over the time of the run; the load goes on meanwhile."""
    dice = random.Random(stage.seed + 1)  # noqa: S311  repeatable, not secret
    kinds = faults.drawn(dice, stage.size.faults)
    times = sorted(dice.uniform(0.02, 1.0) * stage.size.seconds for _ in kinds)
    struck: Counter[str] = Counter()
    began = time.monotonic()
    load.start()
    try:
        for kind, at in zip(kinds, times, strict=True):
            time.sleep(max(0.0, began + at - time.monotonic()))
            kind.strike(stage, dice)
            stage.supervise()
            struck[kind.name] += 1
            if sum(struck.values()) % 20 == 0:
                say(
                    f"{sum(struck.values())} faults after {time.monotonic() - began:.0f} s, {dict(load.done)}"
                )
    finally:
        stage.lossy = False
        load.finish()
    return struck


def _judge(facts: Facts, left: dict[str, int]) -> list[Check]:
    rest = Check("everything came to rest in time", 1, [f"{count} {what}" for what, count in left.items()])
    checkers = (*recorded.CHECKS, *invariants.CHECKS, *progress.CHECKS, *privacy.CHECKS)
    facts.stage.deliveries = len(facts.deliveries)
    facts.stage.outcomes = facts.outcomes
    return [rest, *(checker(facts) for checker in checkers)]


# --- the report ------------------------------------------------------------------------------------------
def report(
    stage: Stage, size: str, load: Load, struck: Counter[str], checks: list[Check], seconds: float
) -> None:
    print("\nFaults", flush=True)
    for name, count in sorted(struck.items()):
        print(f"  {count:4} {name}")
    hits = [int(str(hit["hits"])) for hit in stage.hits]
    print(
        f"  {sum(struck.values())} faults of {len(struck)} kinds; {sum(hits)} calls spoilt, "
        f"{hits.count(0)} faults of vendors met none\n\nOutcomes of workflow runs"
    )
    for outcome, count in stage.outcomes.most_common():
        print(f"  {count:6} {outcome}")
    print(f"\n{'What must hold':<58}{'looked at':>10}{'wrong':>8}")
    for check in checks:
        print(f"{check.name:<58}{check.of:>10}{len(check.wrong):>8}{'' if check.passed else '   <---'}")
        for line in check.wrong[:SHOWN]:
            print(f"      {line}")
    _write(stage, size, load, struck, checks, seconds)
    failed = sum(not check.passed for check in checks)
    verdict = "Everything held" if not failed else f"{failed} of {len(checks)} did not hold"
    print(
        f"\n{verdict}: {stage.deliveries} deliveries, {sum(struck.values())} faults, {_count(checks, LOST)} lost, "
        f"{_count(checks, DOUBLED)} doubled, {seconds:.0f} s, seed {stage.seed}."
    )
    if failed:
        print(
            f"Replay with  make chaos SIZE={size} SEED={stage.seed}   Logs and {FACTS}: {shown(stage.app.run.logs)}/"
        )


def _write(
    stage: Stage, size: str, load: Load, struck: Counter[str], checks: list[Check], seconds: float
) -> None:
    figures = {
        "seed": stage.seed,
        "deliveries": stage.deliveries,
        "faults": sum(struck.values()),
        "fault_kinds": len(struck),
        "calls_spoilt": sum(int(str(hit["hits"])) for hit in stage.hits),
        "faults_that_met_no_call": sum(not hit["hits"] for hit in stage.hits),
        "seconds": round(seconds),
        "restarts": stage.restarts,
        "most_hubspot_calls_in_10_s": stage.busiest,
        "violations": sum(len(check.wrong) for check in checks),
        "lost": _count(checks, LOST),
        "doubled": _count(checks, DOUBLED),
    }
    figures |= {f"fault: {name}": count for name, count in sorted(struck.items())}
    figures |= {f"held: {check.name}": check.of for check in checks if check.passed}
    figures |= {f"wrong: {check.name}": len(check.wrong) for check in checks}
    (VAR / "chaos.json").write_text(json.dumps(figures, indent=2) + "\n")


def _count(checks: list[Check], means: str) -> int:
    return sum(len(check.wrong) for check in checks if check.means == means)


def say(text: str) -> None:
    print(f"  {text}", flush=True)
