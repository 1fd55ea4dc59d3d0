"""Start-up checks: what they find, and that the project itself has nothing to find."""

import pytest
from django.conf import settings as project
from django.core.checks import run_checks
from pytest_django import Settings

from hubsync import checks
from hubsync.flows import ACTIONS, FLOWS, HUBSPOT_EVENTS, flow


def test_the_project_has_nothing_to_find() -> None:
    assert run_checks() == []


def test_a_flow_that_leads_nowhere_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FLOWS, "hubspot.contact.sneezed", "learners.nowhere.at_all")
    (found,) = checks.flows_resolve()
    assert found.id == "hubsync.E001"
    assert "hubspot.contact.sneezed" in found.msg


@pytest.mark.parametrize("kind", FLOWS)
def test_every_kind_has_a_function(kind: str) -> None:
    assert callable(flow(kind))


def test_the_lists_that_views_use_come_from_the_table() -> None:
    assert {"user-add", "user-invite"} <= set(ACTIONS)
    assert "contact.privacyDeletion" in HUBSPOT_EVENTS


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CALL_DEADLINE", 200),
        ("SLICE_SECONDS", 200),
        ("TASK_SECONDS", 120),
        ("CLAIM_SECONDS", 600),
        ("BROKER_VISIBILITY_SECONDS", 100),
    ],
)
def test_time_limits_out_of_order_are_found(settings: Settings, name: str, value: int) -> None:
    """Each one alone would let one thing be done twice."""
    setattr(settings, name, value)
    assert [found.id for found in checks.time_limits_are_ordered()] == ["hubsync.E002"]


def test_celery_obeys_the_same_limits() -> None:
    assert project.CELERY_TASK_TIME_LIMIT == project.TASK_SECONDS
    assert project.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"] == project.BROKER_VISIBILITY_SECONDS
