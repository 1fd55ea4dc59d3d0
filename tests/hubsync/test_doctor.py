"""`manage.py doctor`: every probe finds what it is there for, says what to do, and shows no secret."""

import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import responses
from celery import current_app
from django.conf import settings as project
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models.functions import Now
from pytest_django import Settings

from hubsync import doctor, health
from portals.clients import limiter, versions
from portals.lanes import Lane
from portals.models import HubSpotAccount, Portal
from webhooks import heartbeats
from webhooks.models import Delivery, Heartbeat

PASSWORD = "hunter2"
BY_NAME = {probe.id: probe for probe in doctor.PROBES}


@pytest.fixture
def well(
    acme_portal: Portal, globex_portal: Portal, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """An installation with nothing wrong: signs of life, portals in contact, workers that answer, HubSpot at hand."""
    settings.DEBUG = True
    for name in Heartbeat.Name:
        heartbeats.write(name)
    Portal.objects.update(last_event_at=Now())
    queues = {"worker@here": [{"name": lane} for lane in Lane.values]}
    monkeypatch.setattr(type(current_app.control.inspect()), "active_queues", lambda self: queues)
    with responses.RequestsMock(assert_all_requests_are_fired=False) as vendors:
        address = project.HUBSPOT_API_URL + versions.TOKEN
        vendors.get(address, status=405, headers={"Date": _date(0)})
        yield vendors


def _date(seconds: int) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).strftime("%a, %d %b %Y %H:%M:%S GMT")


def run() -> tuple[int, str]:
    told = io.StringIO()
    try:
        call_command("doctor", stdout=told)
    except (SystemExit, CommandError):
        return 1, told.getvalue()
    return 0, told.getvalue()


def test_nothing_wrong(well: Any) -> None:
    code, told = run()
    assert (code, told.splitlines()[-1]) == (0, "All is well."), told
    assert [line.split()[1] for line in told.splitlines()[:-1]] == list(BY_NAME)


def _age(name: str) -> Callable[[Any, Settings], None]:
    def grow_old(vendors: Any, settings: Settings) -> None:
        Heartbeat.objects.filter(name=name).update(at=Now() - timedelta(minutes=5))

    return grow_old


def _redis(vendors: Any, settings: Settings) -> None:
    settings.REDIS_URL = f"redis://:{PASSWORD}@127.0.0.1:1/0"


def _unapplied(vendors: Any, settings: Settings) -> None:
    (newest,) = MigrationLoader(connection).graph.leaf_nodes("gdpr")
    MigrationRecorder(connection).record_unapplied(*newest)


def _workers(vendors: Any, settings: Settings) -> None:
    type(current_app.control.inspect()).active_queues = lambda self: None  # type: ignore[method-assign]


def _work(vendors: Any, settings: Settings) -> None:
    Delivery.objects.create(
        account=HubSpotAccount.objects.get(hub_id=1001), kind="hubspot.action.user-add", lane="actions", key="k",
        body={}, due_at=Now() - timedelta(minutes=5),
    )  # fmt: skip


def _mail(vendors: Any, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_HOST_PASSWORD = "127.0.0.1", 1, PASSWORD


def _hubspot(vendors: Any, settings: Settings) -> None:
    vendors.reset()


def _clock(vendors: Any, settings: Settings) -> None:
    vendors.replace("GET", project.HUBSPOT_API_URL + versions.TOKEN, status=405, headers={"Date": _date(60)})


def _refused(vendors: Any, settings: Settings) -> None:
    HubSpotAccount.objects.filter(hub_id=1001).update(configuration_problem="HubSpot refuses the app.")


def _away(vendors: Any, settings: Settings) -> None:
    HubSpotAccount.objects.filter(hub_id=1002).update(state="disconnected", disconnected_reason="BAD_HUB")


def _quiet(vendors: Any, settings: Settings) -> None:
    Portal.objects.filter(subdomain="globex").update(last_event_at=Now() - timedelta(days=3))


def _static(vendors: Any, settings: Settings) -> None:
    settings.DEBUG, settings.STATIC_ROOT = False, "/nowhere"


@pytest.mark.parametrize(
    ("name", "harm", "says"),
    [
        ("hubsync.D002", _unapplied, "the first is gdpr."),
        ("hubsync.D004", _redis, "unreachable"),
        ("hubsync.D005", _age("beat"), "was last seen 300 s ago"),
        ("hubsync.D006", _age("worker"), "was last seen 300 s ago"),
        ("hubsync.D007", _workers, "actions, live, bulk"),
        ("hubsync.D008", _work, "has waited 300 s"),
        ("hubsync.D009", _mail, "no answer (ConnectionRefusedError)"),
        ("hubsync.D010", _hubspot, "The connection broke"),
        ("hubsync.D011", _clock, "apart from this machine's"),
        ("hubsync.D012", _refused, "HubSpot refuses the app."),
        ("hubsync.D013", _away, "1002 (BAD_HUB)"),
        ("hubsync.D014", _quiet, "globex of 1002"),
        ("hubsync.D015", _static, "they were not collected"),
    ],
)
def test_what_is_wrong_is_found(
    well: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str, harm: Any, says: str
) -> None:
    monkeypatch.setattr(health, "store", limiter.store.__wrapped__)  # as in a process of its own
    harm(well, settings)
    code, told = run()
    lines = told.splitlines()
    found = [place for place, line in enumerate(lines) if line.startswith(f"WRONG {name} ")]
    assert code == 1
    assert len(found) == 1, told
    assert says in lines[found[0]]
    assert lines[found[0] + 1].strip() == BY_NAME[name].hint
    assert PASSWORD not in told


def test_the_databases_clock(well: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "CLOCK_SECONDS", -1.0)
    assert "apart" in doctor.look(BY_NAME["hubsync.D003"])


def test_a_database_that_is_away_hides_nothing_else(well: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any) -> None:
        raise OperationalError(f"password={PASSWORD}")

    with monkeypatch.context() as patch:
        patch.setattr(connection, "cursor", refuse)
        patch.setattr(connection, "close", lambda: None)
        code, told = run()
    assert code == 1
    assert "WRONG hubsync.D001  The database answers: unreachable" in told
    assert "ok    hubsync.D004" in told
    assert PASSWORD not in told


def test_what_the_start_up_checks_find_is_told_too(well: Any, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["elsewhere.example"]
    code, told = run()
    assert code == 1
    assert "WRONG hubsync.E006" in told
