"""The stage for tests that run Hubsync and both worlds together."""

import logging
from collections.abc import Iterator

import pytest
import requests
from celery import Task
from django.test import override_settings
from pytest_django.live_server_helper import LiveServer

from tests.flows.stage import ACME, GLOBEX, Stage
from tests.flows.worlds import Worlds, fresh_limiter


@pytest.fixture(scope="session")
def running(django_db_setup: None) -> Iterator[tuple[str, Worlds]]:
    server = LiveServer("127.0.0.1")
    worlds = Worlds(server.url)
    worlds.start()
    yield server.url, worlds
    worlds.stop()
    server.stop()


@pytest.fixture
def empty_stage(
    running: tuple[str, Worlds], transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    """Both worlds as at their start, nothing installed."""
    url, worlds = running
    sandbox = worlds.sandbox
    worlds.do(sandbox.worlds.reset)
    worlds.do(sandbox.worlds.mails.clear)
    worlds.do(sandbox.worlds.options.update, {"time_scale": 0.001})
    fresh_limiter()
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # the sandbox's SMTP sink
    changed = override_settings(
        PUBLIC_URL=url, ALLOWED_HOSTS=["127.0.0.1", "testserver"], HUBSPOT_API_URL=sandbox.hubspot_url, HUBSPOT_APP_URL=sandbox.hubspot_url,
        LEARNUPON_URL=sandbox.learnupon_url + "/{subdomain}", EMAIL_HOST="127.0.0.1", EMAIL_PORT=sandbox.smtp_port,
        EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend", EMAIL_HOST_USER="", EMAIL_HOST_PASSWORD="",
        EMAIL_USE_TLS=False, EMAIL_USE_SSL=False, CALL_DEADLINE=3,
    )  # fmt: skip
    # Celery only carries wake-ups: here the sweeps run what they find at once, in this thread.
    monkeypatch.setattr(Task, "apply_async", lambda task, args=(), **options: task(*args))
    with changed, requests.Session() as http:
        http.trust_env = False
        stage = Stage(url, worlds, http)
        yield stage
        worlds.do(sandbox.worlds.outbox.clear)


@pytest.fixture
def stage(empty_stage: Stage) -> Stage:
    """Both accounts installed; acme and its sub-portal with the one, globex (SAML) with the other."""
    empty_stage.install(ACME)
    empty_stage.install(GLOBEX)
    empty_stage.connect("acme")
    empty_stage.connect("acme-partners")
    empty_stage.connect("globex", sso="saml")
    return empty_stage
