"""The database backend that settings name: Django's, with two things that intake needs to be quick.

A kept connection is looked at instead of asked: Django asks it `SELECT 1` in every request, a round trip of its own.
And statements that every request repeats are parsed and planned once for each connection.
"""

import select
from typing import Any

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prepared: set[str] = set()

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
        with self.cursor() as cursor:
            if name not in self._prepared:
                cursor.execute(f"PREPARE {name} AS {statement}")
                self._prepared.add(name)
            cursor.execute(f"EXECUTE {name}{marks}", values)
            return list(cursor.fetchall())
