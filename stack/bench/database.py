"""The run's database, asked directly."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg2

from stack.bench import usage


@contextmanager
def connected(url: str) -> Iterator[Any]:
    """A cursor whose statements commit at once."""
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def ask(url: str, question: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with connected(url) as cursor:
        cursor.execute(question, values)
        return list(cursor.fetchall()) if cursor.description else []


def server(url: str) -> int:
    """The process id of the server, which has every session below it."""
    with connected(url) as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return usage.parent(int(cursor.fetchone()[0]))
