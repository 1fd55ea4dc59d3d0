"""What happened how often: counted in each process, summed in Redis, read by hubsync/metrics.py.

Counting is an addition in memory; a thread of its own carries the sums to Redis every few seconds, so that neither a
request nor a worker waits for it. Redis adds up all processes of all machines. When it loses its data the sums begin
anew, which Prometheus knows how to read. Labels come from short closed lists: never a tenant, never a person.
"""

import atexit
import os
import threading
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import redis
from celery.signals import worker_process_shutdown

from portals.clients.limiter import store

KEY = "hubsync:counters"
FLUSH_SECONDS = 2.0
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20)
LONG = (0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 21_600, 86_400)


@dataclass(frozen=True)
class Counter:
    text: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()  # a histogram's upper bounds; none for a plain counter


COUNTERS: dict[str, Counter] = {
    "hubsync_requests": Counter("Requests answered, by who calls and status class.", ("source", "status")),
    "hubsync_request_seconds": Counter("Time to answer, by who calls.", ("source",), SECONDS),
    "hubsync_received": Counter("Deliveries that arrived; a repeat changed nothing.", ("kind", "answer")),
    "hubsync_outcomes": Counter("How working a delivery ended; `later` is tried again.", ("kind", "outcome")),
    "hubsync_delivery_seconds": Counter("From arrival to the end of the work.", ("lane",), LONG),
    "hubsync_freshness_seconds": Counter("From arrival to standing in HubSpot.", ("lane",), LONG),
    "hubsync_pushed_rows": Counter("App-object rows sent to HubSpot, by what it made of them.", ("result",)),
    "hubsync_callbacks": Counter("Answers to blocked workflow steps.", ("result",)),
    "hubsync_vendor_calls": Counter("HTTP calls made, by vendor and status class.", ("vendor", "status")),
    "hubsync_vendor_seconds": Counter("How long they took.", ("vendor",), SECONDS),
    "hubsync_budget_granted": Counter("Calls that HubSpot's budget allowed at once or soon.", ("lane",)),
    "hubsync_budget_refused": Counter("Calls that have to come back when there is budget.", ("lane",)),
    "hubsync_token_refreshes": Counter("Renewals of HubSpot access tokens.", ("result",)),
}

_pending: dict[str, float] = defaultdict(float)
_wanted = threading.Condition()
_thread_of: int | None = None  # the process whose thread runs; a forked child starts its own


def count(name: str, *labels: str, by: float = 1) -> None:
    """Add to a counter."""
    _add({_field(name, labels): by})


def observe(name: str, value: float, *labels: str, times: int = 1) -> None:
    """Add to a histogram."""
    bounds = COUNTERS[name].buckets
    place = bisect_left(bounds, value)
    bound = f"{bounds[place]:g}" if place < len(bounds) else "+Inf"
    _add({
        _field(name, (*labels, bound)): times, _field(f"{name}_sum", labels): max(value, 0.0) * times
    })  # fmt: skip


def _field(name: str, labels: tuple[str, ...]) -> str:
    return "|".join((name, *labels))


def _add(amounts: dict[str, float]) -> None:
    global _thread_of
    with _wanted:
        for field, amount in amounts.items():
            _pending[field] += amount
        if _thread_of != os.getpid():
            _thread_of = os.getpid()
            threading.Thread(target=_run, name="counters", daemon=True).start()
        _wanted.notify()


def _run() -> None:
    pause = threading.Event()
    while True:
        with _wanted:
            while not _pending:
                _wanted.wait()
        pause.wait(FLUSH_SECONDS)
        flush()


def flush() -> None:
    """Carry what was counted to Redis; where it cannot be reached, keep it for the next time."""
    with _wanted:
        taken = dict(_pending)
        _pending.clear()
    if not taken:
        return
    try:
        with store().pipeline(transaction=True) as pipeline:
            for field, amount in taken.items():
                pipeline.hincrbyfloat(KEY, field, amount)
            pipeline.execute()
    except redis.RedisError:
        with _wanted:
            for field, amount in taken.items():
                _pending[field] += amount


def totals() -> dict[str, float]:
    """Field -> sum over all processes."""
    sums: dict[str, str] = store().hgetall(KEY)  # type: ignore[assignment]
    return {field: float(amount) for field, amount in sums.items()}


def _forked() -> None:
    """What the parent counted is the parent's to carry."""
    global _wanted
    _wanted = threading.Condition()
    _pending.clear()


@worker_process_shutdown.connect
def _ending(**kwargs: Any) -> None:
    flush()


os.register_at_fork(after_in_child=_forked)
atexit.register(flush)
