"""Every portal of the account at a glance: is it connected, what is new, what waits, what fails, what is left to do."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from learners.models import Enrollment, Learner, Walk
from learners.views import checklist
from learners.views.checklist import Step
from learners.views.counted import counted
from learners.views.freshness import midnight, p95, span
from portals import consent, realm
from portals.models import HubSpotAccount, Portal, PropertyMapping
from portals.sessions import account_required
from portals.templatetags.pages import zone
from portals.views.signed_in import SignedIn
from webhooks.models import Delivery

Counts = dict[int | None, Counter[str]]
Row = tuple[int | None, str, int]  # portal, state, how many


@dataclass
class Health:
    portal: Portal
    learners: Counter[str] = field(default_factory=Counter)
    enrollments: Counter[str] = field(default_factory=Counter)
    deliveries: Counter[str] = field(default_factory=Counter)
    progress: Counter[str] = field(default_factory=Counter)
    mapped: bool = False
    walked: bool = False
    p95: float | None = None  # seconds

    @property
    def freshness(self) -> str:
        return span(self.p95) if self.p95 is not None else ""

    @property
    def waiting(self) -> int:
        return self.deliveries["waiting"] + self.progress["waiting"]

    @property
    def failing(self) -> int:
        return self.deliveries["failed"] + self.progress["failing"]

    @property
    def steps(self) -> list[Step]:
        people = bool(self.learners)
        return checklist.of_portal(self.portal, mapped=self.mapped, people=people, walked=self.walked)

    @property
    def complete(self) -> bool:
        return all(step.done for step in self.steps)


@account_required
@require_GET
def overview(request: SignedIn) -> HttpResponse:
    found = healths(request.account)
    context = {
        "portals": found,
        "proposals": realm.proposals([health.portal for health in found]),
        "not_given": consent.missing(request.account, "conditional"),
    }
    return render(request, "learners/overview.html", context)


def healths(account: HubSpotAccount) -> list[Health]:
    portals: Iterable[Any] = (
        Portal.objects.live()
        .filter(account=account)
        .select_related("account")
        .annotate(
            mapped=Exists(PropertyMapping.objects.filter(portal=OuterRef("pk"))),
            walked=Exists(
                Walk.objects.filter(portal=OuterRef("pk"), kind=Walk.Kind.HISTORY).exclude(
                    state__in=[Walk.State.CANCELLED, Walk.State.FAILED]
                )
            ),
        )
        .order_by("title", "pk")
    )
    learners = _by_portal(_count(Learner.objects.filter(account=account), "state"))
    enrollments, p95_today = sums(account)
    open_ones = Delivery.objects.filter(account=account, state__in=["waiting", "failed"])
    deliveries = _by_portal(_count(open_ones, "state"))
    progress = _progress(account)
    return [
        Health(
            portal,
            learners[portal.pk],
            enrollments[portal.pk],
            deliveries[portal.pk],
            progress[portal.pk],
            mapped=portal.mapped,
            walked=portal.walked,
            p95=p95_today.get(portal.pk),
        )
        for portal in portals
    ]


def sums(account: HubSpotAccount) -> tuple[Counts, dict[int, float]]:
    """Enrollments by portal and status, and how quick today's changes were by portal."""
    since = midnight(zone(account))
    rows = Enrollment.objects.filter(account=account)
    key = f"overview-{account.pk}"
    statuses, quick = counted(
        account, key, since.isoformat(), lambda: (_count(rows, "status"), p95(account, since))
    )
    return _by_portal(statuses), dict(quick)


def _count(rows: QuerySet[Any], by: str) -> list[Row]:
    return list(rows.values_list("portal", by).annotate(count=Count("*")))


def _by_portal(rows: Iterable[Row]) -> Counts:
    found: Counts = defaultdict(Counter)
    for portal, state, count in rows:
        found[portal][state] += count
    return found


def _progress(account: HubSpotAccount) -> Counts:
    """Course progress that HubSpot does not have yet, by portal."""
    rows = Enrollment.objects.filter(account=account).filter(Q(due_at__isnull=False) | ~Q(parked_reason=""))
    counted = rows.values("portal").annotate(
        waiting=Count("pk", filter=Q(due_at__isnull=False)), failing=Count("pk", filter=Q(due_at=None))
    )
    found: Counts = defaultdict(Counter)
    for row in counted:
        found[row["portal"]].update(waiting=row["waiting"], failing=row["failing"])
    return found
