"""What make bench reports could lie about: the percentile, and the pages that were timed."""

import re

import requests
import responses
from django.test import Client
from django.urls import resolve

from learners.views import overview
from portals.models import Portal
from stack.bench.measuring import UNREAD, Timing, nearest_rank
from stack.bench.pages import LIVE, PLACES, addresses


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
