"""`manage.py hubspot_app`: bring hubspot-app/ in line with the code, or only say where it is not."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from hubsync.management import developer_project


class Command(BaseCommand):
    help = "Write the files of hubspot-app/ that follow from the code."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing; fail when a file is stale")
        parser.add_argument("--folder", type=Path, default=settings.BASE_DIR / "hubspot-app")

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        if not options["check"]:
            for path in developer_project.write(folder):
                self.stdout.write(f"wrote {path}")
        elif stale := developer_project.stale(folder):
            raise CommandError(f"Stale, run manage.py hubspot_app: {', '.join(stale)}")
