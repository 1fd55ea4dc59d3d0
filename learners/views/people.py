"""The learners of a portal: find one, see everything about them, act on them."""

from django.contrib import messages
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from learners import actions, carrying, links, push, reviewing, welcome
from learners.forms import AddForm, LearnerSearch
from learners.models import Learner
from learners.views.rows import delivery_rows, sync_state
from learners.views.wording import learner_url, record_url
from portals import audit
from portals.models import Course, Portal
from portals.sessions import account_required, portal_or_404
from portals.views.signed_in import SignedIn, confirmed, portal_page
from portals.views.window import window
from webhooks import claims
from webhooks.models import Delivery

SHOWN = 200  # enrollments on one learner's page, and failures tried again by one press


def learner_or_404(portal: Portal, learner_id: int) -> Learner:
    learner = Learner.objects.filter(portal=portal, pk=learner_id).first()
    if learner is None:
        raise Http404
    learner.portal = portal
    return learner


@account_required
@require_GET
def people(request: SignedIn, portal_id: int) -> HttpResponse:
    portal = portal_or_404(request, portal_id)
    search = LearnerSearch(request.GET)
    page = window(search.narrow(Learner.objects.filter(portal=portal)), request.GET)
    context = {
        "page": page,
        "search": search,
        "searching": bool(request.GET.get("q") or request.GET.get("state")),
    }
    if request.htmx:
        return render(request, "learners/rows.html", {"portal": portal, **context})
    questions = reviewing.open_items(portal).count()
    return portal_page(
        request, portal, "learners/list.html", "learners", add=AddForm(), questions=questions, **context
    )


@account_required
@require_POST
def add(request: SignedIn, portal_id: int) -> HttpResponse:
    portal = portal_or_404(request, portal_id)
    form = AddForm(request.POST)
    if form.is_valid():
        record_id, action = form.cleaned_data["record_id"], form.cleaned_data["action"]
        actions.request(portal, action, record_id, request.actor)
        messages.success(
            request, f"Record {record_id} is on its way. What becomes of it stands under Activity."
        )
        return redirect("learners:list", portal.pk)
    page = window(Learner.objects.filter(portal=portal), request.GET)
    return portal_page(
        request, portal, "learners/list.html", "learners", add=form, search=LearnerSearch(), page=page
    )


@account_required
@require_GET
def person(request: SignedIn, portal_id: int, learner_id: int) -> HttpResponse:
    portal = portal_or_404(request, portal_id)
    learner = learner_or_404(portal, learner_id)
    enrollments = list(learner.enrollments.order_by("-changed_at")[:SHOWN])
    page = window(_deliveries(portal, learner), request.GET, by="received_at")
    context = {
        "learner": learner,
        "enrollments": [(row, sync_state(row)) for row in enrollments],
        "failing": any(row.parked_reason for row in enrollments) or _failed(portal, learner).exists(),
        "page": page,
        "deliveries": delivery_rows(portal, page.rows),
        "carried": [row.definition_label for row in portal.mappings.all()],
        "queued": _course_names(portal, learner.queued_courses),
        "record_url": record_url(portal.account, learner.record_type, learner.record_id),
        "learner_url": learner_url(portal, learner.learnupon_user_id),
    }
    return portal_page(request, portal, "learners/learner.html", "learners", **context)


def _course_names(portal: Portal, course_ids: list[int]) -> list[str]:
    if not course_ids:
        return []
    known = dict(
        Course.objects.filter(portal=portal, course_id__in=course_ids).values_list("course_id", "name")
    )
    return [known.get(course_id) or f"Course {course_id}" for course_id in course_ids]


def _deliveries(portal: Portal, learner: Learner) -> QuerySet[Delivery]:
    about = Q(account=portal.account, record_type=learner.record_type, record_id=learner.record_id)
    if learner.learnupon_user_id:
        about |= Q(portal=portal, learnupon_user_id=learner.learnupon_user_id)
    own_portal = Q(portal=portal) | Q(portal=None)
    return Delivery.objects.filter(about & own_portal)


def _failed(portal: Portal, learner: Learner) -> QuerySet[Delivery]:
    """What can be tried again: its content is still there."""
    return _deliveries(portal, learner).filter(state=Delivery.State.FAILED, body__isnull=False)


@account_required
@require_POST
def unlink(request: SignedIn, portal_id: int, learner_id: int) -> HttpResponse:
    portal = portal_or_404(request, portal_id)
    learner = learner_or_404(portal, learner_id)
    if confirmed(request):
        with transaction.atomic():
            links.unlink(learner, "Unlinked by an admin")
            audit.record(request.account, request.actor, "learner unlinked", portal, learner=learner.pk)
        messages.success(request, "Unlinked. Nothing more is collected about this person in this portal.")
    return redirect("learners:person", portal.pk, learner.pk)


@account_required
@require_POST
def send_invitation(request: SignedIn, portal_id: int, learner_id: int) -> HttpResponse:
    """An invitation of which nobody knows whether it went out, once more: only a person may decide that."""
    portal = portal_or_404(request, portal_id)
    learner = learner_or_404(portal, learner_id)
    actions.invite_again(portal, learner, request.actor)
    messages.success(request, "The invitation will be sent in a moment.")
    return redirect("learners:person", portal.pk, learner.pk)


@account_required
@require_POST
def send_welcome(request: SignedIn, portal_id: int, learner_id: int) -> HttpResponse:
    """The mail that leads to a first login, once more."""
    portal = portal_or_404(request, portal_id)
    learner = learner_or_404(portal, learner_id)
    if portal.uses_sso or not learner.email:
        messages.error(
            request, "Not sent: people log in to this portal by single sign-on, or the e-mail is missing."
        )
    else:
        welcome.send_again(learner)
        audit.record(request.account, request.actor, "first mail sent again", portal, learner=learner.pk)
        messages.success(request, "The mail will be sent in a moment.")
    return redirect("learners:person", portal.pk, learner.pk)


@account_required
@require_POST
def retry(request: SignedIn, portal_id: int, learner_id: int) -> HttpResponse:
    """Whatever failed about this person, once more: requests, and progress that HubSpot did not take."""
    portal = portal_or_404(request, portal_id)
    learner = learner_or_404(portal, learner_id)
    count = push.retry(request.account, list(learner.enrollments.values_list("pk", flat=True)))
    count += sum(claims.retry(delivery) for delivery in _failed(portal, learner)[:SHOWN])
    audit.record(request.account, request.actor, "tried again", portal, count=count)
    messages.success(request, f"{count} tried again." if count else "Nothing about this person is failing.")
    return redirect("learners:person", portal.pk, learner.pk)


@account_required
@require_POST
def update(request: SignedIn, portal_id: int, learner_id: int) -> HttpResponse:
    """Carry the record's present values over to LearnUpon now."""
    portal = portal_or_404(request, portal_id)
    learner = learner_or_404(portal, learner_id)
    actions.request(portal, "update-learner", learner.record_id, request.actor)
    messages.success(
        request, "On its way: what differs between HubSpot and LearnUpon is written in a moment."
    )
    return redirect("learners:person", portal.pk, learner.pk)


@account_required
@require_POST
def sync(request: SignedIn, portal_id: int) -> HttpResponse:
    """Compare every linked record with what was last carried over."""
    portal = portal_or_404(request, portal_id)
    count = carrying.sync_now(portal)
    audit.record(request.account, request.actor, "sync now", portal, count=count)
    people = f"{count} linked {'person' if count == 1 else 'people'}"
    messages.success(
        request, f"HubSpot's values of {people} are compared with LearnUpon's; what differs is written."
    )
    return redirect("learners:list", portal.pk)
