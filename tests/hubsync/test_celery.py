"""Wake-ups between machines whose clocks differ."""

from typing import Any

import pytest
from celery import current_app

from hubsync.celery import app
from portals.clients.limiter import store
from webhooks import nudger

APART = 4 * 60  # the worst the fault suite plays; Celery judges an expiry by the taker's clock


def test_a_tick_outlives_clocks_that_are_minutes_apart() -> None:
    """With a beat four minutes behind, no sweep would ever be run."""
    app.finalize()
    assert app.conf.beat_schedule
    for name, entry in app.conf.beat_schedule.items():
        assert entry["options"]["expires"] > APART, name


def test_so_does_a_wake_up(monkeypatch: pytest.MonkeyPatch) -> None:
    store().delete(nudger._mark("webhooks.drain", "live", 1))
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(current_app, "send_task", lambda task, **options: sent.append(options))
    nudger._send("webhooks.drain", "live", 1)
    assert [options["expires"] > APART for options in sent] == [True]
