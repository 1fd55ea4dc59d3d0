"""Deliveries as operators see them: what became of each, never what it carried; failed ones can be run again."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.timezone import localtime

from portals.operators import WHY, ReadOnly, run_again
from webhooks import claims
from webhooks.models import DailyCount, Delivery, Heartbeat


@admin.register(Delivery)
class DeliveryAdmin(ReadOnly):
    person = True
    list_display = (
        "id", "received_at", "customer", "portal", "kind", "state", "outcome", "class_of_failure", "next_try"
    )  # fmt: skip
    list_filter = ("state", WHY, "lane", "tell")
    list_select_related = ("account", "portal")
    search_fields = ("=account__hub_id", "=correlation_id")
    search_help_text = "The number of a HubSpot account, or a correlation id of HubSpot's"
    fields = (
        "account", "portal", "kind", "lane", "received_at", "occurred_at", "record_type", "record_id",
        "learnupon_user_id", "enrollment_id", "state", "outcome", "reason", "what_to_do", "correlation_id", "next_try",
        "claim", "unended", "asked_at", "attempts", "first_tried_at", "done_at", "tell", "tell_due_at", "tell_attempts",
        "tell_until",
    )  # fmt: skip
    readonly_fields = ("what_to_do", "next_try")
    actions = ("again",)

    @admin.display(description="next try")
    def next_try(self, delivery: Delivery) -> str:
        """What has ended keeps the moment when its last claim would have run out, which says nothing."""
        if delivery.state != Delivery.State.WAITING:
            return "-"
        return date_format(localtime(delivery.due_at), "DATETIME_FORMAT")

    @admin.action(description="Run again what failed")
    def again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        failed = queryset.filter(state=Delivery.State.FAILED)
        run_again(request, failed, lambda _, rows: sum(claims.retry(row) for row in rows))


@admin.register(DailyCount)
class DailyCountAdmin(ReadOnly):
    list_display = ("id", "customer", "day", "kind", "outcome", "count")
    list_select_related = ("account",)
    search_fields = ("=account__hub_id",)
    fields = ("account", "day", "kind", "outcome", "count")


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnly):
    list_display = fields = ("name", "at")
