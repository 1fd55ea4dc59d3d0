"""The real processes for the browser: a database and a Redis of their own, ports of their own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from stack.application import Application, application
from stack.environment import Addresses, app_environment
from stack.ports import Ports
from stack.runs import run
from stack.services import services, set_apart

# The database server of the test run serves here too; Redis does not, because its ten first seconds are full.
SHARED = ("DATABASE_URL",)


@contextmanager
def running() -> Iterator[Application]:
    shared = {name: os.environ[name] for name in SHARED if os.environ.get(name)}
    ports = Ports({})
    try:
        with (
            run("browser", keep=False, durable=False) as mine,
            services(mine, shared) as found,
            set_apart(found) as servers,
        ):
            _known_for_long(servers.redis_url)
            addresses = Addresses.chosen(ports)
            environment = app_environment(mine, servers, addresses)
            with application(mine, servers, addresses, environment) as app:
                yield app
    finally:
        ports.release()


def _known_for_long(redis_url: str) -> None:
    """The limiter takes a Redis it has just met for full; this one is empty because it is new."""
    with redis.Redis.from_url(redis_url) as store:
        store.set("limiter:epoch", 1)
