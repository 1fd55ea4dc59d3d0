"""A portal's configuration out of here and into another portal: a file, a plan, and only then changes."""

import orjson
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_http_methods

from learners.views import reports
from portals import audit, configuration, drift, mapping
from portals.clients.errors import VendorError
from portals.configuration import Plan
from portals.forms import ImportForm
from portals.mapping import Offer
from portals.models import Portal
from portals.sessions import account_required, portal_or_404
from portals.views.signed_in import SignedIn, portal_page


@account_required
@require_GET
def export(request: SignedIn, portal_id: int) -> HttpResponse:
    portal = portal_or_404(request, portal_id)
    body = orjson.dumps(configuration.export(portal), option=orjson.OPT_INDENT_2)
    headers = {"Content-Disposition": f'attachment; filename="{portal.subdomain}-configuration.json"'}
    audit.record(request.account, request.actor, "configuration exported", portal)
    return HttpResponse(body, content_type="application/json", headers=headers)


@account_required
@require_http_methods(["GET", "POST"])
def import_page(request: SignedIn, portal_id: int) -> HttpResponse:
    """First the file and the plan it makes, then, once the plan was seen, its changes."""
    portal = portal_or_404(request, portal_id)
    form = ImportForm(request.POST, request.FILES) if request.method == "POST" else ImportForm()
    context: dict[str, object] = {"form": form}
    if form.is_valid():
        try:
            offer = mapping.offer(portal)
        except VendorError as error:
            return _page(request, portal, form=form, error=error)
        planned = configuration.plan(portal, form.cleaned_data["configuration"], offer)
        if request.POST.get("apply") == "yes":
            _apply(request, portal, planned, offer)
            return redirect("portals:settings", portal.pk)
        context |= {"plan": planned, "text": form.cleaned_data["text"]}
    return _page(request, portal, **context)


def _page(request: SignedIn, portal: Portal, **context: object) -> HttpResponse:
    return portal_page(request, portal, "portals/import.html", "settings", **context)


@transaction.atomic
def _apply(request: SignedIn, portal: Portal, planned: Plan, offer: Offer) -> None:
    configuration.apply(portal, planned, offer, request.actor)
    drift.keep(portal, offer)
    required = set(portal.courses.filter(required=True).values_list("course_id", flat=True))
    reports.mark_required(portal, required | {course.course_id for course in planned.courses})
    left_out = len(planned.unmatched)
    messages.success(
        request, "Imported." if not left_out else f"Imported; {left_out} that did not match were left out."
    )
