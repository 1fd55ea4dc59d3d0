"""Loaded by a real worker (`celery --include`), and by nobody else: deletions of one record kill whoever works them,
those of another take their time."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from hubsync import flows
from webhooks.models import Delivery
from webhooks.results import Done, Result

SLOW_SECONDS = 2.0
flows.FLOWS["hubspot.contact.deletion"] = "tests.flows.deadly.work"


def work(deliveries: list[Delivery]) -> Iterator[tuple[Delivery, Result]]:
    for delivery in deliveries:
        if delivery.record_id == os.environ["POISON"]:
            os.kill(os.getpid(), signal.SIGKILL)
        if delivery.record_id == os.environ["SLOW"]:
            Path(os.environ["AT_WORK"]).touch()
            time.sleep(SLOW_SECONDS)
        yield delivery, Done("moved")
