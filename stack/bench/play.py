"""`make bench`: each part measures its keys on a stack of its own, one after the other."""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from stack.application import Application
from stack.bench import figures
from stack.bench.figures import Figures
from stack.bench.parts import backfill, intake, latency, pages, push, units
from stack.errors import StackError
from stack.story.judge import CheckFailed

SIZES = ("default", "large")


@dataclass(frozen=True)
class Part:
    """`measure` is given the running stack and whether the nightly size is asked for, and gives every key its values,
    one for each repeat."""

    measure: Callable[[Application, bool], Figures]
    workers: int = 1
    environ: Mapping[str, str] = field(default_factory=dict)


BEHIND_PROXY = {
    "PROXY_COUNT": "1"
}  # each view comes from an address of its own: limits are not what is timed
PARTS: dict[str, Part] = {
    "intake": Part(intake.measure),
    "latency": Part(latency.measure),
    "push": Part(push.measure),
    "backfill": Part(backfill.measure),
    "units": Part(units.measure),
    "pages": Part(pages.measure, environ=BEHIND_PROXY),
}
Stack = Callable[[Part], AbstractContextManager[Application]]


def play(stack: Stack, named: Sequence[str] = ()) -> bool:
    """Run the parts named, or all. Parts named leave the figures of the others in the file; all begin it anew."""
    if unknown := set(named) - PARTS.keys():
        raise StackError(f"No such part: {', '.join(sorted(unknown))}. There are: {', '.join(PARTS)}.")
    chosen = list(named or PARTS)
    if not named:
        figures.RESULT.unlink(missing_ok=True)
    found: dict[str, Sequence[float]] = {}
    for name in chosen:
        found |= _measured(name, stack)
    return figures.table(found, chosen)


def _measured(name: str, stack: Stack) -> Figures:
    """The part's figures, written; none when it failed, because the other parts can still be measured."""
    large = _large()
    print(f"\n== {name}", flush=True)
    try:
        with stack(PARTS[name]) as app:
            measured = PARTS[name].measure(app, large)
    except (StackError, CheckFailed) as error:
        print(f"\n{error}", flush=True)
        return {}
    figures.write(measured)
    return measured


def _large() -> bool:
    size = os.environ.get("SIZE") or "default"
    if size not in SIZES:
        raise StackError(f"SIZE is one of {', '.join(SIZES)}.")
    return size == "large"
