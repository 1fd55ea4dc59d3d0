"""One JSON object a line. Extra fields are taken from a list of names that carry no personal data; nothing else is."""

import json
import logging
import re
from datetime import UTC, datetime

from portals import context

ALLOWED = (
    "account", "portal", "delivery", "kind", "lane", "outcome", "reason", "attempts", "count", "seconds",
    "vendor", "method", "path", "status", "correlation_id", "task", "erasure", "walk", "retry_in", "trace", "request_id",
    "deliveries",
)  # fmt: skip
# Django quotes the address of a refused request. A portal's webhook address is one nobody could guess.
ADDRESS = re.compile(r"(?<=/webhooks/learnupon/)[\w-]+")


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": ADDRESS.sub("…", self._message(record)),
        }
        known = context.about() | vars(record)
        line |= {name: known[name] for name in ALLOWED if name in known}
        if record.exc_info and record.exc_info[0]:
            line["exception"] = self._where(record)
        return json.dumps(line, default=str)

    def _message(self, record: logging.LogRecord) -> str:
        """The message; a wrongly written one without its arguments, which logging itself would print to stderr, and
        a task's without the exception, which Celery puts into its message and database errors quote rows in."""
        task = getattr(record, "data", None)
        if isinstance(task, dict) and "exc" in task:
            return f"Task {task.get('name')} {task.get('description')}"
        try:
            return record.getMessage()
        except Exception:
            return f"{record.msg} (wrongly written)"

    def _where(self, record: logging.LogRecord) -> str:
        """The exception's type and places, without its message: messages of others may quote personal data."""
        kind, _, trace = record.exc_info or (None, None, None)
        places = []
        while trace:
            code = trace.tb_frame.f_code
            places.append(f"{code.co_filename.rsplit('/', 3)[-1]}:{trace.tb_lineno} {code.co_name}")
            trace = trace.tb_next
        return f"{kind.__name__ if kind else '?'} at " + " < ".join(reversed(places[-8:]))
