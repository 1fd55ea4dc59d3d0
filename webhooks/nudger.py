"""Wakes workers without ever making a request wait: wake-ups are gathered and sent by a thread of their own.

Losing one costs little: the sweep finds whatever is due within seconds. No more than one of a kind waits in its
queue: a burst of a thousand requests would else put a thousand of its own before every neighbour's.
"""

import logging
import os
import threading
import time
from typing import Any

import redis
from celery import current_app
from celery.signals import task_prerun
from django.conf import settings
from kombu.exceptions import OperationalError

from portals.clients.limiter import store

PAUSE_SECONDS = 0.01
QUEUED_SECONDS = 10  # how long a wake-up that was lost on the way keeps others from being sent
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
        time.sleep(PAUSE_SECONDS)  # what comes meanwhile is gathered


def _send(task: str, lane: str, account_id: int) -> None:
    try:
        if not store().set(_mark(task, lane, account_id), 1, nx=True, ex=QUEUED_SECONDS):
            return  # one waits in the queue, and will see what this one was about
        expires = settings.WAKE_SECONDS
        current_app.send_task(task, args=[account_id, lane], queue=lane, retry=False, expires=expires)
    except (OperationalError, OSError, redis.RedisError):
        return  # no broker: the sweep will find the rows
    except Exception:
        logger.exception("wake-up failed")  # whatever it is, this thread must live for the next one


def _mark(task: str, lane: str, account_id: int) -> str:
    return f"nudged:{task}:{lane}:{account_id}"


@task_prerun.connect
def _begun(task: Any = None, args: Any = (), **kwargs: Any) -> None:
    """It has left the queue: what comes from now on may be missed by it, and needs another."""
    if len(args or ()) != 2:
        return
    account_id, lane = args
    try:
        store().delete(_mark(task.name, lane, account_id))
    except redis.RedisError:
        return  # it ends by itself
