"""Bringing in what was there before: link existing accounts, read past progress; watch, pause, go on, cancel."""

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRefresh

from learners import linking, walks
from learners.models import Walk
from learners.views.progress import Progress, estimate
from learners.views.wording import record_url
from portals import audit
from portals.clients.errors import VendorError
from portals.models import Portal
from portals.sessions import account_required, portal_or_404
from portals.views.signed_in import SignedIn, portal_page

PAST = 20  # ended walks shown
# What can be started -> the walk, and whether it only counts.
STARTS = {
    "history": (Walk.Kind.HISTORY, False),
    "preview": (Walk.Kind.LINK, True),
    "link": (Walk.Kind.LINK, False),
}
ACTS: dict[str, tuple[Callable[[Walk], object], str]] = {
    "pause": (walks.pause, "Paused. It goes on where it stopped."),
    "resume": (walks.resume, "Going on where it stopped."),
    "cancel": (walks.cancel, "Cancelled. What was read stays."),
}


@account_required
@require_GET
def backfill(request: SignedIn, portal_id: int) -> HttpResponse:
    portal = portal_or_404(request, portal_id)
    recent = list(Walk.objects.filter(portal=portal).select_related("portal").order_by("-pk")[:PAST])
    current = next((walk for walk in recent if walk.state in (Walk.State.RUNNING, Walk.State.PAUSED)), None)
    preview = next((walk for walk in recent if walk.preview and walk.state == Walk.State.DONE), None)
    context: dict[str, object] = {
        "current": current,
        "progress": Progress(current) if current else None,
        "preview": Progress(preview) if preview else None,
        "estimate": estimate(preview) if preview else None,
        "past": [Progress(walk) for walk in recent if walk != current],
    }
    if preview and "examples" in request.GET:
        context |= _examples(request, portal)
    if request.htmx and current is None:  # it has ended while somebody watched
        return HttpResponseClientRefresh()
    if request.htmx:
        return render(request, "learners/progress.html", {"portal": portal, **context})
    return portal_page(request, portal, "learners/backfill.html", "backfill", **context)


def _examples(request: SignedIn, portal: Portal) -> dict[str, object]:
    """Some of the people the preview counted, with links to their records; why not, when they cannot be read now."""
    try:
        found = linking.examples(portal)
    except VendorError as error:
        messages.error(request, f"Examples cannot be shown now. {error.message} Try again in a minute.")
        return {}
    rows = [(person, record_url(portal.account, portal.record_type, person.record_id)) for person in found]
    return {"examples": rows, "examples_shown": True}


@account_required
@require_POST
def start(request: SignedIn, portal_id: int) -> HttpResponse:
    portal = portal_or_404(request, portal_id)
    what = request.POST.get("what", "history")
    if what not in STARTS:
        raise Http404
    kind, preview = STARTS[what]
    walk = walks.start(portal, kind, preview=preview)
    if (walk.kind, walk.preview) != (kind, preview):
        messages.error(request, "Not started: another reading is under way. Wait for its end, or cancel it.")
        return redirect("learners:backfill", portal.pk)
    audit.record(request.account, request.actor, f"{what} started", portal)
    messages.success(request, "Started. You can leave this page; it goes on by itself.")
    return redirect("learners:backfill", portal.pk)


@account_required
@require_POST
def act(request: SignedIn, portal_id: int, walk_id: int, what: str) -> HttpResponse:
    portal = portal_or_404(request, portal_id)
    walk = Walk.objects.filter(portal=portal, pk=walk_id).first()
    if walk is None or what not in ACTS:
        raise Http404
    do, said = ACTS[what]
    do(walk)
    audit.record(request.account, request.actor, f"backfill {what}", portal)
    messages.success(request, said)
    return redirect("learners:backfill", portal.pk)
