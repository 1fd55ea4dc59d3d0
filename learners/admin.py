"""Links and progress as operators see them: ids and states, no names, no addresses, no results."""

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from learners import push
from learners.models import Enrollment, Learner, Notice, ReviewItem, Silence, Tally, Walk
from portals.operators import WHY, ReadOnly, narrowed, run_again

WAITS, REFUSED, TOLD = "Waits for HubSpot", "HubSpot refused it", "HubSpot has it"
PROGRESS = narrowed(
    "progress",
    {
        "waits": (WAITS, Q(due_at__isnull=False)),
        "refused": (REFUSED, Q(due_at=None) & ~Q(parked_reason="")),
        "told": (TOLD, Q(due_at=None, parked_reason="")),
    },
)


@admin.register(Learner)
class LearnerAdmin(ReadOnly):
    person = True
    list_display = (
        "id",
        "customer",
        "portal",
        "record_type",
        "state",
        "added_at",
        "linked_at",
    )
    list_filter = ("state", "record_type", "invitation", "welcome")
    list_select_related = ("account", "portal")
    search_fields = ("=account__hub_id",)
    fields = (
        "account", "portal", "record_type", "record_id", "learnupon_user_id", "state", "state_reason", "added_at",
        "linked_at", "busy_until", "busy_claim", "creating_since", "invitation", "invited_at", "look_at", "welcome",
        "welcome_due_at", "welcome_attempts", "read_due_at", "read_attempts", "checked_at", "seen_at", "missing_since", "paused_at",
    )  # fmt: skip


@admin.register(Enrollment)
class EnrollmentAdmin(ReadOnly):
    person = True
    list_display = (
        "id", "customer", "portal", "progress", "class_of_failure", "attempts", "changed_at", "pushed_at", "due_at",
    )  # fmt: skip
    list_filter = (PROGRESS, WHY)
    list_select_related = ("account", "portal")
    search_fields = ("=account__hub_id", "=correlation_id")
    search_help_text = "The number of a HubSpot account, or a correlation id of HubSpot's"
    fields = (
        "account", "portal", "learner", "enrollment_id", "course_id", "unenrolled", "withdrawn", "read_as_of",
        "progress", "parked_reason", "what_to_do", "correlation_id", "version", "pushed_version", "hubspot_id",
        "associated_with", "changed_at", "pushed_at", "due_at", "claim", "attempts",
    )  # fmt: skip
    readonly_fields = ("progress", "what_to_do")
    actions = ("again",)

    @admin.display(description="progress")
    def progress(self, enrollment: Enrollment) -> str:
        if enrollment.due_at:
            return WAITS
        return REFUSED if enrollment.parked_reason else TOLD

    @admin.action(description="Run again what HubSpot refused")
    def again(self, request: HttpRequest, queryset: QuerySet[Enrollment]) -> None:
        parked = queryset.filter(due_at=None).exclude(parked_reason="")
        run_again(request, parked, lambda account, rows: push.retry(account, [row.pk for row in rows]))


@admin.register(ReviewItem)
class ReviewItemAdmin(ReadOnly):
    person = True
    list_display = ("id", "customer", "portal", "kind", "state", "opened_at", "decided_at")
    list_filter = ("state", "kind")
    list_select_related = ("account", "portal")
    search_fields = ("=account__hub_id",)
    fields = (
        "account", "portal", "kind", "record_type", "first_record", "first_user", "second_record", "second_user",
        "state", "opened_at", "decided_at",
    )  # fmt: skip


@admin.register(Walk)
class WalkAdmin(ReadOnly):
    list_display = (
        "id",
        "customer",
        "portal",
        "kind",
        "state",
        "rows_seen",
        "rows_linked",
        "started_at",
        "due_at",
    )
    list_filter = ("state", "kind")
    list_select_related = ("account", "portal")
    search_fields = ("=account__hub_id",)
    fields = (
        "account", "portal", "kind", "state", "started_at", "ended_at", "courses_total", "page", "preview", "counts",
        "rows_seen", "rows_linked", "due_at", "claim", "attempts", "reason",
    )  # fmt: skip


@admin.register(Notice)
class NoticeAdmin(ReadOnly):
    list_display = ("id", "customer", "cause", "day", "at")
    list_filter = ("cause",)
    list_select_related = ("account",)
    search_fields = ("=account__hub_id",)
    fields = ("account", "cause", "day", "at")


@admin.register(Silence)
class SilenceAdmin(ReadOnly):
    list_display = ("id", "customer", "cause")
    list_filter = ("cause",)
    list_select_related = ("account",)
    search_fields = ("=account__hub_id",)
    fields = ("account", "cause")


@admin.register(Tally)
class TallyAdmin(ReadOnly):
    list_display = ("key", "customer", "counted_at")
    list_select_related = ("account",)
    search_fields = ("=account__hub_id",)
    fields = ("key", "account", "asked", "numbers", "counted_at")
