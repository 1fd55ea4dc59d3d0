"""Celery's beat, and a sign of life with every tick it sent: /readyz must notice when it is gone."""

import logging
from typing import Any

from celery.beat import PersistentScheduler, ScheduleEntry
from django.db import Error, connection

from webhooks import heartbeats
from webhooks.models import Heartbeat

logger = logging.getLogger(__name__)
SIGN = "webhooks.sweep"  # the most frequent tick


class Scheduler(PersistentScheduler):
    def apply_async(self, entry: ScheduleEntry, *args: Any, **kwargs: Any) -> Any:
        """Sent first: what the broker does not take is no sign of life."""
        sent = super().apply_async(entry, *args, **kwargs)
        if entry.task == SIGN:
            try:
                heartbeats.write(Heartbeat.Name.BEAT)
            except Error:  # /readyz says by itself that the database is away; ticks go on
                connection.close()
                logger.warning("no sign of life written")
        return sent
