"""Both worlds, the mail they send and the switches they share."""

import time
from collections.abc import Iterable
from typing import Any

from sandbox.faults import Faults
from sandbox.hubspot.snapshot import PARTS, snapshot
from sandbox.hubspot.world import HubSpotWorld
from sandbox.learnupon.world import LearnUponWorld
from sandbox.mail import MailSink
from sandbox.options import Configuration, Options
from sandbox.outbox import Outbox
from sandbox.requestlog import RequestLog


class Worlds:
    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.options = Options()
        self.faults = Faults()
        self.log = RequestLog(time.time)
        self.outbox = Outbox(self.options)
        self.mails = MailSink()
        self.hubspot = HubSpotWorld(configuration, self.options, self.outbox)
        self.learnupon = LearnUponWorld(self.options, self.outbox, self.mails)

    def reset(self) -> None:
        """Everything as at the start, installs and tokens too."""
        self.options.reset()
        self.faults.clear()
        self.log.clear()
        self.outbox.clear()
        self.hubspot.reset()
        self.learnupon.reset()

    def snapshot(self, wanted: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
        """All parts, or the named ones."""
        names = set(wanted)
        found = snapshot(self.hubspot, names or PARTS)
        if not names or names - {*PARTS, "mails"}:
            rest = self.learnupon.snapshot()
            found |= {name: rows for name, rows in rest.items() if not names or name in names}
        if not names or "mails" in names:
            found["mails"] = self.mails.mails
        return found
