"""Erasures as operators see them: how far each is, nothing about whom; what is left to do can be tried at once."""

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from gdpr import steps
from gdpr.models import Erasure, ErasureStep
from portals.operators import ReadOnly, narrowed, run_again

LEFT = narrowed(
    "work", {"left": ("Still to do", Q(done_at=None)), "done": ("Done", Q(done_at__isnull=False))}
)


@admin.register(Erasure)
class ErasureAdmin(ReadOnly):
    list_display = ("id", "customer", "record_type", "source", "state", "asked_at", "done_at", "lifted_at")
    list_filter = ("state", "source")
    list_select_related = ("account",)
    search_fields = ("=account__hub_id",)
    fields = ("account", "record_type", "source", "state", "asked_at", "done_at", "lifted_at", "counts")
    actions = ("again",)

    @admin.action(description="Run again what is left to do")
    def again(self, request: HttpRequest, queryset: QuerySet[Erasure]) -> None:
        running = queryset.filter(state=Erasure.State.RUNNING).select_related("account")
        run_again(request, running, lambda _, erasures: sum(steps.again(erasure) for erasure in erasures))


@admin.register(ErasureStep)
class ErasureStepAdmin(ReadOnly):
    person = True
    list_display = ("id", "customer", "erasure", "kind", "due_at", "attempts", "done_at")
    list_filter = ("kind", LEFT)
    list_select_related = ("erasure__account",)
    search_fields = ("=erasure__account__hub_id",)
    fields = ("erasure", "kind", "due_at", "claim", "attempts", "done_at", "reason")
