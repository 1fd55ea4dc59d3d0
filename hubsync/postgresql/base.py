"""The database backend that settings name: Django's, with two things that intake needs to be quick, and without one.

A kept connection is looked at instead of asked: Django asks it `SELECT 1` in every request, a round trip of its own.
And statements that every request repeats are parsed and planned once for each connection. But it keeps no list of what
it was asked: with DEBUG on Django keeps the text of the last 9,000 statements, of which one can carry 500 rows, so that
a worker of the sandbox's stack grew past 250 MB, with people's data in it.
"""

import select
from typing import Any

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prepared: set[str] = set()

    @property
    def queries_logged(self) -> bool:
        """Only where a test counts them."""
        return bool(self.force_debug_cursor)

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        self._prepared = set()
        return super().get_new_connection(conn_params)

    def is_usable(self) -> bool:
        """A server that closes a connection (restart, failover, idle limit) says so into it, or ends it. Nothing else
        is due from it between two requests, so whatever can be read is its farewell."""
        connection = self.connection
        if connection is None or connection.closed:
            return False
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLIN)
        return not poll.poll(0)

    def run_prepared(self, name: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of a statement with `$1, $2, …`, prepared on this connection when it is first asked for."""
        marks = f" ({', '.join(['%s'] * len(values))})" if values else ""
        with self._plain_cursor() as cursor:
            if name not in self._prepared:
                cursor.execute(f"PREPARE {name} AS {statement}")
                self._prepared.add(name)
            cursor.execute(f"EXECUTE {name}{marks}", values)
            return list(cursor.fetchall())

    def _plain_cursor(self) -> Any:
        """As in production also where DEBUG keeps and explains every statement, unless a test asks to see them."""
        if self.force_debug_cursor:
            return self.cursor()
        self.close_if_health_check_failed()
        self.ensure_connection()
        return self.make_cursor(self.create_cursor())
