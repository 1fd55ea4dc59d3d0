"""The bars of the push proof: what they let pass and what they do not, and that figures are counted from the log."""

from dataclasses import replace

import pytest

from stack.commands import proofs
from stack.errors import StackError
from stack.proofs.cost import Cost
from stack.proofs.push import Round, refused

GOOD = Round("alone", 20_000, 0, 21.0, 210, 0, 0, 0, most_refused=0.0)
BESIDE = replace(GOOD, name="beside", calls=400, refused=4, most_refused=2 / 200)


@pytest.mark.parametrize(
    ("one", "holds"),
    [
        (GOOD, True),
        (replace(GOOD, refused=1), False),
        (replace(GOOD, lost=1), False),
        (BESIDE, True),
        (replace(BESIDE, refused=5), False),
        (replace(BESIDE, lost=1), False),
    ],
)
def test_the_bars(one: Round, holds: bool) -> None:
    assert one.holds is holds


def test_only_429_counts_as_refused_for_coming_too_fast() -> None:
    assert refused([{"status": status} for status in (200, 207, 429, 400, 503, 429)]) == 2


def test_a_proof_that_is_not_there_is_said() -> None:
    with pytest.raises(StackError, match="There are: push"):
        proofs(["pull"])


@pytest.mark.parametrize(
    ("done", "requests", "holds"), [(10, 5, True), (11, 4, True), (9, 5, False), (10, 6, False)]
)
def test_a_cost_holds_when_all_is_done_within_its_bar(done: int, requests: int, holds: bool) -> None:
    assert Cost("linking", 10, done, requests, 5).holds is holds
