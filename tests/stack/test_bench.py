"""What make bench reports could lie about: the percentile, and the pages that were timed."""

import json
import re
from contextlib import nullcontext
from pathlib import Path

import pytest
import requests
import responses
from django.test import Client
from django.urls import resolve

from learners.views import overview
from portals.models import Portal
from stack.bench import figures
from stack.bench.addresses import LIVE, PLACES, addresses
from stack.bench.figures import Figures
from stack.bench.measuring import UNREAD, Timing, nearest_rank
from stack.bench.play import PARTS, Part, play
from stack.errors import StackError


def test_two_slow_views_of_thirty_are_the_p95() -> None:
    assert nearest_rank([0.01] * 28 + [0.2, 0.3], 0.95) == 0.2
    assert nearest_rank([0.01] * 29 + [0.3], 0.95) == 0.01


def test_times_are_told_in_milliseconds() -> None:
    assert Timing.of([0.2, 0.1, 0.3]) == Timing(200, 300)


def test_every_place_is_a_page_of_ours() -> None:
    found = addresses(1, 2, 3)
    assert resolve(found["overview"]).func is overview.overview
    for address in found.values():
        assert resolve(address.partition("?")[0])
    assert set(LIVE) <= set(PLACES)


@responses.activate
def test_the_bench_knows_a_page_whose_vendor_did_not_answer(as_acme: Client, acme_portal: Portal) -> None:
    responses.add(responses.GET, url=re.compile(".*"), body=requests.ConnectionError())
    assert UNREAD in as_acme.get(f"/portals/{acme_portal.pk}/mapping").content.decode()


def test_a_figure_that_misses_its_bar_or_is_missing_fails_the_run() -> None:
    good: dict[str, list[float]] = {"page_p95_ms": [90.0, 100.0, 400.0], "page_queries": [12.0]}
    assert figures.table(good, ["pages"])
    assert not figures.table(good | {"page_p95_ms": [90.0, 151.0, 400.0]}, ["pages"])
    assert not figures.table({"page_p95_ms": [90.0]}, ["pages"])


def test_a_part_keeps_the_figures_of_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "RESULT", tmp_path / "bench.json")
    figures.write({"page_p95_ms": [1.0, 3.0, 2.0], "page_queries": [12.0]})
    figures.write({"page_queries": [11.0]})
    assert json.loads(figures.RESULT.read_text()) == {
        "page_p95_ms": {"median": 2.0, "min": 1.0, "max": 3.0},
        "page_queries": {"median": 11.0, "min": 11.0, "max": 11.0},
    }


def test_every_part_has_keys() -> None:
    assert set(PARTS) <= set(figures.KEYS)


def test_a_part_that_fails_leaves_the_others_to_be_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(app: object, large: bool) -> Figures:
        raise StackError("It broke.")

    monkeypatch.setattr(figures, "RESULT", tmp_path / "bench.json")
    measured: Figures = {"page_p95_ms": [1.0], "page_queries": [1.0]}
    monkeypatch.setitem(PARTS, "push", Part(breaks))
    monkeypatch.setitem(PARTS, "pages", Part(lambda app, large: measured))
    assert play(lambda part: nullcontext(), ["pages"])  # type: ignore[arg-type,return-value]
    assert not play(lambda part: nullcontext(), ["push", "pages"])  # type: ignore[arg-type,return-value]
    assert "page_p95_ms" in figures.RESULT.read_text()
