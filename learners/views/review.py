"""The identity review: two links that cannot both be right, both sides shown as they are now, and three buttons.

HubSpot is asked about a whole page in one call. LearnUpon has no such call, so each question that comes into view asks
about its own two accounts, one question after the other: a page holds one thread of a web process, and never for long.
"""

from contextlib import suppress
from dataclasses import dataclass

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from learners import people, reviewing
from learners.models import Learner
from learners.people import Person
from learners.reviewing import Side
from learners.reviewitem import ReviewItem
from learners.views.wording import learner_url, record_url
from portals import audit
from portals.clients.errors import Refused, VendorError
from portals.clients.learnupon import LearnUpon
from portals.lanes import Lane
from portals.models import Portal
from portals.sessions import account_required, portal_or_404
from portals.views.signed_in import SignedIn, portal_page
from portals.views.window import window

SIZE = 10
DECIDED = {
    "first": "The first link is kept.",
    "second": "The second link is kept.",
    "left": "Both are left as they are. The question stays below, should you change your mind.",
}


@dataclass(frozen=True)
class ShownSide:
    side: Side
    record: str  # name and e-mail as HubSpot has them now
    record_url: str
    user: str  # the same of LearnUpon, as it was kept
    user_url: str


@account_required
@require_GET
def review(request: SignedIn, portal_id: int) -> HttpResponse:
    portal = portal_or_404(request, portal_id)
    page = window(reviewing.open_items(portal), request.GET, size=SIZE)
    left = ReviewItem.objects.filter(portal=portal, state=ReviewItem.State.LEFT).order_by("-decided_at")[
        :SIZE
    ]
    shown = _shown(portal, [*page.rows, *left])
    return portal_page(
        request, portal, "learners/review.html", "learners", page=page,
        items=[(item, shown[item.pk]) for item in page.rows], left=[(item, shown[item.pk]) for item in left],
    )  # fmt: skip


@account_required
@require_GET
def accounts(request: SignedIn, portal_id: int, item_id: int) -> HttpResponse:
    """The two LearnUpon accounts of one question as they are now, put into the page by htmx: at most two calls."""
    portal = portal_or_404(request, portal_id)
    item = get_object_or_404(ReviewItem, portal=portal, pk=item_id)
    users = [side.user_id for side in reviewing.sides(item)]
    names = _kept(portal, set(users)) | _asked(portal, set(users))
    context = {"item": item, "users": [names.get(user_id, "") for user_id in users]}
    return render(request, "learners/review_accounts.html", context)


@account_required
@require_POST
def decide(request: SignedIn, portal_id: int, item_id: int) -> HttpResponse:
    portal = portal_or_404(request, portal_id)
    item = ReviewItem.objects.filter(portal=portal, pk=item_id).first()
    choice = request.POST.get("keep", "")
    if item is None or choice not in DECIDED:
        raise Http404
    with transaction.atomic():
        kept = reviewing.keep(item, choice)
        if kept:
            audit.record(
                request.account, request.actor, "identity decided", portal, item=item.pk, choice=choice
            )
    if kept:
        messages.success(request, DECIDED[choice])
    else:
        messages.error(request, "This was decided already, or the person was erased meanwhile.")
    return redirect("learners:review", portal.pk)


def _shown(portal: Portal, items: list[ReviewItem]) -> dict[int, tuple[ShownSide, ...]]:
    sides = {item.pk: reviewing.sides(item) for item in items}
    records = _records(portal, {side.record_id for pair in sides.values() for side in pair})
    users = _kept(portal, {side.user_id for pair in sides.values() for side in pair})
    return {
        pk: tuple(
            _side(portal, side, records.get(side.record_id), users.get(side.user_id, "")) for side in pair
        )
        for pk, pair in sides.items()
    }


def _side(portal: Portal, side: Side, someone: Person | None, user: str) -> ShownSide:
    record = _name(someone.first_name, someone.last_name, someone.email) if someone else ""
    return ShownSide(
        side, record, record_url(portal.account, portal.record_type, side.record_id), user,
        learner_url(portal, side.user_id),
    )  # fmt: skip


def _records(portal: Portal, ids: set[str]) -> dict[str, Person]:
    with suppress(VendorError):
        return people.read(portal, ids, Lane.ACTIONS) if ids else {}
    return {}


def _kept(portal: Portal, ids: set[int]) -> dict[int, str]:
    """What we last heard of the accounts that are linked."""
    known = Learner.objects.filter(portal=portal, learnupon_user_id__in=ids)
    return {int(one.learnupon_user_id or 0): _name(one.first_name, one.last_name, one.email) for one in known}


def _asked(portal: Portal, ids: set[int]) -> dict[int, str]:
    """What LearnUpon calls them now. When it does not answer about one, it is not asked about the other."""
    learnupon, names = LearnUpon(portal, Lane.ACTIONS), dict[int, str]()
    with suppress(VendorError):
        for user_id in ids:
            with suppress(Refused):  # the account is gone, which says nothing about the other
                row = learnupon.user(user_id)
                names[user_id] = _name(row.get("first_name"), row.get("last_name"), row.get("email"))
    return names


def _name(first: object, last: object, email: object) -> str:
    return " ".join(str(part) for part in (first, last, email) if part)
