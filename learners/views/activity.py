"""Everything that came in and what became of it; what fails or waits stands first and can be tried again."""

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from learners import allowance, push
from learners.forms import ActivityFilter
from learners.models import Enrollment
from learners.views.rows import delivery_rows, outcome_title
from learners.views.spreadsheet import spreadsheet
from learners.views.wording import kind_name
from portals import audit, reasons
from portals.models import Portal
from portals.sessions import account_required, portal_or_404
from portals.templatetags.pages import zone
from portals.views.signed_in import SignedIn, portal_page
from portals.views.window import window
from webhooks import claims
from webhooks.models import Delivery

FIRST = 10  # failing and waiting rows shown above the rest
AT_ONCE = 1000  # rows that one press of "retry all" takes
CSV_HEAD = (
    "Received (UTC)", "What", "State", "Result", "Why", "Reason", "Record type", "Record id", "LearnUpon user id",
    "Enrollment id", "Attempts", "Next try (UTC)", "Correlation id",
)  # fmt: skip


def deliveries_of(portal: Portal) -> QuerySet[Delivery]:
    """What came for this portal, and what concerns the account as a whole (a deletion names no portal)."""
    return Delivery.objects.filter(Q(portal=portal) | Q(portal=None), account=portal.account)


def parked_of(portal: Portal) -> QuerySet[Enrollment]:
    return Enrollment.objects.filter(portal=portal, due_at=None).exclude(parked_reason="")


def matching(request: SignedIn, portal: Portal, filters: ActivityFilter) -> QuerySet[Delivery]:
    return filters.narrow(deliveries_of(portal), zone(request.account))


@account_required
@require_GET
def activity(request: SignedIn, portal_id: int) -> HttpResponse:
    portal = portal_or_404(request, portal_id)
    filters = ActivityFilter(request.GET)
    rows = matching(request, portal, filters)
    page = window(rows, request.GET, by="received_at")
    first = not filters.active and not {"before", "after"} & request.GET.keys()
    log = delivery_rows(portal, page.rows)
    context = {"filters": filters, "page": page, "log": log, "tryable": any(row.tryable for row in log)}
    if first:
        context |= _attention(portal)
    return portal_page(request, portal, "learners/activity.html", "activity", **context)


def _attention(portal: Portal) -> dict[str, Any]:
    rows = deliveries_of(portal)
    parked = parked_of(portal).select_related("learner").order_by("-changed_at")
    return {
        "failing": delivery_rows(
            portal, rows.filter(state=Delivery.State.FAILED).order_by("-received_at")[:FIRST]
        ),
        "waiting": delivery_rows(
            portal, rows.filter(state=Delivery.State.WAITING).order_by("due_at")[:FIRST]
        ),
        "parked": list(parked[:FIRST]),
        "allowance": allowance.wait_of(portal),
    }


@account_required
@require_POST
def retry(request: SignedIn, portal_id: int) -> HttpResponse:
    """Those that were picked; or all that fail and match the filter, which without a filter means everything."""
    portal = portal_or_404(request, portal_id)
    filters = ActivityFilter(request.POST)
    parked = parked_of(portal)
    if request.POST.get("all") == "1":
        deliveries = matching(request, portal, filters).filter(claims.tryable(), state=Delivery.State.FAILED)
        if not filters.is_valid() or filters.active:
            parked = parked.none()
        if not filters.is_valid():
            deliveries = deliveries.none()
    else:
        deliveries = deliveries_of(portal).filter(claims.tryable(), pk__in=_ids(request, "delivery"))
        parked = parked.filter(pk__in=_ids(request, "enrollment"))
    count = _retry(portal, deliveries[:AT_ONCE], parked[:AT_ONCE])
    audit.record(request.account, request.actor, "tried again", portal, count=count)
    messages.success(request, _said(count))
    return redirect("learners:activity", portal.pk)


def _said(count: int) -> str:
    if not count:
        return "Nothing was chosen, or it has been done meanwhile."
    more = " There may be more: press again for the rest." if count >= AT_ONCE else ""
    return f"{count} tried again.{more}"


def _ids(request: SignedIn, name: str) -> list[int]:
    return [
        int(value) for value in request.POST.getlist(name)[:AT_ONCE] if value.isdecimal() and len(value) < 19
    ]


def _retry(portal: Portal, deliveries: QuerySet[Delivery], parked: QuerySet[Enrollment]) -> int:
    again = sum(claims.retry(delivery) for delivery in deliveries)
    enrollments = list(parked.values_list("pk", flat=True))
    if enrollments:
        push.retry(portal.account, enrollments)
    return again + len(enrollments)


@account_required
@require_GET
def export(request: SignedIn, portal_id: int) -> StreamingHttpResponse:
    portal = portal_or_404(request, portal_id)
    rows = matching(request, portal, ActivityFilter(request.GET)).order_by("-received_at", "-pk")
    return spreadsheet(f"activity-{portal.subdomain}", CSV_HEAD, _csv_rows(rows))


def _csv_rows(rows: QuerySet[Delivery]) -> Iterator[tuple[Any, ...]]:
    for row in rows.defer("body").iterator(chunk_size=2000):
        waits = row.state == Delivery.State.WAITING
        yield (
            row.received_at, kind_name(row.kind), row.get_state_display(), outcome_title(row), reasons.title(row.why), row.reason,
            row.record_type, row.record_id, row.learnupon_user_id, row.enrollment_id, row.attempts,
            row.due_at if waits else None, row.correlation_id,
        )  # fmt: skip
