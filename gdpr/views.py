"""The privacy page: what is kept and for how long, one person's data as a file, erasing, receipts."""

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from gdpr import access, erasure, retention
from gdpr.models import Erasure
from portals import audit, numbers, oauth, sessions
from portals.clients.errors import VendorError
from portals.models import AuditEntry, Portal, RecordType
from portals.sessions import account_required, portal_or_404
from portals.views.signed_in import SignedIn, confirmed, portal_page
from portals.views.window import window

TRAIL = 25  # latest entries shown


class RecordForm(forms.Form):
    """One HubSpot record, by what its address in HubSpot shows."""

    record_type = forms.ChoiceField(label="Record type", choices=RecordType.choices)
    record_id = forms.CharField(
        label="HubSpot record id",
        max_length=32,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )

    def clean_record_id(self) -> str:
        number = numbers.whole(self.cleaned_data["record_id"].strip())
        if not number:
            raise forms.ValidationError("Enter digits only: the record id, not the name or e-mail.")
        return str(number)  # as HubSpot writes it: a zero in front would make another record of it


class EraseForm(RecordForm):
    confirm = forms.BooleanField(
        label="I understand that this cannot be undone",
        widget=forms.CheckboxInput(attrs={"value": "yes"}),
        error_messages={
            "required": "Tick this box first: the person's data here and in HubSpot's records goes."
        },
    )


@account_required
@require_GET
def privacy(request: SignedIn, portal_id: int) -> HttpResponse:
    portal = portal_or_404(request, portal_id)
    return _page(request, portal)


@account_required
@require_POST
def erase(request: SignedIn, portal_id: int) -> HttpResponse:
    portal = portal_or_404(request, portal_id)
    form = EraseForm(request.POST)
    if not form.is_valid():
        return _page(request, portal, form=form)
    kind, record_id = form.cleaned_data["record_type"], form.cleaned_data["record_id"]
    erasure.request(request.account, kind, record_id, Erasure.Source.ADMIN, actor=request.actor)
    messages.success(request, "The erasure has begun. Its receipt below says when it is done.")
    return redirect("gdpr:privacy", portal.pk)


@account_required
@require_POST
def lift(request: SignedIn, portal_id: int, erasure_id: int) -> HttpResponse:
    """Let the record of an erasure that an admin made be added again."""
    portal = portal_or_404(request, portal_id)
    found = Erasure.objects.filter(account=request.account, pk=erasure_id).first()
    if found is None:
        raise Http404
    if confirmed(request) and erasure.lift(found, request.actor):
        messages.success(request, f"Receipt {found.pk} is lifted: a workflow may add this record again.")
    return redirect("gdpr:privacy", portal.pk)


@account_required
@require_POST
def leave(request: SignedIn, portal_id: int) -> HttpResponse:
    """Uninstall, and delete everything now instead of later."""
    portal = portal_or_404(request, portal_id)
    if not confirmed(request):
        return redirect("gdpr:privacy", portal.pk)
    try:
        if request.account.connected:
            oauth.disconnect(request.account)
    except VendorError:
        messages.error(request, "HubSpot did not answer, so nothing was changed. Try again in a minute.")
        return redirect("gdpr:privacy", portal.pk)
    retention.purge(request.account)
    sessions.sign_out(request)
    messages.success(request, "The app is removed from HubSpot, and its data is deleted here.")
    return redirect("portals:install")


@account_required
@require_POST
def export(request: SignedIn, portal_id: int) -> HttpResponse:
    """Everything held about one person, as a file. By POST: a record id stays out of addresses and logs."""
    portal = portal_or_404(request, portal_id)
    form = RecordForm(request.POST, prefix="export")
    if not form.is_valid():
        return _page(request, portal, export=form)
    kind, record_id = form.cleaned_data["record_type"], form.cleaned_data["record_id"]
    held = access.everything(request.account, kind, record_id)
    audit.record(request.account, request.actor, "personal data exported", portal)
    return JsonResponse(
        held,
        json_dumps_params={"indent": 2, "ensure_ascii": False},
        headers={
            "Content-Disposition": 'attachment; filename="personal-data.json"',
            "Cache-Control": "no-store",
        },
    )


def _page(
    request: SignedIn, portal: Portal, form: RecordForm | None = None, export: RecordForm | None = None
) -> HttpResponse:
    about = {"record_type": portal.record_type}
    context = {
        "form": form or EraseForm(initial=about),
        "export": export or RecordForm(prefix="export", initial=about),
        "page": window(
            Erasure.objects.filter(account=request.account).prefetch_related("steps"), request.GET
        ),
        "trail": AuditEntry.objects.filter(account=request.account)
        .select_related("portal")
        .order_by("-at")[:TRAIL],
        "kept": {
            "bodies": settings.BODY_DAYS,
            "rows": settings.ROW_DAYS,
            "uninstalled": settings.UNINSTALL_DAYS,
        },
    }
    return portal_page(request, portal, "gdpr/privacy.html", "privacy", **context)
