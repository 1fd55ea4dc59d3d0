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


def test_a_session_whose_host_vanished_does_not_last_for_hours() -> None:
    """Would catch: the lock of a push or a token that a dead worker's session holds until TCP gives up."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, setting FROM pg_settings WHERE name LIKE 'tcp_%' OR name LIKE 'idle_in_%'"
        )
        theirs = dict(cursor.fetchall())
    on_tcp = not str(connection.settings_dict["HOST"]).startswith("/")
    waits = ("30", "10", "3", "30000") if on_tcp else ("0", "0", "0", "0")  # a socket file knows none
    keepalives = [theirs[f"tcp_keepalives_{name}"] for name in ("idle", "interval", "count")]
    assert (*keepalives, theirs["tcp_user_timeout"]) == waits
    # Longer than any call within a transaction, and than a task may take.
    assert theirs["idle_in_transaction_session_timeout"] == "120000"
    ours = connection.connection.info.dsn_parameters
    keepalives = [ours[f"keepalives_{name}"] for name in ("idle", "interval", "count")]
    assert [*keepalives, ours["tcp_user_timeout"]] == ["30", "10", "3", "30000"]
