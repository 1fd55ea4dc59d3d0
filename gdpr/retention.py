"""What is kept, and for how long: bodies for a month, rows for half a year, receipts and tombstones for good."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from portals.models import HubSpotAccount
from webhooks.models import Delivery

SLICE = 5000


def tidy() -> dict[str, int]:
    """One bounded round of everything that is due to go; how much went."""
    now = timezone.now()
    return {
        "bodies": _blank_bodies(now - timedelta(days=settings.BODY_DAYS)),
        "rows": _delete_rows(now - timedelta(days=settings.ROW_DAYS)),
        "accounts": _purge_accounts(now - timedelta(days=settings.UNINSTALL_DAYS)),
    }


def _blank_bodies(before: object) -> int:
    old = Delivery.objects.filter(received_at__lt=before, body__isnull=False).exclude(
        state=Delivery.State.WAITING
    )
    return Delivery.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:SLICE])).update(
        body=None, record_id=""
    )


def _delete_rows(before: object) -> int:
    old = Delivery.objects.filter(received_at__lt=before).exclude(state=Delivery.State.WAITING)
    return Delivery.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:SLICE])).delete()[0]


def _purge_accounts(before: object) -> int:
    """Accounts that were uninstalled that long ago; their portals' numbers and tombstones stay."""
    gone = HubSpotAccount.objects.filter(state=HubSpotAccount.State.DISCONNECTED, disconnected_at__lt=before)
    return gone.delete()[0]
