"""Asking a vendor now that has not answered for a while, instead of when it would be asked by itself."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from portals.clients import breaker
from portals.clients.breaker import Vendor
from portals.clients.errors import TryAgain, VendorError
from portals.clients.hubspot import HubSpot
from portals.clients.learnupon import LearnUpon
from portals.lanes import Lane
from portals.sessions import account_required, portal_or_404
from portals.views.signed_in import SignedIn


@account_required
@require_POST
def try_hubspot(request: SignedIn) -> HttpResponse:
    breaker.try_now(Vendor.HUBSPOT, request.account.hub_id)
    _ask(request, Vendor.HUBSPOT, HubSpot(request.account, Lane.ACTIONS).details)
    return redirect("learners:overview")


@account_required
@require_POST
def try_learnupon(request: SignedIn, portal_id: int) -> HttpResponse:
    portal = portal_or_404(request, portal_id)
    breaker.try_now(Vendor.LEARNUPON, portal.host)
    _ask(request, Vendor.LEARNUPON, LearnUpon(portal, Lane.ACTIONS).fields)
    return redirect("portals:settings", portal.pk)


def _ask(request: SignedIn, vendor: Vendor, call: Callable[[], object]) -> None:
    """One small call: its answer, also a refusal, lets what waits go on."""
    try:
        call()
    except TryAgain as error:
        messages.error(request, f"{vendor.called} still does not answer. {error.message}")
    except VendorError as error:
        messages.warning(request, f"{vendor.called} answers again, but refuses: {error.message}")
    else:
        messages.success(request, f"{vendor.called} answers again. What waited goes on by itself.")
