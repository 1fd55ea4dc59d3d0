"""`manage.py account HUB_ID`: one page of truth about a customer; no personal data, no secrets."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hubsync.management import customer
from portals.models import HubSpotAccount


class Command(BaseCommand):
    help = "Show how a HubSpot account is doing: connection, budget, portals, what waits and fails, erasures."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("hub_id", type=int)

    def handle(self, *args: Any, hub_id: int, **options: Any) -> None:
        account = HubSpotAccount.objects.filter(hub_id=hub_id).first()
        if account is None:
            raise CommandError(f"No HubSpot account {hub_id} has ever installed the app here.")
        for line in customer.page(account):
            self.stdout.write(line)
