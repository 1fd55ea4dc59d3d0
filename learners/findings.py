"""What needs an admin, found over all accounts at once: lost connections, many failures, silence, drift."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from learners.models import Cause, Enrollment, Learner
from portals.models import HubSpotAccount, Portal
from webhooks.models import Delivery

MANY = 20  # failures within a day that are worth a mail
QUIET = timedelta(days=7)  # without a word from a portal that used to speak
OURSELVES = "disconnected_here"  # an admin removed the app on our page and knows


@dataclass
class Finding:
    """One cause in one account: a line for each portal concerned."""

    account_id: int
    since: datetime | None = None  # when it began, where that is known
    lines: list[str] = field(default_factory=list)
    portals: list[int] = field(default_factory=list)


def hubspot_lost() -> list[Finding]:
    lost = HubSpotAccount.objects.filter(
        state=HubSpotAccount.State.DISCONNECTED, purged_at__isnull=True
    ).exclude(disconnected_reason=OURSELVES)
    return [
        Finding(
            account.pk, account.disconnected_at, [f"HubSpot account {account.hub_domain or account.hub_id}"]
        )
        for account in lost.only("pk", "disconnected_at", "hub_domain", "hub_id")
    ]


def learnupon_lost() -> list[Finding]:
    return _by_account((portal, portal.host) for portal in _connected(state=Portal.State.DISCONNECTED))


def failures() -> list[Finding]:
    """Requests that failed within a day, and progress that HubSpot does not take."""
    day_ago = timezone.now() - timedelta(days=1)
    failed = Delivery.objects.filter(
        state=Delivery.State.FAILED, done_at__gte=day_ago, portal__isnull=False
    ).exclude(outcome="erased")
    parked = Enrollment.objects.filter(~Q(parked_reason=""), due_at=None)
    counts = {(pk, "requests that failed since yesterday"): n for pk, n in _per_portal(failed)}
    counts |= {(pk, "course records that HubSpot does not take"): n for pk, n in _per_portal(parked)}
    portals = {portal.pk: portal for portal in _connected(pk__in={pk for pk, _ in counts})}
    return _by_account(
        (portals[pk], f"{portals[pk]}: {count} {what}")
        for (pk, what), count in sorted(counts.items())
        if pk in portals
    )


def _per_portal(rows: QuerySet[Delivery] | QuerySet[Enrollment]) -> list[tuple[int, int]]:
    counted = rows.values("portal_id").annotate(count=Count("pk")).filter(count__gte=MANY)
    return [(row["portal_id"], row["count"]) for row in counted]


def quiet() -> list[Finding]:
    """Portals whose webhooks spoke once, and say nothing any more though somebody could learn there."""
    silent = _connected(
        state=Portal.State.CONNECTED, last_event_at__lt=timezone.now() - QUIET, learners__state=Learner.State.ACTIVE
    )  # fmt: skip
    return _by_account(
        (portal, f"{portal}: the last event came on {portal.last_event_at:%-d %B %Y}")
        for portal in silent.distinct()
    )


def drifted() -> list[Finding]:
    return _by_account(
        (portal, f"{portal}: {drift['text']}")
        for portal in _connected(state=Portal.State.CONNECTED).exclude(drift=[])
        for drift in portal.drift
        if drift.get("breaks")
    )


FINDERS: dict[Cause, Callable[[], list[Finding]]] = {
    Cause.HUBSPOT_LOST: hubspot_lost,
    Cause.LEARNUPON_LOST: learnupon_lost,
    Cause.FAILURES: failures,
    Cause.QUIET: quiet,
    Cause.DRIFT: drifted,
}


def _connected(**like: object) -> QuerySet[Portal]:
    return Portal.objects.live().filter(account__state=HubSpotAccount.State.CONNECTED, **like).order_by("pk")


def _by_account(lines: Iterable[tuple[Portal, str]]) -> list[Finding]:
    found: dict[int, Finding] = {}
    for portal, line in lines:
        finding = found.setdefault(portal.account_id, Finding(portal.account_id))
        finding.lines.append(line)
        finding.portals.append(portal.pk)
    return list(found.values())
