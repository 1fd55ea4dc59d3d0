"""Start-up checks: what they find, and that the project itself has nothing to find."""

import re
import subprocess
import sys
from collections.abc import Callable

import pytest
from django.conf import settings as project
from django.core.checks import CheckMessage, run_checks
from pytest_django import Settings

from hubsync import checks, doctor
from hubsync.flows import ACTIONS, FLOWS, HUBSPOT_EVENTS, flow


def test_the_project_has_nothing_to_find(settings: Settings) -> None:
    settings.DEBUG = True  # as make has it
    assert run_checks() == []


def test_a_flow_that_leads_nowhere_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FLOWS, "hubspot.contact.sneezed", "learners.nowhere.at_all")
    (found,) = checks.flows_resolve()
    assert found.id == "hubsync.E001"
    assert "hubspot.contact.sneezed" in found.msg


def test_a_web_process_does_not_start_with_what_a_check_refuses() -> None:
    broken = "import hubsync.flows as f; f.FLOWS['hubspot.contact.sneezed'] = 'learners.nowhere'; import hubsync.wsgi"
    done = subprocess.run(
        [sys.executable, "-c", broken], cwd=project.BASE_DIR, capture_output=True, text=True
    )
    assert done.returncode
    assert "hubsync.E001" in done.stderr
    assert "HINT" in done.stderr


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


# --- what contradicts itself --------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "value", "check", "found"),
    [
        ("CELERY_TASK_TIME_LIMIT", 300, checks.celery_obeys_the_limits, "hubsync.E003"),
        ("CELERY_BROKER_TRANSPORT_OPTIONS", {}, checks.celery_obeys_the_limits, "hubsync.E003"),
        ("HUBSPOT_APP_ID", "777", checks.scopes_are_those_of_the_app, "hubsync.E004"),
        ("TOMBSTONE_KEY", project.SECRET_KEY, checks.keys_are_keys, "hubsync.E005"),
        ("HUBSPOT_CLIENT_SECRETS", [project.SECRET_KEY], checks.keys_are_keys, "hubsync.E005"),
        ("ENCRYPTION_KEYS", project.ENCRYPTION_KEYS * 2, checks.keys_are_keys, "hubsync.E005"),
        ("ALLOWED_HOSTS", ["elsewhere.example"], checks.addresses_fit, "hubsync.E006"),
    ],
)
def test_what_contradicts_itself_is_found(
    settings: Settings, name: str, value: object, check: Callable[[], list[CheckMessage]], found: str
) -> None:
    settings.DEBUG = True
    assert check() == []
    setattr(settings, name, value)
    messages = check()
    assert {message.id for message in messages} == {found}
    assert all(message.hint for message in messages)
    assert project.SECRET_KEY not in str(messages)


@pytest.mark.parametrize("name", ["SECRET_KEY", "TOMBSTONE_KEY"])
def test_a_key_nobody_drew_is_found(settings: Settings, name: str) -> None:
    settings.SECRET_KEY, settings.TOMBSTONE_KEY = "kTbWz2Q9fLxV7nRs", "pGc4HyJm8DvNaE3u"
    assert checks.keys_are_keys() == []
    setattr(settings, name, "changeme" * 5)
    assert [message.msg for message in checks.keys_are_keys()] == [f"{name} repeats few characters."]


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("ALLOWED_HOSTS", ["*"], "hubsync.E006"),
        ("PUBLIC_URL", "https://127.0.0.1:8000", "hubsync.E007"),
        ("HUBSPOT_API_URL", "http://127.0.0.1:9000", "hubsync.E007"),
        ("HUBSPOT_APP_URL", "http://localhost:9000", "hubsync.E007"),
        ("LEARNUPON_URL", "http://127.0.0.1:9001/{subdomain}", "hubsync.E007"),
    ],
)
def test_what_must_not_be_in_production(settings: Settings, name: str, value: object, found: str) -> None:
    settings.DEBUG = False
    settings.PUBLIC_URL, settings.ALLOWED_HOSTS = "https://hubsync.example.com", [".example.com", "127.0.0.1"]
    settings.HUBSPOT_API_URL, settings.HUBSPOT_APP_URL = "https://api.hubapi.com", "https://app.hubspot.com"
    settings.LEARNUPON_URL = "https://{subdomain}.{region}"
    assert checks.addresses_fit() == []
    setattr(settings, name, value)
    assert {message.id for message in checks.addresses_fit()} == {found}


def test_every_check_is_in_the_list_and_every_listed_one_exists() -> None:
    listed = re.findall(
        r"^\| (hubsync\.\w+) \|", (project.BASE_DIR / "docs/checks.md").read_text(), re.MULTILINE
    )
    code = (project.BASE_DIR / "hubsync/checks.py").read_text()
    assert listed == [
        *sorted(set(re.findall(r"hubsync\.E\d+", code))),
        *(probe.id for probe in doctor.PROBES),
    ]
