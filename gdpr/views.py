"""The privacy page: receipts, what is kept and for how long, erasing one record."""

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from gdpr import erasure
from gdpr.models import Erasure
from learners.views.window import window
from portals.models import Portal, RecordType
from portals.sessions import account_required, portal_or_404
from portals.views.signed_in import SignedIn, portal_page


class EraseForm(forms.Form):
    record_type = forms.ChoiceField(label="Record type", choices=RecordType.choices)
    record_id = forms.CharField(
        label="HubSpot record id",
        max_length=32,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    confirm = forms.BooleanField(
        label="I understand that this cannot be undone",
        widget=forms.CheckboxInput(attrs={"value": "yes"}),
        error_messages={
            "required": "Tick this box first: the person's data here and in HubSpot's records goes."
        },
    )

    def clean_record_id(self) -> str:
        value: str = self.cleaned_data["record_id"].strip()
        if not value.isdecimal():
            raise forms.ValidationError("Enter digits only: the record id, not the name or e-mail.")
        return value


@account_required
@require_GET
def privacy(request: SignedIn, portal_id: int) -> HttpResponse:
    portal = portal_or_404(request, portal_id)
    return _page(request, portal, EraseForm(initial={"record_type": portal.record_type}))


@account_required
@require_POST
def erase(request: SignedIn, portal_id: int) -> HttpResponse:
    portal = portal_or_404(request, portal_id)
    form = EraseForm(request.POST)
    if not form.is_valid():
        return _page(request, portal, form)
    kind, record_id = form.cleaned_data["record_type"], form.cleaned_data["record_id"]
    erasure.request(request.account, kind, record_id, Erasure.Source.ADMIN, actor=request.actor)
    messages.success(request, "The erasure has begun. Its receipt below says when it is done.")
    return redirect("gdpr:privacy", portal.pk)


def _page(request: SignedIn, portal: Portal, form: EraseForm) -> HttpResponse:
    page = window(Erasure.objects.filter(account=request.account).prefetch_related("steps"), request.GET)
    kept = {"bodies": settings.BODY_DAYS, "rows": settings.ROW_DAYS, "uninstalled": settings.UNINSTALL_DAYS}
    return portal_page(request, portal, "gdpr/privacy.html", "privacy", form=form, page=page, kept=kept)
