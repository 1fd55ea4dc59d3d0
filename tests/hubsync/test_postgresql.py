"""Our database backend: a kept connection that the server closed is noticed, and statements are prepared anew."""

from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest
from django.db import close_old_connections, connection

from hubsync.postgresql import run_prepared

pytestmark = pytest.mark.django_db(transaction=True)
PID = "SELECT pg_backend_pid()"
TWICE = "SELECT $1::int * 2"


@pytest.fixture
def outsider() -> Iterator[Any]:
    """A session of an administrator's."""
    given = connection.settings_dict
    found = psycopg2.connect(
        dbname=given["NAME"], user=given["USER"], password=given["PASSWORD"], host=given["HOST"], port=given["PORT"]
    )  # fmt: skip
    found.autocommit = True
    yield found
    found.close()


def end_our_session(outsider: Any) -> int:
    """As a restart or a failover does; back when the server has said so."""
    (number,) = run_prepared("pid", PID)[0]
    with outsider.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [number])
        assert cursor.fetchone() == (True,)
    return int(number)


def test_a_connection_that_the_server_closed_costs_no_request(outsider: Any) -> None:
    """Also the statements: a new connection knows none of those that were prepared."""
    assert run_prepared("twice", TWICE, 21) == [(42,)]
    ended = end_our_session(outsider)
    close_old_connections()  # what Django does when a request begins
    assert run_prepared("twice", TWICE, 4) == [(8,)]
    assert run_prepared("pid", PID) != [(ended,)]


def test_a_living_connection_is_kept() -> None:
    before = run_prepared("pid", PID)
    for _ in range(3):
        close_old_connections()
        assert connection.is_usable()
        assert run_prepared("pid", PID) == before
