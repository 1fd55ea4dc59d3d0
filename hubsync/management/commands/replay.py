"""`manage.py replay`: work failed deliveries again, by account, kind, reason, time or number."""

from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from portals.clients.errors import Reason
from portals.models import HubSpotAccount
from webhooks import replay


class Command(BaseCommand):
    help = "Work failed deliveries again. What HubSpot has been told of an action stays told."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("ids", nargs="*", type=int, help="numbers of deliveries")
        parser.add_argument("--account", type=int, metavar="HUB_ID", help="only of this HubSpot account")
        parser.add_argument("--kind", default="", help="only kinds that begin so, e.g. hubspot.action.")
        parser.add_argument("--reason", choices=[reason.value for reason in Reason], default="")
        parser.add_argument(
            "--since", type=_moment, help="only what failed since, e.g. 2026-05-01 or 2026-05-01T14:30"
        )
        parser.add_argument("--all", action="store_true", help="everything that failed")
        parser.add_argument("--dry-run", action="store_true", help="only say what would be done")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = replay.Wanted(
            tuple(options["ids"]), options["account"], options["kind"], options["reason"], options["since"]
        )
        if wanted == replay.Wanted() and not options["all"]:
            raise CommandError(
                "Say what to work again: numbers, --account, --kind, --reason, --since, or --all."
            )
        if wanted.hub_id and not HubSpotAccount.objects.filter(hub_id=wanted.hub_id).exists():
            raise CommandError(f"No HubSpot account {wanted.hub_id} is known.")
        rows = replay.failed(wanted)
        for (kind, why), count in sorted(replay.summary(rows).items()):
            self.stdout.write(f"{count:>8}  {kind}  {why}")
        if gone := replay.blanked(rows):
            self.stdout.write(f"{gone} more cannot be worked again: their content is no longer kept.")
        if options["dry_run"]:
            self.stdout.write(
                f"{sum(replay.summary(rows).values())} would be worked again. Nothing was changed."
            )
        else:
            self.stdout.write(f"{replay.again(rows)} are worked again.")


def _moment(text: str) -> datetime:
    """A day or a time; UTC where it names no zone."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else timezone.make_aware(moment, timezone.get_default_timezone())
