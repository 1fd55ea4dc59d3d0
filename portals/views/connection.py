"""Connecting a portal, its settings, new keys, pausing and removing it."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portals import audit, connecting, mapping, realm
from portals.clients.errors import VendorError
from portals.forms import ConnectForm, KeysForm, SettingsForm
from portals.sessions import account_required, portal_or_404
from portals.views.signed_in import SignedIn, confirmed, portal_page


@account_required
@require_http_methods(["GET", "POST"])
def connect(request: SignedIn) -> HttpResponse:
    form = ConnectForm(request.POST or None, initial={"subdomain": request.GET.get("portal", "")[:253]})
    if form.is_valid():
        try:
            portal = connecting.connect(request.account, **form.cleaned_data, actor=request.actor)
        except connecting.ConnectError as error:
            form.add_problem(error.field, error.message)
        else:
            messages.success(request, f"{portal} is connected. Next: webhooks, then the mapping.")
            return redirect("portals:settings", portal.pk)
    context = {"form": form, "proposals": realm.proposals(list(request.account.portals.live()))}
    return render(request, "portals/connect.html", context)


@account_required
@require_GET
def front(request: SignedIn, portal_id: int) -> HttpResponse:
    return redirect("portals:settings", portal_or_404(request, portal_id).pk)


@account_required
@require_http_methods(["GET", "POST"])
def settings_page(request: SignedIn, portal_id: int) -> HttpResponse:
    portal = portal_or_404(request, portal_id)
    if request.htmx:
        return render(request, "portals/webhook_state.html", {"portal": portal})
    form = SettingsForm(request.POST or None, portal=portal)
    if form.is_valid():
        with transaction.atomic():
            changed = form.save()
            audit.record(request.account, request.actor, "portal settings saved", portal, changed=changed)
        messages.success(request, "Saved.")
        return redirect("portals:settings", portal.pk)
    return portal_page(request, portal, "portals/settings.html", "settings", form=form, keys=KeysForm())


@account_required
@require_POST
def keys(request: SignedIn, portal_id: int) -> HttpResponse:
    portal = portal_or_404(request, portal_id)
    form = KeysForm(request.POST)
    if form.is_valid():
        try:
            connecting.reconnect(portal, **form.cleaned_data, actor=request.actor)
        except connecting.ConnectError as error:
            form.add_problem(error.field, error.message)
        else:
            messages.success(request, "LearnUpon accepts the new keys.")
            return redirect("portals:settings", portal.pk)
    return portal_page(
        request, portal, "portals/settings.html", "settings", form=SettingsForm(portal=portal), keys=form
    )


@account_required
@require_GET
def first_event(request: SignedIn, portal_id: int) -> HttpResponse:
    """The checklist's line about webhooks, which asks again until the first event is here."""
    portal = portal_or_404(request, portal_id)
    return render(request, "portals/first_event.html", {"portal": portal})


@account_required
@require_POST
def fields(request: SignedIn, portal_id: int) -> HttpResponse:
    """Read the portal's custom user data fields again, after somebody added one in LearnUpon."""
    portal = portal_or_404(request, portal_id)
    try:
        portal.fields = [mapping.as_json(field) for field in mapping.read_fields(portal)]
    except VendorError as error:
        messages.error(request, f"The fields could not be read. {error.message}")
    else:
        portal.save(update_fields=["fields"])
        messages.success(request, f"Read: this portal has {len(portal.fields)} custom user data fields.")
    return redirect("portals:settings", portal.pk)


@account_required
@require_POST
def pause(request: SignedIn, portal_id: int) -> HttpResponse:
    portal = portal_or_404(request, portal_id)
    connecting.pause(portal, request.actor)
    messages.success(request, "Paused. What arrives is kept and waits.")
    return redirect("portals:settings", portal.pk)


@account_required
@require_POST
def resume(request: SignedIn, portal_id: int) -> HttpResponse:
    portal = portal_or_404(request, portal_id)
    connecting.resume(portal, request.actor)
    messages.success(request, "Going on where it stopped.")
    return redirect("portals:settings", portal.pk)


@account_required
@require_POST
def remove(request: SignedIn, portal_id: int) -> HttpResponse:
    portal = portal_or_404(request, portal_id)
    if not confirmed(request):
        return redirect("portals:settings", portal.pk)
    connecting.remove(portal, request.actor)
    messages.success(request, f"{portal} is removed.")
    return redirect("learners:overview")
