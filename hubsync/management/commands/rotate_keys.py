"""Encrypt everything anew under the newest of ENCRYPTION_KEYS, while web and workers run (docs/security.md)."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portals import rotation


class Command(BaseCommand):
    help = "Put every encrypted value under the newest of ENCRYPTION_KEYS. Web and workers may go on running."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="Change nothing; fail if any value still needs an older key."
        )

    def handle(self, *args: Any, check: bool = False, **options: Any) -> None:
        if not check:
            tally = rotation.rotate(self.stdout.write)
            self.stdout.write(f"{tally.changed} values are encrypted anew.")
            if tally.unreadable:
                self.stderr.write(f"{tally.unreadable} values are opened by none of ENCRYPTION_KEYS.")
        left = rotation.outstanding()
        for place, count in left.items():
            self.stdout.write(f"{place}: {count} values still need an older key.")
        if left:
            raise CommandError("Keep the older keys in ENCRYPTION_KEYS and run rotate_keys again.")
        self.stdout.write("Every value is under the newest key; the older ones can be taken out.")
