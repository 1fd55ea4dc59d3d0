"""The card on a HubSpot contact and the settings page inside HubSpot: what they show, and what their buttons do.

Every answer is small, made from a fixed number of queries and without asking a vendor: a person looks at it.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from typing import Any

from django.conf import settings
from django.db.models import Count, Q
from django.db.models.functions import Now
from django.urls import reverse

from learners import actions
from learners.app_objects import Required, required_courses
from learners.models import Enrollment, Learner
from learners.views.overview import Health, healths
from learners.views.rows import outcome_title
from learners.views.wording import kind_name, learner_url
from portals import tombstones
from portals.banners import Banner, banners
from portals.lanes import Lane
from portals.models import Portal, RecordType
from webhooks import nudger
from webhooks.cards import Ask
from webhooks.models import Delivery

Json = dict[str, Any]
# HubSpot lets 1 MB through; 300 rows with the longest names LearnUpon could send are less than half of that.
# https://developers.hubspot.com/docs/apps/developer-platform/add-features/ui-extensions/fetching-data
MOST = 300
NAME, REASON = 200, 300
CONTACT = RecordType.CONTACT  # HubSpot has no cards on user records
INVITABLE = (Learner.State.NEW, Learner.State.PENDING)
PROBLEMS = {
    "no_contact": "HubSpot did not say which contact this is. Reload the record.",
    "no_portal": "No LearnUpon portal that takes contacts is connected yet.",
    "portal_not_connected": "This LearnUpon portal is not connected any more. Reload the record.",
    "erased": "This person asked to be forgotten. Nothing is kept about them, and nothing can be added.",
    "not_linked": "This contact is not a learner yet. Add or invite them first.",
    "no_invitation": "There is no open invitation to send again.",
}
AGAIN = "On its way. LearnUpon mails another invitation, or reminds by itself where the earlier one is still open."
WAITS = "Kept. It is done as soon as this portal works again: it is paused or disconnected."
ORDER = [Enrollment.Status.IN_PROGRESS, Enrollment.Status.NOT_STARTED, Enrollment.Status.COMPLETED]


def problem(code: str) -> Json:
    return {"error": code, "message": PROBLEMS[code]}


def _page(name: str, *arguments: object) -> str:
    return str(settings.PUBLIC_URL) + reverse(name, args=arguments)


# --- the card -------------------------------------------------------------------------------------------
def enrollments(ask: Ask) -> Json:
    """Everything there is about one contact, across the account's portals."""
    if not ask.record_id:
        return problem("no_contact")
    if tombstones.record_is_erased(ask.account, CONTACT, ask.record_id):
        return problem("erased")
    portals = list(
        Portal.objects.live().filter(account=ask.account, record_type=CONTACT).order_by("title", "pk")
    )
    if not portals:
        return problem("no_portal") | {"link": _page("portals:connect")}
    learners = {learner.portal_id: learner for learner in _learners(ask)}
    latest = _latest(ask)
    rows = _rows(learners.values())
    return {
        "portals": [_portal(p, learners.get(p.pk), latest.get(p.pk)) for p in portals],
        "enrollments": _courses(rows[:MOST], {p.pk: p for p in portals}, required_courses(ask.account)),
        "counts": _counts(learners.values()),
        "more": len(rows) > MOST,
        "notice": str(next(iter(banners(ask.account)), "")) if not ask.account.connected else "",
    }


def _learners(ask: Ask) -> Iterable[Learner]:
    return (
        Learner.objects.select_related("portal__account")
        .filter(
            account=ask.account, record_type=CONTACT, record_id=ask.record_id, portal__record_type=CONTACT
        )
        .exclude(Q(state=Learner.State.UNLINKED) | Q(portal__state=Portal.State.REMOVED))
    )


def _shown(learners: Iterable[Learner]) -> Q:
    """Open enrollments and finished ones, as HubSpot has them; not those the learner was taken out of."""
    left = Q(unenrolled=True) & ~Q(status=Enrollment.Status.COMPLETED)
    return Q(learner__in=[learner.pk for learner in learners], withdrawn=False) & ~left


def _rows(learners: Iterable[Learner]) -> list[Enrollment]:
    """The newest, and one more than is shown."""
    return list(Enrollment.objects.filter(_shown(learners)).order_by("-changed_at")[: MOST + 1])


def _counts(learners: Iterable[Learner]) -> Json:
    """Of all rows, also of those that are not shown."""
    names = {str(status): Count("pk", filter=Q(status=status)) for status in Enrollment.Status}
    overdue = Count("pk", filter=Q(overdue=True) & ~Q(status=Enrollment.Status.COMPLETED))
    return Enrollment.objects.filter(_shown(learners)).aggregate(**names, overdue=overdue)


def _courses(rows: list[Enrollment], portals: dict[int, Portal], required: Required) -> list[Json]:
    """What is overdue first, then what is under way, by due date."""
    far = date.max
    rows.sort(key=lambda row: (not _late(row), ORDER.index(Enrollment.Status(row.status)), row.due_on or far))
    return [_course(row, portals[row.portal_id], (row.portal_id, row.course_id) in required) for row in rows]


def _late(row: Enrollment) -> bool:
    return row.overdue and row.status != Enrollment.Status.COMPLETED


def _course(row: Enrollment, portal: Portal, required: bool) -> Json:
    return {
        "id": str(row.enrollment_id),
        "course": (row.course_name or f"Course {row.course_id}")[:NAME],
        "portal": portal.pk,
        "portal_name": str(portal)[:NAME],
        "status": row.status,
        "result": row.result,
        "required": required,
        "progress_percent": row.progress_percent,
        "score_percent": row.score_percent,
        "overdue": _late(row),
        "due_on": _text(row.due_on),
        "enrolled_at": _text(row.enrolled_at),
        "completed_at": _text(row.completed_at),
        "certificate_name": row.certificate_name[:NAME],
        "certificate_expires_on": _text(row.certificate_expires_on),
    }


def _text(moment: date | datetime | None) -> str:
    if isinstance(moment, datetime):
        moment = moment.astimezone(UTC)
    return moment.isoformat() if moment else ""


def _latest(ask: Ask) -> dict[int | None, Delivery]:
    """The newest request about this contact in each portal: it may be on its way still, or have failed."""
    about = Delivery.objects.filter(
        account=ask.account, record_type=CONTACT, record_id=ask.record_id, kind__startswith="hubspot.action."
    )
    rows = about.only("portal_id", "kind", "state", "outcome", "reason", "received_at")
    return {row.portal_id: row for row in reversed(rows.order_by("-received_at")[:50])}


def _portal(portal: Portal, learner: Learner | None, latest: Delivery | None) -> Json:
    return {
        "id": portal.pk,
        "name": str(portal)[:NAME],
        "address": portal.url,
        "state": portal.state,
        "state_label": portal.get_state_display(),
        "learner": _learner(portal, learner) if learner else None,
        "latest": _request(latest) if latest else None,
        "can": _can(learner),
    }


def _learner(portal: Portal, learner: Learner) -> Json:
    return {
        "state": learner.state,
        "state_label": learner.get_state_display(),
        "reason": learner.state_reason[:REASON],
        "invitation": learner.invitation,
        "invited_at": _text(learner.invited_at),
        "linked_at": _text(learner.linked_at),
        "page": _page("learners:person", portal.pk, learner.pk),
        "learnupon": learner_url(portal, learner.learnupon_user_id),
    }


def _request(row: Delivery) -> Json:
    return {
        "what": kind_name(row.kind).removeprefix("Workflow: ").capitalize(),
        "state": row.state,
        "became": outcome_title(row),
        "reason": row.reason[:REASON],
        "at": _text(row.received_at),
    }


def _can(learner: Learner | None) -> list[str]:
    """Which of the card's buttons make sense for this contact in this portal."""
    if learner is None or (learner.state == Learner.State.NEW and not _open_invitation(learner)):
        return ["add", "invite"]
    if _open_invitation(learner):
        return ["resend", "refresh"]
    return ["refresh"] if learner.state == Learner.State.ACTIVE else []


def _open_invitation(learner: Learner) -> bool:
    return learner.state in INVITABLE and learner.invitation != Learner.Sent.NO


# --- its buttons ----------------------------------------------------------------------------------------
def _button(work: Callable[[Ask, Portal], Json]) -> Callable[[Ask], Json]:
    """A button in one portal, for a contact who was not erased."""

    def pressed(ask: Ask) -> Json:
        if not ask.record_id:
            return problem("no_contact")
        if tombstones.record_is_erased(ask.account, CONTACT, ask.record_id):
            return problem("erased")
        portals = Portal.objects.live().select_related("account")
        portal = portals.filter(account=ask.account, record_type=CONTACT, pk=ask.portal_id).first()
        return work(ask, portal) if portal else problem("portal_not_connected")

    return pressed


def _said(portals: Iterable[Portal], text: str) -> Json:
    working = any(portal.connected and portal.account.connected for portal in portals)
    return {"message": text if working else WAITS}


def _add(ask: Ask, portal: Portal) -> Json:
    actions.request(portal, "user-add", ask.record_id, ask.actor)
    return _said([portal], f"On its way: the contact is being added to {portal}.")


def _invite(ask: Ask, portal: Portal) -> Json:
    actions.request(portal, "user-invite", ask.record_id, ask.actor)
    return _said([portal], f"On its way: LearnUpon is being asked to invite the contact to {portal}.")


def _resend(ask: Ask, portal: Portal) -> Json:
    """A person decided, also where nobody knows whether the first one went out."""
    learner = next((one for one in _learners(ask) if one.portal_id == portal.pk), None)
    if learner is None or not _open_invitation(learner):
        return problem("no_invitation")
    actions.invite_again(portal, learner, ask.actor)
    return _said([portal], AGAIN)


def refresh(ask: Ask) -> Json:
    """Fetch the contact's progress from LearnUpon now, and look whether invitations were accepted."""
    learners = list(_learners(ask))
    theirs = Learner.objects.filter(pk__in=[learner.pk for learner in learners])
    found = theirs.filter(state=Learner.State.ACTIVE).update(read_due_at=Now())
    found += theirs.filter(state=Learner.State.PENDING).update(look_at=Now())
    if not found:
        return problem("not_linked")
    portals = {learner.portal for learner in learners}
    for portal in portals:
        nudger.wake(portal.pk, Lane.LIVE, "learners.look")
    return _said(portals, "LearnUpon is being asked. What is new shows in a moment.")


add, invite, resend = _button(_add), _button(_invite), _button(_resend)


# --- the settings page ----------------------------------------------------------------------------------
def settings_page(ask: Ask) -> Json:
    """The account's portals and how they are, and where to change them: our own pages."""
    return {
        "portals": [_health(health) for health in healths(ask.account)],
        "banners": [_banner(banner) for banner in banners(ask.account)],
        "connected": ask.account.connected,
        "pages": {"portals": _page("learners:overview"), "connect": _page("portals:connect")},
    }


def _banner(banner: Banner) -> Json:
    link = str(settings.PUBLIC_URL) + banner.address if banner.address else ""
    return {"text": banner.text, "link": link, "label": banner.link}


def _health(health: Health) -> Json:
    portal = health.portal
    return {
        "id": portal.pk,
        "name": str(portal)[:NAME],
        "host": portal.host,
        "state": portal.state,
        "state_label": portal.get_state_display(),
        "reason": portal.state_reason[:REASON],
        "people": portal.get_record_type_display(),
        "learners": health.learners["active"],
        "invited": health.learners["pending"],
        "waiting": health.waiting,
        "failing": health.failing,
        "ready": health.complete,
        "last_event_at": _text(portal.last_event_at),
        "last_walk_at": _text(portal.last_walk_at),
        "page": _page("portals:front", portal.pk),
        "activity": _page("learners:activity", portal.pk) + "?state=failed",
    }
