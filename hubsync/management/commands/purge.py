"""`manage.py purge HUB_ID`: delete an uninstalled account now, as retention would later (docs/running.md)."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from gdpr import retention
from portals.models import HubSpotAccount


class Command(BaseCommand):
    help = (
        "Delete everything of an uninstalled HubSpot account but its receipts, tombstones and portal numbers."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("hub_id", type=int)
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, hub_id: int, yes: bool, **options: Any) -> None:
        account = HubSpotAccount.objects.filter(hub_id=hub_id).first()
        if account is None:
            raise CommandError(f"No HubSpot account {hub_id} has ever installed the app here.")
        if account.connected:
            raise CommandError(
                f"{account} still has the app installed. It is uninstalled in HubSpot, or by the customer on the "
                "privacy page; then run this again."
            )
        if account.purged_at:
            self.stdout.write(f"{account} was purged before; nothing was done.")
            return
        if not yes and not self._confirmed(account):
            raise CommandError("That is another number; nothing was deleted.")
        retention.purge(account)
        account.refresh_from_db()
        if not account.purged_at:
            raise CommandError(f"{account} was installed again in the meantime; nothing was deleted.")
        self.stdout.write(f"{account} is purged. Its receipts, tombstones and portal numbers are kept.")

    def _confirmed(self, account: HubSpotAccount) -> bool:
        self.stdout.write(f"All portals, links, progress and deliveries of {account} are deleted for good.")
        return input("Type the account's number to go on: ").strip() == str(account.hub_id)
