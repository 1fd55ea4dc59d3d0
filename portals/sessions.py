"""A browser session belongs to one HubSpot account. Pages see that account's rows and nobody else's."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.csrf import rotate_token
from django.shortcuts import redirect
from django.utils import timezone

from portals.banners import banners
from portals.models import HubSpotAccount, Portal

ACCOUNT_KEY, ACTOR_KEY = "account", "actor"


class AccountMiddleware:
    """Sets `request.account` and `request.actor` from the session, lazily: webhooks never touch the session."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.account = None  # type: ignore[attr-defined]
        request.actor = ""  # type: ignore[attr-defined]
        if not request.path.startswith(("/webhooks/", "/static/")):
            account_id = request.session.get(ACCOUNT_KEY)
            if account_id:
                request.account = HubSpotAccount.objects.filter(pk=account_id).first()  # type: ignore[attr-defined]
                request.actor = request.session.get(ACTOR_KEY, "")  # type: ignore[attr-defined]
        response = self.get_response(request)
        # Everything made for a request is somebody's: no cache may keep it for somebody else, nor for "Back".
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = "no-store"
        return response


def sign_in(request: HttpRequest, account: HubSpotAccount, actor: str) -> None:
    """Bind the session to the account; a new key, so that a session fixed beforehand is worth nothing. It ends so long
    after this moment: Django alone would begin the time anew whenever something is written into it."""
    request.session.flush()
    request.session.set_expiry(timezone.now() + timedelta(seconds=settings.SESSION_COOKIE_AGE))
    request.session[ACCOUNT_KEY] = account.pk
    request.session[ACTOR_KEY] = actor
    rotate_token(request)
    request.account, request.actor = account, actor  # type: ignore[attr-defined]


def sign_out(request: HttpRequest) -> None:
    request.session.flush()


def account_required(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    @wraps(view)
    def signed_in_only(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if getattr(request, "account", None) is None:
            messages.info(request, "Sign in with HubSpot first.")
            return redirect("/install/")
        return view(request, *args, **kwargs)

    return signed_in_only


def portal_or_404(request: HttpRequest, portal_id: int) -> Portal:
    """A live portal of the session's account; another account's portal does not exist for it."""
    try:
        return Portal.objects.live().select_related("account").get(pk=portal_id, account=request.account)  # type: ignore[attr-defined]
    except Portal.DoesNotExist:
        raise Http404 from None


def account_context(request: HttpRequest) -> dict[str, Any]:
    account = getattr(request, "account", None)
    return {
        "account": account,
        "actor": getattr(request, "actor", ""),
        "banners": banners(account) if account else [],
    }
