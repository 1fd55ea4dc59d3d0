"""CSV for spreadsheets, streamed, and harmless when a spreadsheet opens it."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.http import StreamingHttpResponse

# A cell that begins so is read as a formula: https://owasp.org/www-community/attacks/CSV_Injection
_SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20"
_UNSEEN = r"[\s\"\x00-\x1f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]*"
FORMULA = re.compile(rf"{_UNSEEN}[{_SIGNS}]|[\t\r\n]")
# Where a spreadsheet separates by semicolons or tabs, a cell of ours begins anew behind each of them.
INNER = re.compile(rf"([;\t\r\n]{_UNSEEN})([{_SIGNS}])")


class _Echo:
    """csv.writer wants somewhere to write; this hands the line back instead."""

    def write(self, line: str) -> str:
        return line


def cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, int | float):
        return str(value)
    text = INNER.sub(r"\1'\2", str(value))
    return f"'{text}" if FORMULA.match(text) else text


def spreadsheet(name: str, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> StreamingHttpResponse:
    writer = csv.writer(_Echo())

    def lines() -> Iterator[str]:
        yield "\ufeff"  # without it, Excel reads UTF-8 as something else
        yield writer.writerow(head)
        for row in rows:
            yield writer.writerow([cell(value) for value in row])

    return StreamingHttpResponse(
        lines(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"', "Cache-Control": "no-store"},
    )
