"""Putting every encrypted value under the newest key while web and workers go on.

Rows are taken in small batches under the same kind of lock a token refresh takes, and read anew under it, so a token
stored meanwhile is what is encrypted again. A row that somebody holds is left for the next pass.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cryptography.fernet import InvalidToken
from django.apps import apps
from django.conf import settings
from django.db import connection, transaction

from portals.fields import EncryptedTextField, decrypt, encrypt, mark

BATCH = 100
PASSES = 30  # a row held for a whole token refresh is free again well within these
PAUSE_SECONDS = 1.0


@dataclass(frozen=True)
class Table:
    """One table and its encrypted columns, as SQL names."""

    name: str
    columns: tuple[str, ...]

    @property
    def stale(self) -> str:
        """True of a row with a value that needs an older key; one parameter, the newest key's mark, for each column."""
        return " OR ".join(f"({column} <> '' AND NOT starts_with({column}, %s))" for column in self.columns)

    def marks(self) -> list[str]:
        return [mark(settings.ENCRYPTION_KEYS[0])] * len(self.columns)


@dataclass
class Tally:
    changed: int = 0
    unreadable: int = 0


def tables() -> Iterator[Table]:
    """Every table with an encrypted column; a new model is found by itself."""
    for model in apps.get_models():
        fields = [field for field in model._meta.concrete_fields if isinstance(field, EncryptedTextField)]
        if fields:
            quote = connection.ops.quote_name
            yield Table(quote(model._meta.db_table), tuple(quote(str(field.column)) for field in fields))


def outstanding() -> dict[str, int]:
    """`table.column` -> how many values still need another key than the newest; those with none are left out."""
    found: dict[str, int] = {}
    with connection.cursor() as cursor:
        for table in tables():
            for column in table.columns:
                one = Table(table.name, (column,))
                cursor.execute(f"SELECT count(*) FROM {table.name} WHERE {one.stale}", one.marks())  # noqa: S608  (names of our own models)
                if count := cursor.fetchone()[0]:
                    found[f"{table.name}.{column}".replace('"', "")] = count
    return found


def rotate(say: Callable[[str], None]) -> Tally:
    """Encrypt every value anew that is not under the newest key. Can be stopped and run again at any time."""
    tally = Tally()
    for attempt in range(PASSES):
        tally.unreadable = 0
        for table in tables():
            _pass(table, tally, say)
        if sum(outstanding().values()) <= tally.unreadable:
            break
        if attempt < PASSES - 1:
            say("Some rows are being written right now; they are tried again.")
            time.sleep(PAUSE_SECONDS)
    return tally


def _pass(table: Table, tally: Tally, say: Callable[[str], None]) -> None:
    last = 0
    while rows := _batch(table, last, tally):
        last = rows[-1]
        say(f"{table.name.strip(chr(34))}: up to row {last}, {tally.changed} values changed so far")


def _batch(table: Table, after: int, tally: Tally) -> list[int]:
    """One short transaction; the numbers of the rows it looked at."""
    names = ", ".join(table.columns)
    wanted = (
        f"SELECT id, {names} FROM {table.name} WHERE id > %s AND ({table.stale}) "  # noqa: S608  (names of our own models)
        f"ORDER BY id LIMIT {BATCH} FOR NO KEY UPDATE SKIP LOCKED"
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(wanted, [after, *table.marks()])
        rows = cursor.fetchall()
        for number, *values in rows:
            for column, value in zip(table.columns, values, strict=True):
                if not value or value.startswith(mark(settings.ENCRYPTION_KEYS[0])):
                    continue
                try:
                    anew = encrypt(decrypt(value))
                except InvalidToken:
                    tally.unreadable += 1
                    continue
                cursor.execute(f"UPDATE {table.name} SET {column} = %s WHERE id = %s", [anew, number])  # noqa: S608
                tally.changed += 1
    return [row[0] for row in rows]
