"""HubSpot's batches: whatever is refused, whole or in part, no good row is lost and every bad one is named."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import responses
from django.conf import settings
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from portals.clients import limiter
from portals.clients.batches import Row
from portals.clients.errors import Refused
from portals.clients.hubspot import HubSpot
from portals.lanes import Lane
from portals.models import HubSpotAccount

pytestmark = pytest.mark.usefixtures("clean_limiter")
UPSERT = f"{settings.HUBSPOT_API_URL}/crm/objects/2026-09/2-123/batch/upsert"
ERROR = {"status": "error", "message": "what happened", "correlationId": "c-1", "category": "SOME_CATEGORY"}


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def hubspot(acme: HubSpotAccount) -> HubSpot:
    return HubSpot(acme, Lane.LIVE)


def row(number: int) -> Row:
    body = {
        "id": f"key-{number}", "idProperty": "a_enrollment_key", "objectWriteTraceId": str(number),
        "properties": {"x": "y"},
    }  # fmt: skip
    return Row(str(number), json.dumps(body))


class Objects:
    """HubSpot's batch upsert with some rows it will not take: refused whole (400, naming them or not) or in part."""

    def __init__(self, bad: set[int], *, names: bool, partly: bool = False) -> None:
        self.bad = {str(number) for number in bad}
        self.names, self.partly = names, partly
        self.written: dict[str, dict[str, str]] = {}
        self.calls = 0

    def __call__(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        self.calls += 1
        inputs = json.loads(request.body or b"{}")["inputs"]
        assert len({one["id"] for one in inputs}) == len(inputs), "HubSpot refuses duplicate ids"
        refused = [one for one in inputs if one["objectWriteTraceId"] in self.bad]
        if refused and not self.partly:
            context = {"objectWriteTraceId": [one["objectWriteTraceId"] for one in refused]}
            errors = [{"message": "bad row", "context": context}] if self.names else []
            return 400, {}, json.dumps(ERROR | {"errors": errors})
        good = [one for one in inputs if one not in refused]
        self.written |= {one["id"]: one["properties"] for one in good}
        results = [{"id": "h" + one["id"], "objectWriteTraceId": one["objectWriteTraceId"]} for one in good]
        errors = [
            {"message": "bad row", "correlationId": "c-2", "context": {"objectWriteTraceId": [one["objectWriteTraceId"]]}}
            for one in refused
        ]  # fmt: skip
        return 207 if refused else 200, {}, json.dumps({"results": results, "errors": errors})


def upsert(wire: responses.RequestsMock, hubspot: HubSpot, objects: Objects, rows: list[Row]) -> Any:
    wire.add_callback(responses.POST, UPSERT, callback=objects)
    done = hubspot.upsert("2-123", rows)
    wire.remove(responses.POST, UPSERT)
    return done


@hypothesis_settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bad=st.sets(st.integers(0, 7), max_size=2), names=st.booleans(), partly=st.booleans())
def test_bad_rows_are_found_and_the_good_ones_written(
    hubspot: HubSpot, bad: set[int], names: bool, partly: bool
) -> None:
    limiter.store().delete("limiter:1001:general")
    objects = Objects(bad, names=names, partly=partly)
    with responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
        wire.add_callback(responses.POST, UPSERT, callback=objects)
        done = hubspot.upsert("2-123", [row(number) for number in range(8)])
    good = set(range(8)) - bad
    assert done.ids == {str(number): f"hkey-{number}" for number in good}
    assert set(done.errors) == {str(number) for number in bad}
    assert set(objects.written) == {f"key-{number}" for number in good}


def test_rows_hubspot_names_cost_no_search(wire: responses.RequestsMock, hubspot: HubSpot) -> None:
    objects = Objects({3, 50}, names=True)
    done = upsert(wire, hubspot, objects, [row(number) for number in range(100)])
    assert objects.calls == 3
    assert len(done.ids) == 98
    assert "what happened" in done.errors["3"].message
    assert done.errors["3"].correlation_id == "c-1"


def test_one_bad_row_of_a_hundred_is_found_by_halving(wire: responses.RequestsMock, hubspot: HubSpot) -> None:
    objects = Objects({77}, names=False)
    done = upsert(wire, hubspot, objects, [row(number) for number in range(100)])
    assert len(done.ids) == 99
    assert objects.calls <= 2 * 7 + 1


def test_a_search_that_the_budget_stops_keeps_what_it_found(
    wire: responses.RequestsMock, hubspot: HubSpot
) -> None:
    """A hundred bad rows take 199 calls, more than ten seconds' budget: beginning anew each time would never end.
    Here 16 rows take 31 calls, and ten calls are left of each window."""
    left, attempts = [row(number) for number in range(16)], 0
    objects = Objects(set(range(16)), names=False)
    while left:
        attempts += 1
        age_of_grants = {f"{attempts}-{n}": int(limiter.store().time()[0] - 2) * 1_000_000 for n in range(90)}
        limiter.store().delete("limiter:1001:general")
        limiter.store().zadd("limiter:1001:general", age_of_grants)
        done = upsert(wire, hubspot, objects, left)
        assert not done.ids
        assert done.errors
        left = [one for one in left if one.trace not in done.errors]
        assert bool(left) == bool(done.unfinished)
    assert attempts > 1


def test_a_207_keeps_each_rows_reason(wire: responses.RequestsMock, hubspot: HubSpot) -> None:
    done = upsert(wire, hubspot, Objects({1}, names=True, partly=True), [row(0), row(1)])
    assert done.ids == {"0": "hkey-0"}
    assert (done.errors["1"].message, done.errors["1"].correlation_id) == ("bad row", "c-2")


def test_a_refusal_of_the_whole_that_is_no_400_is_raised(
    wire: responses.RequestsMock, hubspot: HubSpot
) -> None:
    wire.post(UPSERT, status=403, json=ERROR | {"category": "MISSING_SCOPES"})
    with pytest.raises(Refused):
        hubspot.upsert("2-123", [row(1), row(2)])
    assert len(wire.calls) == 1


def test_an_empty_batch_is_no_call(wire: responses.RequestsMock, hubspot: HubSpot) -> None:
    assert hubspot.upsert("2-123", []).ids == {}
    assert not wire.calls
