"""Every portal of the account at a glance: is it connected, what is new, what waits, what fails, what is left to do."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from django.db.models import Count, Exists, OuterRef, Q
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from learners.models import Enrollment, Learner, Walk
from portals.models import HubSpotAccount, Portal, PropertyMapping
from portals.sessions import account_required
from portals.views.signed_in import SignedIn
from webhooks.models import Delivery

Counts = dict[int | None, Counter[str]]


@dataclass
class Health:
    portal: Portal
    learners: Counter[str] = field(default_factory=Counter)
    enrollments: Counter[str] = field(default_factory=Counter)
    deliveries: Counter[str] = field(default_factory=Counter)
    progress: Counter[str] = field(default_factory=Counter)
    mapped: bool = False
    walked: bool = False

    @property
    def waiting(self) -> int:
        return self.deliveries["waiting"] + self.progress["waiting"]

    @property
    def failing(self) -> int:
        return self.deliveries["failed"] + self.progress["failing"]

    @property
    def steps(self) -> list[tuple[str, bool, str, str]]:
        """What is left to set up: label, done or not, the page to do it on, what to do there."""
        listening, added = self.portal.last_event_at is not None, bool(self.learners)
        return [
            (
                "Map properties",
                self.mapped,
                "portals:mapping",
                "Choose what fills LearnUpon's custom user data.",
            ),
            ("Switch on webhooks", listening, "portals:settings", "Paste address and secret into LearnUpon."),
            (
                "Add people",
                added,
                "learners:list",
                "Put the User Add or User Invite action into a HubSpot workflow.",
            ),
            (
                "Bring in history",
                self.walked,
                "learners:backfill",
                "Read what learners finished before today.",
            ),
        ]

    @property
    def complete(self) -> bool:
        return all(done for _, done, _, _ in self.steps)


@account_required
@require_GET
def overview(request: SignedIn) -> HttpResponse:
    return render(request, "learners/overview.html", {"portals": healths(request.account)})


def healths(account: HubSpotAccount) -> list[Health]:
    portals = Portal.objects.live().filter(account=account).order_by("title", "pk").annotate(
        mapped=Exists(PropertyMapping.objects.filter(portal=OuterRef("pk"))),
        walked=Exists(Walk.objects.filter(portal=OuterRef("pk"), kind=Walk.Kind.HISTORY)),
    )  # fmt: skip
    learners = _by_state(
        Learner.objects.filter(account=account).values_list("portal", "state").annotate(Count("pk"))
    )
    enrollments = _by_state(
        Enrollment.objects.filter(account=account).values_list("portal", "status").annotate(Count("pk"))
    )
    open_deliveries = Delivery.objects.filter(account=account, state__in=["waiting", "failed"])
    deliveries = _by_state(open_deliveries.values_list("portal", "state").annotate(Count("pk")))
    progress = _progress(account)
    return [
        Health(
            portal, learners[portal.pk], enrollments[portal.pk], deliveries[portal.pk], progress[portal.pk],
            mapped=portal.mapped, walked=portal.walked,
        )
        for portal in portals
    ]  # fmt: skip


def _by_state(rows: object) -> Counts:
    found: Counts = defaultdict(Counter)
    for portal, state, count in rows:  # type: ignore[attr-defined]
        found[portal][state] += count
    return found


def _progress(account: HubSpotAccount) -> Counts:
    """Course progress that HubSpot does not have yet, by portal."""
    rows = Enrollment.objects.filter(account=account).filter(Q(due_at__isnull=False) | ~Q(parked_reason=""))
    counted = rows.values_list("portal").annotate(
        Count("pk", filter=Q(due_at__isnull=False)), Count("pk", filter=Q(due_at=None))
    )
    return defaultdict(Counter, {pk: Counter(waiting=waits, failing=fails) for pk, waits, fails in counted})
