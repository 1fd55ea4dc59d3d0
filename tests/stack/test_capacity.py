"""The capacity model, and the document that tells of it."""

from pathlib import Path

from stack.bench import capacity
from stack.bench.capacity import Load, need
from stack.bench.figures import KEYS

SCALING = Path(__file__).parents[2] / "docs" / "scaling.md"


def test_the_document_has_the_model_s_numbers() -> None:
    """Would catch: a cost that was measured anew, and a document that goes on with the old one."""
    told = SCALING.read_text(encoding="utf-8")
    assert capacity.units() in told
    assert capacity.table() in told


def test_every_cost_of_the_model_is_one_the_bench_measures() -> None:
    assert {f"{unit}_us" for unit in capacity.UNITS} == set(KEYS["units"])


def test_twice_the_enrollments_need_twice_of_everything() -> None:
    one, two = Load(accounts=1, enrollments=1_000_000), Load(accounts=2, enrollments=2_000_000)
    assert need(two).python_cores == 2 * need(one).python_cores
    assert need(two).database_cores == 2 * need(one).database_cores
    assert need(two).worker_processes == 2 * need(one).worker_processes
    assert two.disk_tb == 2 * one.disk_tb


def test_walking_less_often_saves_the_database() -> None:
    often, seldom = (Load(accounts=1, enrollments=1_000_000, walked_every_hours=hours) for hours in (1, 24))
    assert need(often).database_cores > need(seldom).database_cores


def test_a_history_takes_what_hubspot_allows() -> None:
    """100 records a call, 2,000 associations a call, 10 calls a second: 300,000 in 315 s."""
    assert round(capacity.history_hours(300_000) * 3600) == 315
