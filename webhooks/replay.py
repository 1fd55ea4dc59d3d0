"""Working again what ended badly: which deliveries an operator means, and how many of them can be."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from webhooks import claims, nudger
from webhooks.models import Delivery

AT_ONCE = 1000  # rows of one statement


@dataclass(frozen=True)
class Wanted:
    """What to work again; empty means any."""

    ids: tuple[int, ...] = ()
    hub_id: int | None = None
    kind: str = ""  # its beginning: `hubspot.action.` means every action
    reason: str = ""
    since: datetime | None = None


def failed(wanted: Wanted) -> QuerySet[Delivery]:
    """The dead letter, as far as it is meant: what ended without success. An erased person's rows are not among it."""
    rows = Delivery.objects.filter(state=Delivery.State.FAILED, kind__startswith=wanted.kind)
    rows = rows.exclude(outcome="erased")
    if wanted.ids:
        rows = rows.filter(pk__in=wanted.ids)
    if wanted.hub_id is not None:
        rows = rows.filter(account__hub_id=wanted.hub_id)
    if wanted.reason:
        rows = rows.filter(why=wanted.reason)
    if wanted.since:
        rows = rows.filter(done_at__gte=wanted.since)
    return rows


def blanked(rows: QuerySet[Delivery]) -> int:
    """How many of them cannot be worked again, because their content was kept long enough and is gone."""
    return rows.filter(body__isnull=True).count()


def summary(rows: QuerySet[Delivery]) -> Counter[tuple[str, str]]:
    """How many there are of each kind and reason."""
    return Counter(rows.filter(body__isnull=False).values_list("kind", "why"))


def again(rows: QuerySet[Delivery]) -> int:
    """Make them due, a thousand in a statement; how many were. A second run finds nothing left to do."""
    ids = list(rows.filter(body__isnull=False).order_by("pk").values_list("pk", flat=True))
    count = 0
    for begin in range(0, len(ids), AT_ONCE):
        count += claims.retry_all(Delivery.objects.filter(pk__in=ids[begin : begin + AT_ONCE]))
    for account_id, lane in set(
        Delivery.objects.filter(pk__in=ids[:AT_ONCE]).values_list("account_id", "lane")
    ):
        nudger.wake(account_id, lane)
    return count
