"""Wakes workers without ever making a request wait: wake-ups are gathered and sent by a thread of their own.

Losing one costs little: the sweep finds whatever is due within seconds.
"""

import logging
import os
import threading

from celery import current_app
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)
_pending: set[tuple[str, str, int]] = set()  # task, queue, account
_wanted = threading.Condition()
_thread_of: int | None = None  # the process whose thread runs; a forked child has none and starts its own


def wake(account_id: int, lane: str, task: str = "webhooks.drain") -> None:
    """Ask that this account's lane be worked soon. Never blocks and never fails."""
    global _thread_of
    with _wanted:
        _pending.add((task, lane, account_id))
        if _thread_of != os.getpid():
            _thread_of = os.getpid()
            threading.Thread(target=_run, name="nudger", daemon=True).start()
        _wanted.notify()


def _run() -> None:
    while True:
        with _wanted:
            while not _pending:
                _wanted.wait()
            batch = list(_pending)
            _pending.clear()
        for task, lane, account_id in sorted(batch):
            _send(task, lane, account_id)


def _send(task: str, lane: str, account_id: int) -> None:
    try:
        current_app.send_task(task, args=[account_id, lane], queue=lane, retry=False, expires=60)
    except (OperationalError, OSError):
        return  # no broker: the sweep will find the rows
    except Exception:
        logger.exception("wake-up failed")  # whatever it is, this thread must live for the next one
