"""What every page needs to say a state in words and colour, and the tabs of a portal's pages."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django import template
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portals import reasons
from portals.clients import breaker
from portals.clients.breaker import Vendor
from portals.mapping import CANNOT
from portals.models import HubSpotAccount, Portal

register = template.Library()
register.filter("why_title", reasons.title)
register.filter("advice", reasons.advice)

TABS = (
    ("learners", "learners:list", "Learners"),
    ("activity", "learners:activity", "Activity"),
    ("insights", "learners:insights", "Insights"),
    ("mapping", "portals:mapping", "Mapping"),
    ("backfill", "learners:backfill", "Backfill"),
    ("privacy", "gdpr:privacy", "Privacy"),
    ("settings", "portals:settings", "Settings"),
)
TONES = {
    "good": {"connected", "active", "done", "completed", "sent", "told", "passed", "in_sync"},
    "warn": {
        "paused",
        "pending",
        "new",
        "waiting",
        "due",
        "sending",
        "owed",
        "pending_review",
        "unconfirmed",
    },
    "bad": {"disconnected", "failed", "failing"},
    "info": {"running", "in_progress"},
}


@register.simple_tag
def portal_tabs() -> tuple[tuple[str, str, str], ...]:
    return TABS


@register.filter
def tone(state: str) -> str:
    """The colour class of a state; the word beside it says the same."""
    return next((name for name, states in TONES.items() if state in states), "")


@register.filter
def cannot_fill(property_type: str) -> str:
    """Why properties of this type are not offered for a field."""
    return CANNOT.get(property_type, "")


@register.filter
def words(name: str) -> str:
    return name.replace("_", " ").capitalize().replace("Hubspot", "HubSpot")


@register.filter
def zone(account: HubSpotAccount | None) -> ZoneInfo | None:
    """The time zone people of this account read times in; a name this machine does not know becomes UTC."""
    if not account:
        return None
    try:
        return ZoneInfo(account.time_zone)
    except (ValueError, OSError, KeyError):
        return None


@register.filter(expects_localtime=True)
def when(moment: datetime | None, otherwise: str = "never") -> SafeString:
    """A moment as people read it, or what to say where there is none."""
    if not moment:
        return format_html('<span class="quiet">{}</span>', otherwise)
    return format_html(
        '<time datetime="{}">{}</time>',
        moment.isoformat(timespec="seconds"),
        date_format(moment, "j M Y, H:i"),
    )


@register.inclusion_tag("portals/trouble.html", takes_context=True)
def hubspot_trouble(context: template.Context) -> dict[str, object]:
    """Says so where HubSpot does not answer the account."""
    found = breaker.troubles().get((Vendor.HUBSPOT, str(context["account"].hub_id)))
    return {"trouble": found, "address": reverse("portals:try_hubspot"), "csrf_token": context["csrf_token"]}


@register.inclusion_tag("portals/trouble.html", takes_context=True)
def learnupon_trouble(context: template.Context, portal: Portal) -> dict[str, object]:
    """Says so where LearnUpon does not answer the portal."""
    found = breaker.troubles().get((Vendor.LEARNUPON, portal.host))
    address = reverse("portals:try_learnupon", args=[portal.pk])
    return {"trouble": found, "address": address, "csrf_token": context["csrf_token"]}
