"""`manage.py doctor`: is this installation well, and if not, what is to be done."""

from typing import Any

from django.core.checks import run_checks
from django.core.management.base import BaseCommand

from hubsync import doctor


class Command(BaseCommand):
    help = (
        "Run the start-up checks and look at everything Hubsync needs; exits with 1 when something is wrong."
    )
    requires_system_checks = []  # it runs them itself, and goes on after what they find

    def handle(self, *args: Any, **options: Any) -> None:
        wrong = 0
        for message in run_checks():
            wrong += 1
            self._say(f"WRONG {message.id}  {message.msg}\n      {message.hint or ''}")
        for probe in doctor.PROBES:
            found = doctor.look(probe)
            wrong += bool(found)
            self._say(
                f"WRONG {probe.id}  {probe.what}: {found}\n      {probe.hint}"
                if found
                else f"ok    {probe.id}  {probe.what}"
            )
        self._say(f"{wrong} wrong" if wrong else "All is well.")
        if wrong:
            raise SystemExit(1)

    def _say(self, line: str) -> None:
        self.stdout.write(line.rstrip())
