"""Connections as operators see them: no tokens, keys, secrets or addresses of people; portals can be paused."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

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
from portals.operators import OPERATOR, ReadOnly, name_of

admin.site.site_header = admin.site.site_title = "Hubsync operators"
admin.site.index_title = "Everything here is read-only, and every look at a person is recorded"
admin.site.site_url = None


@admin.register(HubSpotAccount)
class HubSpotAccountAdmin(ReadOnly):
    list_display = ("hub_id", "hub_domain", "state", "disconnected_reason", "connected_at", "purged_at")
    list_filter = ("state",)
    search_fields = ("=hub_id", "hub_domain")
    fields = (
        "hub_id", "hub_domain", "ui_domain", "time_zone", "state", "disconnected_reason", "disconnected_at",
        "generation", "installed_at", "connected_at", "purged_at", "token_expires_at", "scopes", "app_object_type",
        "app_object_problem", "user_associations", "configuration_problem",
    )  # fmt: skip


@admin.register(Portal)
class PortalAdmin(ReadOnly):
    list_display = (
        "id", "title", "subdomain", "region", "account", "state", "record_type", "last_event_at", "last_walk_at"
    )  # fmt: skip
    list_filter = ("state", "record_type", "region")
    list_select_related = ("account",)
    search_fields = ("=account__hub_id", "subdomain")
    fields = (
        "account", "number", "subdomain", "region", "title", "record_type", "sso", "realm", "clash_policy",
        "welcome_mail", "record_field", "state", "state_reason", "drift", "connected_at", "last_event_at",
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


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnly):
    """Who an admin of a customer is stands on the entry's own page; operators are named in the list."""

    person = True
    list_display = ("id", "at", "account", "portal", "who", "action")
    list_select_related = ("account", "portal")
    search_fields = ("=account__hub_id", "=action")
    fields = ("account", "portal", "at", "actor", "action", "details")

    @admin.display(description="who")
    def who(self, entry: AuditEntry) -> str:
        return entry.actor if entry.actor.startswith(OPERATOR) else "the customer"
