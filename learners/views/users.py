"""HubSpot's users with their teams: add or invite one, several, or everybody of a team."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from learners import actions, users
from learners.forms import UserSearch
from learners.users import HubSpotUser, Staff
from portals import audit
from portals.clients.errors import VendorError
from portals.models import Portal, RecordType
from portals.sessions import account_required, portal_or_404
from portals.views.signed_in import SignedIn, portal_page

SIZE = 50
ACTIONS = {"user-add": "to be added", "user-invite": "to be invited"}


@dataclass(frozen=True)
class Leaf:
    """One page of a list that is all in hand."""

    rows: list[HubSpotUser]
    number: int
    last: int
    count: int

    @classmethod
    def cut(cls, rows: list[HubSpotUser], number: str) -> "Leaf":
        last = max(1, -(-len(rows) // SIZE))
        wanted = min(max(int(number), 1), last) if number.isdecimal() and len(number) < 6 else 1
        return cls(rows[(wanted - 1) * SIZE : wanted * SIZE], wanted, last, len(rows))

    @property
    def before(self) -> int | None:
        return self.number - 1 if self.number > 1 else None

    @property
    def after(self) -> int | None:
        return self.number + 1 if self.number < self.last else None


def user_portal_or_404(request: SignedIn, portal_id: int) -> Portal:
    portal = portal_or_404(request, portal_id)
    if portal.record_type != RecordType.USER:
        raise Http404
    return portal


@account_required
@require_GET
def user_list(request: SignedIn, portal_id: int) -> HttpResponse:
    portal = user_portal_or_404(request, portal_id)
    try:
        staff = users.read(portal)
    except VendorError as error:
        return portal_page(request, portal, "learners/users_unavailable.html", "learners", error=error)
    search = UserSearch(request.GET, teams=staff.teams)
    found = staff.found(search.text, search.team)
    context = {
        "search": search,
        "leaf": Leaf.cut(found, request.GET.get("page", "")),
        "addable": sum(user.addable for user in found),
        "invited": staff.waiting(search.team),
        "more": staff.more,
    }
    return portal_page(request, portal, "learners/users.html", "learners", **context)


@account_required
@require_POST
def add_users(request: SignedIn, portal_id: int) -> HttpResponse:
    portal = user_portal_or_404(request, portal_id)
    action = request.POST.get("action", "")
    if action not in ACTIONS:
        raise Http404
    try:
        staff = users.read(portal)
    except VendorError as error:
        messages.error(request, f"Nobody was added: HubSpot's users could not be read. {error.message}")
        return redirect("learners:users", portal.pk)
    chosen = [user.record_id for user in _chosen(request, staff) if user.addable]
    actions.request_all(portal, action, chosen, request.actor)
    audit.record(request.account, request.actor, f"users {ACTIONS[action]}", portal, count=len(chosen))
    _say(request, len(chosen), ACTIONS[action])
    return redirect("learners:activity" if chosen else "learners:users", portal.pk)


def _chosen(request: SignedIn, staff: Staff) -> list[HubSpotUser]:
    """Those that were ticked, or everybody whom the search shows: of a team, by name, or all."""
    if request.POST.get("all") == "1":
        search = UserSearch(request.POST, teams=staff.teams)
        return staff.found(search.text, search.team) if search.is_valid() else []
    ticked = set(request.POST.getlist("user"))
    return [user for user in staff.users if user.record_id in ticked]


def _say(request: SignedIn, count: int, what: str) -> None:
    if count:
        people = "1 person is" if count == 1 else f"{count} people are"
        messages.success(request, f"{people} {what}. What becomes of each stands below.")
    else:
        messages.error(request, "Nobody was chosen, or everybody chosen is a learner already or deactivated.")
