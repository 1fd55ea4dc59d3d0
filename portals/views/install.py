"""Before and around signing in: what the app reads and writes, HubSpot's consent, signing out, uninstalling."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from portals import oauth, sessions
from portals.clients.errors import VendorError
from portals.sessions import account_required
from portals.views.signed_in import SignedIn, confirmed


@require_GET
@never_cache
def home(request: HttpRequest) -> HttpResponse:
    if getattr(request, "account", None):
        return redirect("learners:overview")
    return render(request, "portals/install.html", {"scopes": oauth.SCOPES})


@require_GET
def install(request: HttpRequest) -> HttpResponse:
    return render(request, "portals/install.html", {"scopes": oauth.SCOPES})


@require_GET
@never_cache
def start(request: HttpRequest) -> HttpResponse:
    return redirect(oauth.start(request))


@require_GET
@never_cache
def callback(request: HttpRequest) -> HttpResponse:
    try:
        account, actor = oauth.finish(request)
        oauth.describe(account)
    except oauth.InstallError as error:
        return render(request, "portals/install_failed.html", {"error": error}, status=400)
    sessions.sign_in(request, account, actor)
    messages.success(request, f"HubSpot account {account.hub_domain or account.hub_id} is connected.")
    return redirect("learners:overview")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    sessions.sign_out(request)
    messages.success(request, "You are signed out. Everything goes on working without you.")
    return redirect("portals:install")


@account_required
@require_POST
def disconnect(request: SignedIn) -> HttpResponse:
    if not confirmed(request):
        return redirect("learners:overview")
    try:
        oauth.disconnect(request.account, request.actor)
    except VendorError:
        messages.error(request, "HubSpot did not answer, so nothing was changed. Try again in a minute.")
        return redirect("learners:overview")
    messages.success(
        request, "The app has been removed from your HubSpot account. Install it again at any time."
    )
    return redirect("learners:overview")
