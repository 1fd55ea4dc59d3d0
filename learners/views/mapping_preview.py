"""The mapping as it stands on the page, tried with one real record. Nothing is written, and nothing is kept."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from learners.preview import Preview, preview
from portals import mapping
from portals.clients.errors import VendorError
from portals.forms import typed_rows
from portals.mapping_sheet import MappingSheet
from portals.models import Portal
from portals.sessions import account_required, portal_or_404
from portals.views.mapping import editor, unavailable
from portals.views.signed_in import SignedIn


@account_required
@require_http_methods(["GET", "POST"])
def mapping_preview(request: SignedIn, portal_id: int) -> HttpResponse:
    """A POST though it changes nothing: an e-mail address must not stand in an address. Reloading goes back."""
    portal = portal_or_404(request, portal_id)
    if request.method == "GET":
        return redirect("portals:mapping", portal.pk)
    rows = typed_rows(request.POST)
    try:
        sheet = MappingSheet(portal, mapping.offer(portal))
    except VendorError as error:
        return unavailable(request, portal, error, rows)
    shown = _tried(portal, sheet, rows, request.POST.get("who", "")[:254])
    if request.htmx:
        return render(request, "portals/mapping_preview.html", {"preview": shown})
    sheet.put_back(rows)
    return editor(request, portal, sheet, preview=shown)


def _tried(portal: Portal, sheet: MappingSheet, rows: list[tuple[str, str, str]], who: str) -> Preview:
    try:
        return preview(portal, sheet.unsaved(rows), who)
    except VendorError as error:
        return Preview(who, problem=error.message)
