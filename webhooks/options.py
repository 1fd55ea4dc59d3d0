"""The choices HubSpot's workflow editor asks for while an action is being set up.

https://developers.hubspot.com/docs/api-reference/latest/automation/workflow-actions/custom-action-reference
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.utils import timezone

from portals import course_list, numbers
from portals.clients.errors import VendorError
from portals.clients.learnupon import LearnUpon
from portals.lanes import Lane
from portals.models import Course, HubSpotAccount, Portal

Choice = dict[str, str]
PAGE = 100
COURSES_STALE = timedelta(minutes=10)  # the editor asks at every key: the list is read again when it is older


def choices(field: str, account: HubSpotAccount, data: dict[str, Any]) -> dict[str, Any]:
    """One page of a field's choices, filtered by what the author typed. A vendor that does not answer leaves the list
    empty rather than the editor broken."""
    fetch = data.get("fetchOptions") or {}
    typed = str(fetch.get("q") or "").casefold()
    start = numbers.whole(str(fetch.get("after"))[:9]) or 0
    found = [c for c in FIELDS[field](account, data) if typed in c["label"].casefold()]
    answer: dict[str, Any] = {"options": found[start : start + PAGE], "searchable": True}
    if len(found) > start + PAGE:
        answer["after"] = str(start + PAGE)
    return answer


def _portals(account: HubSpotAccount, data: dict[str, Any]) -> list[Choice]:
    return [{"label": str(p), "value": p.subdomain} for p in Portal.objects.live().filter(account=account)]


def _chosen(account: HubSpotAccount, data: dict[str, Any]) -> Portal | None:
    """The portal chosen above in the same step; the only one when there is one."""
    given = data.get("inputFields", {}).get("portal")
    subdomain = given.get("value") if isinstance(given, dict) else given
    portals = list(Portal.objects.live().filter(account=account).select_related("account"))
    if subdomain:
        return next((p for p in portals if p.subdomain == str(subdomain)), None)
    return portals[0] if len(portals) == 1 else None


def _groups(account: HubSpotAccount, data: dict[str, Any]) -> list[Choice]:
    portal = _chosen(account, data)
    if portal is None:
        return []
    try:
        rows = list(LearnUpon(portal, Lane.ACTIONS).groups())
    except VendorError:
        return []
    return [{"label": str(row.get("title")), "value": str(row["id"])} for row in rows]


def _courses(account: HubSpotAccount, data: dict[str, Any]) -> list[Choice]:
    portal = _chosen(account, data)
    if portal is None:
        return []
    if portal.courses_read_at is None or timezone.now() - portal.courses_read_at > COURSES_STALE:
        with suppress(VendorError):  # an old list serves better than none
            course_list.refresh(portal, LearnUpon(portal, Lane.ACTIONS))
    rows = Course.objects.filter(portal=portal, listed=True).order_by("name", "course_id")
    return [{"label": row.name, "value": str(row.course_id)} for row in rows]


FIELDS: dict[str, Callable[[HubSpotAccount, dict[str, Any]], list[Choice]]] = {
    "portal": _portals,
    "group": _groups,
    "course": _courses,
}
