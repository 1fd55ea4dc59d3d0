"""The mapping editor: LearnUpon's fields on the left, the HubSpot properties that fit on the right."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from portals import mapping
from portals.clients.errors import VendorError
from portals.forms import typed_rows
from portals.mapping_sheet import MappingSheet
from portals.sessions import account_required, portal_or_404
from portals.views.signed_in import SignedIn, portal_page


@account_required
@require_http_methods(["GET", "POST"])
def mapping_page(request: SignedIn, portal_id: int) -> HttpResponse:
    portal = portal_or_404(request, portal_id)
    rows = typed_rows(request.POST)
    try:
        sheet = MappingSheet(portal, mapping.offer(portal))
    except VendorError as error:
        context = {"error": error, "rows": rows, "saved": portal.mappings.all()}
        return portal_page(request, portal, "portals/mapping_unavailable.html", "mapping", **context)
    if request.method == "POST" and sheet.save(rows, request.actor):
        messages.success(request, "The mapping is saved. It applies from the next person on.")
        return redirect("portals:mapping", portal.pk)
    return portal_page(request, portal, "portals/mapping.html", "mapping", sheet=sheet)
