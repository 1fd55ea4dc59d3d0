"""Celery: the fast path. Every task can be lost, because what is due stands in PostgreSQL and is swept up."""

import os
from typing import Any

from celery import Celery
from celery.schedules import schedule
from celery.signals import beat_init, setup_logging, worker_init, worker_process_init, worker_process_shutdown

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hubsync.settings")

app = Celery("hubsync")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
def _prime_limiter(**kwargs: Any) -> None:
    from portals.clients import limiter

    limiter.prime()


@worker_process_init.connect
def _observe_worker(**kwargs: Any) -> None:
    from hubsync import telemetry

    telemetry.start("worker")


@worker_process_shutdown.connect
def _end_worker(**kwargs: Any) -> None:
    from hubsync import telemetry

    telemetry.flush()


@beat_init.connect
def _observe_beat(**kwargs: Any) -> None:
    from hubsync import telemetry

    telemetry.start("beat")


@setup_logging.connect
def _use_django_logging(**kwargs: Any) -> None:
    from logging.config import dictConfig

    from django.conf import settings

    dictConfig(settings.LOGGING)


@app.on_after_finalize.connect
def _schedule(sender: Celery, **kwargs: Any) -> None:
    from django.conf import settings

    def every(seconds: float, task: str, queue: str = "live") -> None:
        # A tick that nobody took in time is worthless: the next one does the same.
        expires = max(seconds * 3, settings.WAKE_SECONDS)
        sender.add_periodic_task(
            schedule(seconds), sender.signature(task), name=task, queue=queue, expires=expires
        )

    # What finds lost work of every lane must wait behind none of it.
    every(settings.SWEEP_SECONDS, "webhooks.sweep", queue="privacy")
    every(settings.SWEEP_SECONDS, "learners.sweep")
    every(settings.SWEEP_SECONDS, "gdpr.sweep", queue="privacy")
    every(30, "portals.tend")
    every(600, "portals.watch_drift", queue="bulk")
    every(600, "learners.notices", queue="bulk")
    every(3600, "gdpr.retention", queue="bulk")
