"""Log lines: JSON, fields from a closed list, and nothing that an exception's author put into its message."""

import json
import logging
import sys
from typing import Any

import pytest

from hubsync.logging import JsonFormatter
from portals import context

PERSON, TOKEN = "ann@acme.example", "pat-na1-secret"


def line(message: str = "flow failed", *args: Any, error: bool = False, **extra: Any) -> dict[str, Any]:
    logger = logging.Logger("x")
    info = sys.exc_info() if error else None
    record = logger.makeRecord("x", logging.ERROR, "f.py", 1, message, args, info, extra=extra)
    text = JsonFormatter().format(record)
    assert "\n" not in text
    parsed: dict[str, Any] = json.loads(text)
    return parsed


def test_a_line_says_what_when_and_where() -> None:
    written = line("claimed %d", 3, account=1001, count=3)
    assert written["message"] == "claimed 3"
    assert (written["level"], written["logger"], written["account"], written["count"]) == (
        "error",
        "x",
        1001,
        3,
    )
    assert written["at"].endswith("+00:00")


def test_fields_that_are_not_listed_are_left_out() -> None:
    written = json.dumps(line(email=PERSON, access_token=TOKEN, body={"email": PERSON}, request=PERSON))
    assert PERSON not in written
    assert TOKEN not in written


def test_a_portals_webhook_address_is_not_written() -> None:
    written = line("%s: %s", "Unauthorized", "/webhooks/learnupon/e1d27727-d01c-4089-b41b-18ba8e3166b1")
    assert written["message"] == "Unauthorized: /webhooks/learnupon/…"


def test_an_exceptions_message_is_not_written() -> None:
    try:
        try:
            raise KeyError(PERSON)
        except KeyError as cause:
            raise ValueError(f"bad row {PERSON} {TOKEN}") from cause
    except ValueError:
        written = line(error=True)
    assert (
        written["exception"].startswith("ValueError at test_logging.py:")
        or "test_logging.py" in written["exception"]
    )
    assert PERSON not in json.dumps(written)
    assert TOKEN not in json.dumps(written)


def test_a_value_that_json_does_not_know_does_not_stop_the_line() -> None:
    assert line(reason=object(), account={1})["reason"].startswith("<object")


def test_a_line_that_is_wrongly_written_does_not_show_its_arguments(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`logger.info("%d", email)` raises inside logging, which then prints the arguments to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logger = logging.Logger("x")
    logger.addHandler(handler)
    logger.error("count %d", PERSON)
    assert PERSON not in capsys.readouterr().err


def test_a_failed_task_is_named_without_what_its_exception_quotes() -> None:
    """Celery formats the exception into the message: `Task x raised unexpected: IntegrityError("Key (email)=…")`."""
    told = {"name": "learners.push", "description": "raised unexpected", "exc": f"Key (email)=({PERSON})"}
    written = line("Task %(name)s %(description)s: %(exc)s", told, data=told)
    assert written["message"] == "Task learners.push raised unexpected"
    assert PERSON not in json.dumps(written)


def test_django_leaves_the_writing_to_us() -> None:
    """Its own handlers write tracebacks in full, and those quote rows."""
    assert logging.getLogger("django").handlers == []


def test_a_line_says_which_delivery_and_trace_it_belongs_to() -> None:
    with context.within("work", trace="a" * 32, delivery=7):
        with context.within("call", delivery=8):
            assert (line()["trace"], line()["delivery"]) == ("a" * 32, 8)
        assert line()["delivery"] == 7
    assert "delivery" not in line()
