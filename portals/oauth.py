"""Installing and signing in: one OAuth round with HubSpot, bound to the browser that began it.

https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/oauth/working-with-oauth
"""

import base64
import hashlib
import hmac
import secrets
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from portals import audit, recipients, schema, tokens
from portals.clients import versions
from portals.clients.errors import Disconnected, Refused, TokenRefused, TryAgain, VendorError
from portals.clients.hubspot import HubSpot
from portals.lanes import Lane
from portals.models import HubSpotAccount

STATE_KEY = "oauth"
# HubSpot's `status` values that blame the app and not the person or the account.
APP_WRONG = {"BAD_CLIENT_ID", "BAD_CLIENT_SECRET", "BAD_REDIRECT_URI", "BAD_SCOPES"}
APP_OBJECT = f"a{settings.HUBSPOT_APP_ID}_course_enrollment"


@dataclass(frozen=True)
class Scope:
    name: str
    needed: Literal["required", "conditional"]
    why: str


SCOPES: tuple[Scope, ...] = (
    Scope("oauth", "required", "Know which HubSpot account this is, and remove the app when you ask for it."),
    Scope(
        "crm.objects.contacts.read",
        "required",
        "Read the contacts your workflows send, and the properties you map.",
    ),
    Scope("crm.objects.contacts.write", "required", "Tie course enrollments to contacts."),
    Scope("crm.objects.users.read", "required", "Read HubSpot users, for portals that train your own team."),
    Scope("crm.objects.users.write", "required", "Tie course enrollments to users where HubSpot allows it."),
    Scope("crm.objects.owners.read", "required", "Show the team a HubSpot user belongs to."),
    Scope("automation", "conditional", "Tell a waiting workflow how adding or inviting a learner ended."),
    *(
        Scope(f"crm.app.objects.{APP_OBJECT}.{verb}", "conditional", why)
        for verb, why in (
            ("view", "Find the course enrollment records this app wrote."),
            ("create", "Write learners' course progress as LearnUpon Course Enrollments."),
            ("edit", "Keep that progress up to date."),
            ("delete", "Archive a person's enrollment records when they ask to be forgotten."),
        )
    ),
    Scope(
        f"crm.app.schemas.{APP_OBJECT}.read",
        "conditional",
        "Check that the enrollment records can be written.",
    ),
)
APP_OBJECT_SCOPES = tuple(scope.name for scope in SCOPES if scope.name.startswith("crm.app."))


class InstallError(Exception):
    """The OAuth round ended without an installation; both texts are for the person in front of it."""

    def __init__(self, message: str, what_to_do: str) -> None:
        super().__init__(message)
        self.message = message
        self.what_to_do = what_to_do


def start(request: HttpRequest) -> str:
    """HubSpot's consent address for this browser. `?app_objects=0` leaves the app-object scopes out, for accounts
    that cannot grant them; `?automation=0` likewise."""
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    request.session[STATE_KEY] = {"state": state, "verifier": verifier}
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "client_id": settings.HUBSPOT_CLIENT_ID,
        "redirect_uri": redirect_uri(),
        "scope": " ".join(_wanted(request)),
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    return f"{settings.HUBSPOT_APP_URL}/oauth/authorize?{urlencode(query, quote_via=quote)}"


def _wanted(request: HttpRequest) -> list[str]:
    left_out = set()
    if request.GET.get("app_objects") == "0":
        left_out |= set(APP_OBJECT_SCOPES)
    if request.GET.get("automation") == "0":
        left_out.add("automation")
    return [scope.name for scope in SCOPES if scope.name not in left_out]


def redirect_uri() -> str:
    return f"{settings.PUBLIC_URL}/oauth/hubspot/callback"


def finish(request: HttpRequest) -> tuple[HubSpotAccount, str]:
    """Exchange the code HubSpot sent this browser back with: the account, and who the person is (an e-mail)."""
    begun = request.session.pop(STATE_KEY, None)  # single use, whatever comes of it
    given = request.GET.get("state", "")
    if not begun or not hmac.compare_digest(given.encode(), str(begun["state"]).encode()):
        raise InstallError(
            "This sign-in was not begun in this browser, or it was begun too long ago.",
            "Start again from this page. If it happens twice, allow cookies for this site.",
        )
    if "error" in request.GET or not request.GET.get("code"):
        raise InstallError(
            "HubSpot did not grant access.",
            "Somebody pressed Cancel, or lacks the right to install apps: ask a super admin of your HubSpot account.",
        )
    try:
        return _exchange(request.GET["code"], str(begun["verifier"]))
    except Refused as refusal:
        raise _refused(refusal) from None
    except (TryAgain, Disconnected):
        raise InstallError("HubSpot could not be reached.", "Wait a minute and start again.") from None


def _refused(refusal: Refused) -> InstallError:
    if refusal.code in APP_WRONG:
        return InstallError(
            "HubSpot does not accept this app's own credentials or address.",
            "This is nothing you can mend: ask whoever runs Hubsync to check HUBSPOT_CLIENT_ID, HUBSPOT_CLIENT_SECRET, "
            "PUBLIC_URL and the app's settings at HubSpot.",
        )
    return InstallError(
        "HubSpot did not accept this sign-in.",
        "Its one-time code may have run out. Start again from this page.",
    )


def _exchange(code: str, verifier: str) -> tuple[HubSpotAccount, str]:
    form = {"grant_type": "authorization_code", **tokens.app_credentials(), "redirect_uri": redirect_uri()}
    answer = tokens.post_form(versions.TOKEN, form | {"code": code, "code_verifier": verifier})
    about = tokens.introspect(str(answer.get("access_token", "")))
    account = _install(answer, about)
    schema.look_up(account)
    return account, str(about.get("user") or answer.get("user_id") or "unknown")


@transaction.atomic
def _install(answer: dict[str, Any], about: dict[str, Any]) -> HubSpotAccount:
    """Store the grant as a new generation; what an earlier installation began can no longer touch the account."""
    hub_id = answer.get("hub_id") or about.get("hub_id")
    if not isinstance(hub_id, int):
        raise TryAgain("HubSpot did not say which account this is.")
    account, created = HubSpotAccount.objects.select_for_update(no_key=True).get_or_create(hub_id=hub_id)
    if not created:
        account.generation += 1
    account.hub_domain = str(about.get("hub_domain") or "")[:255]
    account.scopes = [str(scope) for scope in about.get("scopes") or []]
    tokens.store(account, answer)
    account.state = HubSpotAccount.State.CONNECTED
    account.disconnected_reason, account.disconnected_at = "", None
    account.connected_at, account.purged_at = timezone.now(), None
    account.configuration_problem = ""
    email = str(about.get("user") or "")
    if "@" in email and not recipients.known(account, email):
        account.admin_emails = [*account.admin_emails, email][-10:]
    account.save()
    return account


def describe(account: HubSpotAccount) -> None:
    """Time zone and record links of the account; both have sane defaults, so a failure waits for the next time."""
    try:
        details = HubSpot(account, Lane.ACTIONS).details()
    except VendorError:
        return
    account.time_zone = str(details.get("timeZone") or "UTC")[:64]
    account.ui_domain = str(details.get("uiDomain") or "")[:255]
    account.save(update_fields=["time_zone", "ui_domain"])


def disconnect(account: HubSpotAccount, actor: str = "") -> None:
    """Uninstall the app from the account, as a person asked. Raises VendorError, with nothing changed, while HubSpot
    does not answer: the app would stay installed there behind our back."""
    hubspot = HubSpot(account, Lane.ACTIONS)
    with suppress(Disconnected):  # it is gone already
        try:
            hubspot.uninstall()
        except TokenRefused:  # whether it is gone, only a renewal tells
            hubspot.uninstall()
    with transaction.atomic():
        tokens.mark_disconnected(account, "disconnected_here")
        if actor:
            audit.record(account, actor, "app removed from HubSpot")
