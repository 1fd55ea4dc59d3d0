"""What a view of ours can rely on once `account_required` has let a request through."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django_htmx.middleware import HtmxDetails

from portals.models import HubSpotAccount, Portal

CONFIRM_FIRST = "Nothing was changed: tick the box that says you understand, then press the button again."


class SignedIn(HttpRequest):
    account: HubSpotAccount
    actor: str
    htmx: HtmxDetails


def portal_page(request: SignedIn, portal: Portal, template: str, tab: str, **context: Any) -> HttpResponse:
    """A page among the tabs of one portal."""
    return render(request, template, {"portal": portal, "tab": tab, **context})


def confirmed(request: SignedIn) -> bool:
    """Was the box ticked that stands before everything that cannot be taken back?"""
    if request.POST.get("confirm") == "yes":
        return True
    messages.error(request, CONFIRM_FIRST)
    return False
