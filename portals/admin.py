"""Connections as operators see them: no tokens, keys, secrets or addresses of people; portals can be paused."""

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from portals import connecting
from portals.models import (
    AuditEntry,
    Course,
    HubSpotAccount,
    Portal,
    PortalNumber,
    PropertyMapping,
    Tombstone,
)
from portals.operators import OPERATOR, ReadOnly, name_of, narrowed

admin.site.site_header = admin.site.site_title = "Hubsync operators"
admin.site.index_title = (
    "What customers have is read-only here, and every look at a person is recorded. Times are UTC."
)
admin.site.site_url = None
admin.site.enable_nav_sidebar = False  # it left a third of the screen to the lists
admin.site.unregister(Group)  # an operator may see everything or is none

# What an account's page leads to: its title, the list, and how the list is narrowed.
LISTS = (
    ("Portals", "portals_portal", ""),
    ("Deliveries that failed", "webhooks_delivery", "&state__exact=failed"),
    ("Deliveries that wait", "webhooks_delivery", "&state__exact=waiting"),
    ("Progress that HubSpot refused", "learners_enrollment", "&progress=refused"),
    ("Progress that waits for HubSpot", "learners_enrollment", "&progress=waits"),
    ("Learners", "learners_learner", ""),
    ("Identity questions", "learners_reviewitem", "&state__exact=open"),
    ("Walks", "learners_walk", ""),
    ("Erasures", "gdpr_erasure", ""),
    ("Audit entries", "portals_auditentry", ""),
)


@admin.register(HubSpotAccount)
class HubSpotAccountAdmin(ReadOnly):
    list_display = (
        "hub_id", "hub_domain", "state", "disconnected_reason", "problem", "connected_at", "purged_at"
    )  # fmt: skip
    list_filter = ("state",)
    search_fields = ("=hub_id", "hub_domain")
    search_help_text = "The number of a HubSpot account, or a part of its domain"
    fields = (
        "lists", "hub_id", "hub_domain", "ui_domain", "time_zone", "state", "disconnected_reason", "disconnected_at",
        "generation", "installed_at", "connected_at", "purged_at", "token_expires_at", "scopes", "app_object_type",
        "app_object_problem", "user_associations", "configuration_problem",
    )  # fmt: skip
    readonly_fields = ("lists",)

    @admin.display(description="problem")
    def problem(self, account: HubSpotAccount) -> str:
        return account.configuration_problem or account.app_object_problem

    @admin.display(description="see also")
    def lists(self, account: HubSpotAccount) -> SafeString:
        return format_html_join(
            " · ",
            '<a href="{}?q={}{}">{}</a>',
            (
                (reverse(f"admin:{name}_changelist"), account.hub_id, SafeString(narrowing), title)
                for title, name, narrowing in LISTS
            ),
        )


# Django would look through all portals for the regions there are.
REGION = narrowed("region", {region: (region, Q(region=region)) for region in settings.LEARNUPON_REGIONS})


@admin.register(Portal)
class PortalAdmin(ReadOnly):
    list_display = (
        "id", "title", "host", "customer", "state", "record_type", "last_event_at", "last_walk_at"
    )  # fmt: skip
    list_filter = ("state", "record_type", REGION)
    list_select_related = ("account",)
    search_fields = ("=account__hub_id", "subdomain")
    search_help_text = "The number of a HubSpot account, or a part of the portal's subdomain"
    fields = (
        "account", "number", "subdomain", "region", "title", "record_type", "sso", "realm", "clash_policy",
        "welcome_mail", "record_field", "state", "state_reason", "compare_problem", "compare_after", "drift", "connected_at", "last_event_at",
        "last_walk_at", "courses_read_at", "watched_at",
    )  # fmt: skip
    actions = ("pause", "resume")

    @admin.action(description="Pause: keep what arrives, do nothing with it")
    def pause(self, request: HttpRequest, queryset: QuerySet[Portal]) -> None:
        rows = list(queryset.filter(state=Portal.State.CONNECTED))
        for portal in rows:
            connecting.pause(portal, name_of(request))
        self.message_user(request, f"{len(rows)} paused.")

    @admin.action(description="Resume what was paused")
    def resume(self, request: HttpRequest, queryset: QuerySet[Portal]) -> None:
        rows = list(queryset.filter(state=Portal.State.PAUSED))
        for portal in rows:
            connecting.resume(portal, name_of(request))
        self.message_user(request, f"{len(rows)} resumed.")


@admin.register(PropertyMapping)
class PropertyMappingAdmin(ReadOnly):
    list_display = ("id", "portal", "position", "property", "definition_label", "policy")
    list_select_related = ("portal",)
    search_fields = ("=portal__account__hub_id", "portal__subdomain")
    search_help_text = "The number of a HubSpot account, or a part of the portal's subdomain"
    fields = (
        "portal", "position", "property", "property_label", "property_type", "definition_id", "definition_label",
        "definition_type", "policy",
    )  # fmt: skip


@admin.register(Course)
class CourseAdmin(ReadOnly):
    list_display = ("id", "portal", "course_id", "name", "required", "walked_at")
    list_filter = ("required",)
    list_select_related = ("portal",)
    search_fields = ("=portal__account__hub_id", "=course_id")
    search_help_text = "The number of a HubSpot account, or of a course at LearnUpon"
    fields = ("portal", "course_id", "name", "required", "walked_at")


@admin.register(PortalNumber)
class PortalNumberAdmin(ReadOnly):
    list_display = fields = ("hub_id", "host", "number")
    search_fields = ("=hub_id",)


@admin.register(Tombstone)
class TombstoneAdmin(ReadOnly):
    list_display = ("id", "hub_id", "kind", "record_type", "created_at")
    list_filter = ("kind", "record_type")
    search_fields = ("=hub_id",)
    fields = ("hub_id", "kind", "record_type", "created_at")


WHO = narrowed(
    "who",
    {
        "operators": ("Operators", Q(actor__startswith=OPERATOR)),
        "customers": ("The customer", ~Q(actor__startswith=OPERATOR)),
    },
)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnly):
    """Who an admin of a customer is stands on the entry's own page; operators are named in the list."""

    person = True
    list_display = ("id", "at", "customer", "portal", "who", "action")
    list_filter = (WHO,)
    list_select_related = ("account", "portal")
    search_fields = ("=account__hub_id", "=action")
    search_help_text = "The number of a HubSpot account, or the whole name of an action"
    fields = ("account", "portal", "at", "actor", "action", "details")

    @admin.display(description="who")
    def who(self, entry: AuditEntry) -> str:
        return entry.actor if entry.actor.startswith(OPERATOR) else "the customer"
