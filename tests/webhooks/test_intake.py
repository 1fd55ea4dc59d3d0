"""Recording what arrived: everything comes back as it was given, once, whatever it holds and however often."""

import math
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from portals.lanes import Lane
from portals.models import HubSpotAccount, Portal
from tests.conftest import make_account, make_portal
from webhooks import callers, hubspot, intake, nudger, serializers
from webhooks.intake import Arrival
from webhooks.models import Delivery

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
BODIES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
MOMENTS = st.none() | st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001


@pytest.fixture(autouse=True)
def nobody_waked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nudger, "wake", lambda *arguments: None)


def same(one: Any, other: Any) -> bool:
    """jsonb keeps numbers as numbers: 1.0 comes back as 1, and the last digit of a float may round."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) or isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-15)
    return bool(one == other)


class RoundTrip(TestCase):
    @hypothesis_settings(max_examples=40)
    @given(body=st.dictionaries(TEXT, BODIES, max_size=4), word=TEXT, moment=MOMENTS)
    def test_a_delivery_is_what_arrived(
        self, body: dict[str, Any], word: str, moment: datetime | None
    ) -> None:
        account = make_account(1001, "acme.example")
        one = Arrival(
            account.pk, "hubspot.contact.deletion", Lane.LIVE, intake.key(word), occurred_at=moment, body=body,
            record_type="contact", record_id=word[:32], learnupon_user_id=2**63 - 1, enrollment_id=1, callback_id=word,
        )  # fmt: skip
        assert intake.record([one]) == {one.key}
        row = Delivery.objects.get()
        assert same(row.body, body)
        assert (row.record_id, row.callback_id, row.occurred_at) == (word[:32], word, moment)
        assert (row.learnupon_user_id, row.enrollment_id, row.portal_id) == (2**63 - 1, 1, None)
        assert (row.state, row.tell, row.claim, row.outputs, row.done_at) == (
            "waiting",
            "nothing",
            0,
            {},
            None,
        )


def arrival(account: HubSpotAccount, key: str, **more: Any) -> Arrival:
    return Arrival(account.pk, "hubspot.contact.deletion", Lane.LIVE, key, **more)


def test_a_key_is_recorded_once_within_and_across_calls(acme: HubSpotAccount, globex: HubSpotAccount) -> None:
    first = intake.record(
        [arrival(acme, "b", record_id="1"), arrival(acme, "a"), arrival(acme, "b", record_id="2")]
    )
    assert first == {"a", "b"}
    assert intake.record([arrival(acme, "b", record_id="3"), arrival(globex, "c")]) == {"c"}
    assert [row.key for row in Delivery.objects.filter(account=acme).order_by("key")] == ["a", "b"]
    assert Delivery.objects.get(key="b").record_id == "2"
    assert intake.record([]) == set()


def test_what_is_answered_at_once_is_recorded_as_finished(acme: HubSpotAccount) -> None:
    one = arrival(acme, "a")
    intake.answered_now(one, "portal_not_connected", "Connect it.", ok=False)
    intake.record([one])
    row = Delivery.objects.get()
    assert (row.state, row.tell, row.outcome, row.reason) == (
        "failed",
        "told",
        "portal_not_connected",
        "Connect it.",
    )
    assert row.outputs == {"outcome": "portal_not_connected", "message": "Connect it."}
    assert row.done_at is not None


def test_a_caller_is_known_with_its_own_live_portals(acme: HubSpotAccount, globex: HubSpotAccount) -> None:
    assert callers._read(acme.hub_id) == callers.Caller(acme.pk, acme.hub_id, True, ())
    ours, gone = make_portal(acme, "acme"), make_portal(acme, "old", number=2)
    make_portal(globex, "globex")
    Portal.objects.filter(pk=gone.pk).update(state=Portal.State.REMOVED)
    HubSpotAccount.objects.filter(pk=acme.pk).update(scopes=["automation.x"])
    assert callers._read(acme.hub_id) == callers.Caller(acme.pk, acme.hub_id, False, (("acme", ours.pk),))
    assert callers._read(4711) is None


# --- who calls ---------------------------------------------------------------------------------------------
def test_what_an_admin_connects_counts_at_once_and_is_asked_once(
    acme: HubSpotAccount, globex: HubSpotAccount, django_assert_num_queries: Any
) -> None:
    assert callers.caller(acme.hub_id, "acme") is not None  # known, and without portals
    ours, theirs = make_portal(acme, "acme"), make_portal(globex, "globex")
    found = callers.caller(acme.hub_id, "acme")
    assert found
    assert found.portal("ACME ") == (ours.pk, "")
    assert found.portal("globex") == (None, callers.OTHER_PORTAL)
    with django_assert_num_queries(0):
        assert callers.caller(acme.hub_id, "acme") is found
        assert callers.caller(acme.hub_id, "") is found
    other = callers.caller(globex.hub_id, "globex")
    assert other
    assert other.portal("") == (theirs.pk, "")


def test_what_was_removed_is_forgotten_in_a_moment(
    acme: HubSpotAccount, acme_portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callers.caller(acme.hub_id, "acme")
    Portal.objects.filter(pk=acme_portal.pk).update(state=Portal.State.REMOVED)
    later = time.monotonic() + callers.KEPT_SECONDS
    monkeypatch.setattr(time, "monotonic", lambda: later)
    found = callers.caller(acme.hub_id, "acme")
    assert found
    assert found.portal("acme") == (None, callers.OTHER_PORTAL)


def test_strangers_are_asked_for_each_time(acme: HubSpotAccount) -> None:
    assert callers.caller(4711, "") is None
    make_account(4711, "new.example")
    assert callers.caller(4711, "") is not None


# --- reading ---------------------------------------------------------------------------------------------
ODD: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers(-1, 2**64) | TEXT | st.just({}) | st.just([])
)
FIELDS: st.SearchStrategy[Any] = st.none() | st.dictionaries(
    TEXT, TEXT | st.none() | st.integers(), max_size=2
)
REQUESTS: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {
        "callbackId": st.from_regex(r"ap-[0-9]{1,5}", fullmatch=True) | ODD | st.just("é" * 151),
        "origin": st.fixed_dictionaries({"portalId": st.integers(1, 2000) | ODD}) | ODD,
        "object": st.fixed_dictionaries(
            {"objectId": st.integers(1, 2**63) | ODD},
            optional={
                "objectType": st.sampled_from(["CONTACT", "0-1", "USER", "contact", "0-2", None, [], {}]),
                "properties": FIELDS,
            },
        )
        | ODD,
    },
    optional={"inputFields": FIELDS | ODD, "context": FIELDS | ODD, "more": ODD},
)


@given(REQUESTS)
def test_what_is_read_without_the_serializer_is_what_it_would_read(data: dict[str, Any]) -> None:
    if not serializers._plain(data):
        return
    mine, careful = serializers.action_request(data), serializers._ACTION_REQUEST.run_validation(data)
    whose = callers.Caller(1, 2, True, (("acme", 3),))
    made = [hubspot.action("user-add", read, whose) for read in (mine, careful)]
    for one in made:
        one.done_at = None
    assert made[0] == made[1]
    assert mine["origin"]["portalId"] == careful["origin"]["portalId"]


def test_hubspots_own_request_is_plain() -> None:
    """Else the quick way would be no way at all."""
    documented = {
        "callbackId": "ap-102670506-56776413549-7-0",
        "origin": {"portalId": 102670506, "actionDefinitionId": 10646377, "actionDefinitionVersion": 1},
        "context": {"source": "WORKFLOWS", "workflowId": 192814114},
        "object": {"objectId": 904, "properties": {"email": "example@gmail.com"}, "objectType": "CONTACT"},
        "inputFields": {"portal": "acme"},
    }
    assert serializers._plain(documented)


# --- straight to the view ---------------------------------------------------------------------------------
def test_programs_get_no_cookie_and_cause_no_session(acme: HubSpotAccount) -> None:
    answer = Client().post("/webhooks/hubspot/events", b"[]", "application/json")
    assert answer.status_code == 401
    assert not answer.cookies
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["WWW-Authenticate"] == "HubSpot-Signature"


def test_programs_meet_the_checks_that_are_for_everybody() -> None:
    assert Client().post("/webhooks/hubspot/events", headers={"Host": "evil.example"}).status_code == 400
    missing = Client().post("/webhooks/nothing/here")
    assert (missing.status_code, missing.headers["Content-Type"]) == (404, "application/json")


def test_plain_http_is_refused_where_pages_are_redirected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "SECURE_SSL_REDIRECT", True)
    assert Client().post("/webhooks/hubspot/events").status_code == 301
