"""Our own database, read only: what no page and no vendor shows."""

from typing import Any

import psycopg2
import psycopg2.extras

Row = dict[str, Any]


class Database:
    def __init__(self, url: str) -> None:
        self.url = url

    def rows(self, question: str, *values: object) -> list[Row]:
        connection = psycopg2.connect(self.url, connect_timeout=10)
        try:
            with connection, connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
                cursor.execute(question, values)
                return [dict(row) for row in cursor.fetchall()]
        finally:
            connection.close()

    def count(self, question: str, *values: object) -> int:
        return int(next(iter(self.rows(question, *values)[0].values())))

    def texts(self) -> dict[str, list[str]]:
        """Every row of every table of ours as text."""
        tables = self.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        names = [str(row["tablename"]) for row in tables]
        asked = {name: self.rows(f'SELECT t::text AS row FROM "{name}" AS t') for name in names}  # noqa: S608
        return {name: [str(row["row"]) for row in rows] for name, rows in asked.items()}
