"""Our database backend (base.py), and how the rest reaches what it adds to Django's."""

from typing import Any

from django.db import connection


def run_prepared(name: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """The rows of a statement with `$1, $2, …` that is prepared once for each connection. A name is for ever: another
    statement needs another one."""
    backend: Any = connection
    rows: list[tuple[Any, ...]] = backend.run_prepared(name, statement, *values)
    return rows
