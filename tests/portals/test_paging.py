"""Lists that LearnUpon pages: whatever its pages look like, every row once in order, and an end."""

import itertools
from typing import Any

import pytest
import responses
from django.test import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portals.clients.learnupon import LearnUpon
from portals.lanes import Lane
from portals.models import Portal
from tests.flows.worlds import fresh_limiter

GROUPS = "https://acme.learnupon.com/api/v1/groups"
# Pages as they come: full, short, empty in the middle, a row twice, and a header that ends them early, late or never.
PAGES = st.lists(st.lists(st.integers(1, 9), max_size=4), min_size=1, max_size=6)
NEXT = st.sampled_from(["true", "True", "false", "", "yes", None])


def expected(pages: list[list[int]], headers: list[str | None]) -> list[int]:
    """All rows up to the first page that is empty or says that it is the last."""
    last = next(
        (n for n, (page, header) in enumerate(zip(pages, headers, strict=True)) if not page or str(header).lower() != "true"),
        len(pages) - 1,
    )  # fmt: skip
    return list(itertools.chain.from_iterable(pages[: last + 1]))


@pytest.mark.usefixtures("clean_limiter")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(pages=PAGES, data=st.data())
def test_odd_pages_end_and_lose_nothing(acme_portal: Portal, pages: list[list[int]], data: Any) -> None:
    headers = [data.draw(NEXT) for _ in pages]
    fresh_limiter()  # every example begins with LearnUpon's whole allowance
    address = override_settings(LEARNUPON_URL="https://{subdomain}.{region}")
    with address, responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
        for page, header in zip(pages, headers, strict=True):
            more = {"LU-Has-Next-Page": header} if header is not None else {}
            wire.get(GROUPS, json={"groups": [{"id": row} for row in page]}, headers=more)
        wire.get(GROUPS, json={"groups": []}, headers={"LU-Has-Next-Page": "true"})
        assert [row["id"] for row in LearnUpon(acme_portal, Lane.ACTIONS).groups()] == expected(
            pages, headers
        )
        asked = [str(call.request.url).split("page=")[1] for call in wire.calls]
    assert asked == [str(number) for number in range(1, len(asked) + 1)]
