"""The mapping editor: LearnUpon's fields on the left, the HubSpot properties that fit on the right."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from portals import mapping
from portals.clients.errors import VendorError
from portals.forms import typed_rows
from portals.mapping_sheet import MappingSheet
from portals.models import AuditEntry, Portal
from portals.sessions import account_required, portal_or_404
from portals.views.signed_in import SignedIn, portal_page

SHOWN = 20  # changes of the mapping told on the page


@account_required
@require_http_methods(["GET", "POST"])
def mapping_page(request: SignedIn, portal_id: int) -> HttpResponse:
    portal = portal_or_404(request, portal_id)
    rows = typed_rows(request.POST)
    try:
        sheet = MappingSheet(portal, mapping.offer(portal))
    except VendorError as error:
        return unavailable(request, portal, error, rows)
    if request.method == "POST" and sheet.save(rows, request.actor):
        messages.success(request, "The mapping is saved. It applies from the next person on.")
        return redirect("portals:mapping", portal.pk)
    return editor(request, portal, sheet)


def editor(request: SignedIn, portal: Portal, sheet: MappingSheet, **more: object) -> HttpResponse:
    """The editor as it stands, saved or not."""
    context = {"sheet": sheet, "history": history(portal), **more}
    return portal_page(request, portal, "portals/mapping.html", "mapping", **context)


def unavailable(
    request: SignedIn, portal: Portal, error: VendorError, rows: list[tuple[str, str, str]]
) -> HttpResponse:
    """One of the two lists could not be read; what was typed is kept for the next try."""
    context = {"error": error, "rows": rows, "saved": portal.mappings.all()}
    return portal_page(request, portal, "portals/mapping_unavailable.html", "mapping", **context)


def history(portal: Portal) -> list[AuditEntry]:
    saved = AuditEntry.objects.filter(account=portal.account, portal=portal, action="mapping saved")
    return [entry for entry in saved.order_by("-at")[:SHOWN] if entry.details.get("changes")]
