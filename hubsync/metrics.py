"""Numbers for Prometheus, read from the database when asked: no labels per tenant, nothing about people."""

from collections.abc import Iterator

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

QUERIES: dict[str, tuple[str, list[str], str]] = {
    "hubsync_deliveries": (
        "Deliveries kept, by kind and state.", ["kind", "state"],
        "SELECT kind, state, count(*) FROM webhooks_delivery GROUP BY 1, 2",
    ),
    "hubsync_due_deliveries": (
        "Deliveries that are due, by lane.", ["lane"],
        "SELECT lane, count(*) FROM webhooks_delivery WHERE state = 'waiting' AND due_at <= now() GROUP BY 1",
    ),
    "hubsync_callbacks_owed": (
        "Workflow answers HubSpot still waits for.", [], "SELECT count(*) FROM webhooks_delivery WHERE tell = 'owed'",
    ),
    "hubsync_enrollments_due": (
        "Enrollments to be written to HubSpot.", [],
        "SELECT count(*) FROM learners_enrollment WHERE due_at IS NOT NULL",
    ),
    "hubsync_enrollments_parked": (
        "Enrollments HubSpot refused.", [], "SELECT count(*) FROM learners_enrollment WHERE parked_reason <> ''",
    ),
    "hubsync_accounts": ("HubSpot accounts, by state.", ["state"],
                         "SELECT state, count(*) FROM portals_hubspotaccount GROUP BY 1"),
}  # fmt: skip


class _Rows(Collector):
    def collect(self) -> Iterator[GaugeMetricFamily]:
        for name, (text, labels, query) in QUERIES.items():
            family = GaugeMetricFamily(name, text, labels=labels)
            with connection.cursor() as cursor:
                cursor.execute(query)
                for *values, count in cursor.fetchall():
                    family.add_metric([str(value) for value in values], count)
            yield family


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    registry = CollectorRegistry()
    registry.register(_Rows())
    return HttpResponse(generate_latest(registry), content_type="text/plain; version=0.0.4; charset=utf-8")
