"""`/readyz` of real processes: whatever is killed turns it red within ten seconds, and it comes back by itself."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stack.application import Application, application
from stack.environment import Addresses, app_environment
from stack.ports import Ports
from stack.postgres import Postgres
from stack.processes import wait_until
from stack.redisserver import Redis
from stack.runs import run
from stack.services import services

RED_SECONDS = 10  # what operators are promised
BACK_SECONDS = 60


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    ports = Ports({})  # beside the servers of whoever runs this
    var: Path = tmp_path_factory.mktemp("ready")
    try:
        with run("test", keep=False, durable=False, var=var) as mine, services(mine, {}) as servers:
            addresses = Addresses.chosen(ports)
            environment = app_environment(mine, servers, addresses)
            with application(mine, servers, addresses, environment) as started:
                yield started
    finally:
        ports.release()


def said(app: Application) -> dict[str, object]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{app.addresses.web}/readyz", timeout=RED_SECONDS) as answer:
            return {"status": answer.status, **json.load(answer)}
    except urllib.error.HTTPError as answer:
        return {"status": answer.code, **json.load(answer)}


def red(app: Application, part: str) -> Callable[[], bool]:
    return lambda: said(app)["status"] == 503 and said(app)[part] not in ("ok", "unknown")


def well(app: Application) -> bool:
    return said(app)["status"] == 200


def server(app: Application, kind: type) -> Postgres | Redis:
    (found,) = [one for one in app.services.servers if isinstance(one, kind)]
    assert isinstance(found, Postgres | Redis)
    return found


def test_beat(app: Application) -> None:
    app.beat.kill()
    assert wait_until(red(app, "beat"), RED_SECONDS), said(app)
    assert said(app)["database"] == said(app)["broker"] == "ok"
    app.beat.start()
    assert wait_until(lambda: well(app), BACK_SECONDS), said(app)


@pytest.mark.parametrize(("kind", "part"), [(Redis, "broker"), (Postgres, "database")])
def test_server(app: Application, kind: type, part: str) -> None:
    """Nobody starts beat, web or workers again: they find their way back by themselves."""
    assert wait_until(lambda: well(app), BACK_SECONDS), said(app)
    found = server(app, kind)
    found.kill()
    assert wait_until(red(app, part), RED_SECONDS), said(app)
    found.start_again()
    assert wait_until(lambda: well(app), BACK_SECONDS), said(app)
    app.check()
