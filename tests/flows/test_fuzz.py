"""`make fuzz` with few cases: hostile requests at every address for programs, and then the work they left."""

import threading
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.test import override_settings

from hubsync.openapi import document
from hubsync.wsgi import application
from portals.models import Portal
from stack.fuzz.judging import Tally, reached
from stack.fuzz.target import Target
from stack.fuzz.trying import fuzz
from tests.flows.stage import ACME, GLOBEX, Stage
from webhooks.models import Delivery


@pytest.fixture
def web(stage: Stage) -> Iterator[str]:
    """The address of the application that the web process serves: the stage's own server leaves out hubsync/wsgi.py."""
    server = ThreadedWSGIServer(("127.0.0.1", 0), WSGIRequestHandler, connections_override={})
    server.set_app(application)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    with override_settings(PUBLIC_URL=url):
        yield url
    server.shutdown()
    thread.join()
    server.server_close()


def test_hostile_requests_are_answered_as_documented_and_can_be_worked(stage: Stage, web: str) -> None:
    secrets = {str(portal.webhook_id): portal.webhook_secret for portal in Portal.objects.all()}
    target = Target(
        web, document(), settings.HUBSPOT_CLIENT_SECRETS[0], (ACME, GLOBEX), secrets, tuple(stage.portals)
    )
    tallies = fuzz(target, cases=60, number=7)
    assert {tally.label: tally.problems for tally in tallies if tally.problems} == {}
    assert [tally.label for tally in tallies if not reached(tally)] == []
    stage.work()
    tried_again = Delivery.objects.filter(state="waiting", attempts__gt=0)
    assert [
        (row.kind, row.body) for row in tried_again if "mistake" in row.reason
    ] == []  # claims.failed() wrote it


def test_a_tally_sees_what_is_wrong() -> None:
    assert not reached(Tally("POST /x", True))
