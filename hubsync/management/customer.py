"""One page of truth about a customer, for the terminal: states, counts and times. It names no person, holds no secret,
and leaves out what vendors said in their own words, which may quote either."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, Q, QuerySet
from django.utils import timezone

from gdpr.models import Erasure, ErasureStep
from learners.models import Enrollment, Learner, ReviewItem, Walk
from learners.views.freshness import span
from portals import oauth, reasons
from portals.clients import breaker, limiter
from portals.clients.breaker import Vendor
from portals.models import AuditEntry, HubSpotAccount, Portal
from webhooks.models import Delivery

EVENTS = 5  # latest shown


def page(account: HubSpotAccount) -> Iterator[str]:
    parts = {
        str(account): _account(account),
        "Scopes": _scopes(account),
        "HubSpot's budget, now": _budget(account),
        "Vendors": _vendors(account),
        "Portals": _portals(account),
        "Deliveries": _deliveries(account),
        "Course progress": _progress(account),
        "Latest events": _events(account),
        "Erasures": _erasures(account),
        "Latest acts": _acts(account),
    }
    for title, lines in parts.items():
        yield f"\n{title}"
        yield from (f"  {line}" for line in lines)


def ago(moment: datetime | None) -> str:
    if moment is None:
        return "never"
    seconds = (timezone.now() - moment).total_seconds()
    return f"{span(seconds)} ago" if seconds >= 0 else f"in {span(-seconds)}"


def _counts(rows: QuerySet[Any], *by: str) -> list[str]:
    """How many rows there are by these columns, the most first."""
    found = rows.order_by().values_list(*by).annotate(count=Count("pk")).order_by("-count", *by)
    return [f"{count:>8,}  {' · '.join(str(one or '-') for one in values)}" for *values, count in found]


def _whys(rows: QuerySet[Any]) -> Iterator[str]:
    """How many fail of what class, and what to do about it."""
    found = rows.exclude(why="").order_by("why").values_list("why").annotate(count=Count("pk"))
    for why, count in found:
        yield f"{count:>8,}  {why} ({reasons.title(why)}): {reasons.advice(why)}"


def _account(account: HubSpotAccount) -> Iterator[str]:
    yield f"{account.get_state_display()}, {account.hub_domain or 'no domain known'}"
    if not account.connected:
        yield f"disconnected {ago(account.disconnected_at)}: {account.disconnected_reason or 'no reason known'}"
    if account.purged_at:
        yield f"purged {ago(account.purged_at)}: only receipts, tombstones and portal numbers are left"
    yield f"installed {ago(account.connected_at)}, generation {account.generation}"
    yield f"end of the access token: {ago(account.token_expires_at)}"
    yield f"mails to admins go to {len(account.admin_emails)} addresses"
    yield (
        f"app object {account.app_object_type or 'not found'}{': ' if account.app_object_problem else ''}"
        + (account.app_object_problem)
    )
    if account.configuration_problem:
        yield account.configuration_problem


def _scopes(account: HubSpotAccount) -> Iterator[str]:
    missing = [scope for scope in oauth.SCOPES if not account.has_scopes(scope.name)]
    yield f"{len(oauth.SCOPES) - len(missing)} of {len(oauth.SCOPES)} given"
    yield from (f"not given, {scope.needed}: {scope.name}" for scope in missing)


def _budget(account: HubSpotAccount) -> Iterator[str]:
    spent = limiter.spent(account.hub_id)
    if spent is None:
        yield "Redis does not answer, so no call is made."
        return
    for budget, used in spent.items():
        most, _ = limiter.LIMITS[budget]
        yield f"{budget}: {used} of {most} in the last {limiter.LONG_US // 1_000_000} s"


def _vendors(account: HubSpotAccount) -> Iterator[str]:
    names = {(str(Vendor.HUBSPOT), str(account.hub_id))}
    names |= {(str(Vendor.LEARNUPON), portal.host) for portal in account.portals.live()}
    found = [trouble for key, trouble in breaker.troubles().items() if key in names]
    for trouble in found:
        wait = f"next try in {span(trouble.wait)}" if trouble.resting else "the next call finds out"
        yield f"{trouble.vendor.called} ({trouble.name}) has not answered since {ago(trouble.since)}; {wait}"
    if not found:
        yield "No breaker is open."


def _portals(account: HubSpotAccount) -> Iterator[str]:
    portals = account.portals.live().order_by("number")
    for portal in portals:
        reason = f" ({portal.state_reason})" if portal.state == Portal.State.DISCONNECTED else ""
        yield f"{portal.number}: {portal.host}, {portal.get_state_display()}{reason}, {portal.get_record_type_display()}"
        yield f"   last event {ago(portal.last_event_at)}, last full check {ago(portal.last_walk_at)}"
        yield f"   {portal.mappings.count()} fields mapped, {len(portal.drift)} no longer fit"
        learners = Learner.objects.filter(portal=portal)
        yield from (f"   {line} learners" for line in _counts(learners, "state"))
    if not portals:
        yield "None is connected."
    yield from _counts(Walk.objects.filter(account=account, state__in=["running", "paused"]), "kind", "state")
    if questions := ReviewItem.objects.filter(account=account, state=ReviewItem.State.OPEN).count():
        yield f"{questions:>8,}  identity questions open"


def _deliveries(account: HubSpotAccount) -> Iterator[str]:
    rows = Delivery.objects.filter(account=account)
    unfinished = rows.filter(state__in=[Delivery.State.WAITING, Delivery.State.FAILED])
    yield from _counts(unfinished, "state", "lane", "outcome") or ["Nothing waits and nothing has failed."]
    yield from _whys(unfinished)
    oldest = rows.filter(state=Delivery.State.WAITING).aggregate(due=Min("due_at"), came=Min("received_at"))
    if oldest["due"]:
        yield f"oldest due {ago(oldest['due'])}; the oldest that waits came {ago(oldest['came'])}"
    if owed := rows.filter(tell=Delivery.Tell.OWED).count():
        yield f"{owed:>8,}  answers owed to HubSpot's workflows"


def _progress(account: HubSpotAccount) -> Iterator[str]:
    found = Enrollment.objects.filter(account=account).aggregate(
        all=Count("pk"),
        due=Count("pk", filter=Q(due_at__isnull=False)),
        refused=Count("pk", filter=Q(due_at=None) & ~Q(parked_reason="")),
        oldest=Min("due_at"),
    )
    yield f"{found['all']:>8,}  enrollments"
    yield f"{found['due']:>8,}  wait for HubSpot" + (
        f", oldest due {ago(found['oldest'])}" if found["due"] else ""
    )
    yield f"{found['refused']:>8,}  refused by HubSpot"
    yield from _whys(Enrollment.objects.filter(account=account, due_at=None))


def _events(account: HubSpotAccount) -> Iterator[str]:
    newest = (
        Delivery.objects.filter(account=account).order_by("-received_at").defer("body", "outputs")[:EVENTS]
    )
    for row in newest:
        yield f"{ago(row.received_at):<16} delivery {row.pk}: {row.kind}, {row.state} {row.outcome}".rstrip()
    if not newest:
        yield "Nothing has arrived."


def _erasures(account: HubSpotAccount) -> Iterator[str]:
    erasures = Erasure.objects.filter(account=account)
    yield from _counts(erasures, "state", "source") or ["None."]
    left = ErasureStep.objects.filter(erasure__account=account, done_at=None)
    yield from (f"{line}, still to do" for line in _counts(left, "kind"))
    if oldest := erasures.filter(state=Erasure.State.RUNNING).order_by("asked_at").first():
        yield f"the oldest that runs was asked {ago(oldest.asked_at)}"


def _acts(account: HubSpotAccount) -> Iterator[str]:
    newest = AuditEntry.objects.filter(account=account).select_related("portal").order_by("-at")[:EVENTS]
    for entry in newest:
        yield f"{ago(entry.at):<16} {entry.action}{f' ({entry.portal.host})' if entry.portal else ''}"
    if not newest:
        yield "None."
