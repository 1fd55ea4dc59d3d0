"""Signs of life, by the database's clock: beat writes when it ticks, a worker when it takes a tick."""

from django.db import connection

from webhooks.models import Heartbeat

_WRITE = """
INSERT INTO webhooks_heartbeat (name, at) VALUES (%s, now()) ON CONFLICT (name) DO UPDATE SET at = excluded.at
"""


def write(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, [name])


def ages() -> dict[str, float]:
    """Name -> seconds since its last sign."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT name, extract(epoch FROM now() - at) FROM {Heartbeat._meta.db_table}")  # noqa: S608
        return {str(name): float(age) for name, age in cursor.fetchall()}
