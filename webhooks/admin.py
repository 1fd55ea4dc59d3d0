"""Deliveries as operators see them: what became of each, never what it carried; failed ones can be run again."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from portals.operators import ReadOnly, run_again
from webhooks import claims
from webhooks.models import DailyCount, Delivery, Heartbeat


@admin.register(Delivery)
class DeliveryAdmin(ReadOnly):
    person = True
    list_display = (
        "id", "account", "portal", "kind", "lane", "state", "outcome", "tell", "attempts", "received_at", "due_at"
    )  # fmt: skip
    list_filter = ("state", "lane", "tell")
    list_select_related = ("account", "portal")
    search_fields = ("=account__hub_id", "=correlation_id")
    fields = (
        "account", "portal", "kind", "lane", "received_at", "occurred_at", "record_type", "record_id",
        "learnupon_user_id", "enrollment_id", "state", "due_at", "claim", "unended", "attempts", "first_tried_at",
        "outcome", "reason", "correlation_id", "done_at", "tell", "tell_due_at", "tell_attempts", "tell_until",
    )  # fmt: skip
    actions = ("again",)

    @admin.action(description="Run again what failed")
    def again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        failed = queryset.filter(state=Delivery.State.FAILED)
        run_again(request, failed, lambda _, rows: sum(claims.retry(row) for row in rows))


@admin.register(DailyCount)
class DailyCountAdmin(ReadOnly):
    list_display = ("id", "account", "day", "kind", "outcome", "count")
    list_select_related = ("account",)
    search_fields = ("=account__hub_id",)
    fields = ("account", "day", "kind", "outcome", "count")


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnly):
    list_display = fields = ("name", "at")
