"""A limiter whose windows are known to be empty, the sandbox as the app's vendors, and servers that misbehave."""

from collections.abc import Callable, Iterator

import pytest
from pytest_django import Settings

from portals.clients import limiter
from portals.models import HubSpotAccount
from tests.portals.sockets import Script, SocketServer
from tests.portals.vendors import Vendors


@pytest.fixture
def clean_limiter() -> Iterator[None]:
    """Nothing granted yet, in a Redis that has been up for long. The database is this test run's own."""
    limiter.store().flushdb()
    limiter.store().set("limiter:epoch", 1)
    yield
    limiter.store().flushdb()


@pytest.fixture(scope="package")
def running_vendors() -> Iterator[Vendors]:
    running = Vendors()
    running.start()
    yield running
    running.stop()


@pytest.fixture
def vendors(running_vendors: Vendors, settings: Settings, clean_limiter: None) -> Vendors:
    """Both vendors as at the start, where the app's settings say they are."""
    running_vendors.fresh()
    running_vendors.point(settings)
    return running_vendors


@pytest.fixture
def installed(vendors: Vendors, acme: HubSpotAccount, globex: HubSpotAccount) -> HubSpotAccount:
    """Acme with a grant that the sandbox knows; so has globex."""
    for account in (acme, globex):
        vendors.grant(account)
    return acme


@pytest.fixture
def serve(settings: Settings) -> Iterator[Callable[[Script], SocketServer]]:
    """A server that plays a script on each connection, where HubSpot's API is expected."""
    running: list[SocketServer] = []

    def start(script: Script) -> SocketServer:
        server = SocketServer(script)
        running.append(server)
        settings.HUBSPOT_API_URL = server.url
        return server

    yield start
    for server in running:
        server.stop()
