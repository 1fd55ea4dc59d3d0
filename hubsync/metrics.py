"""`/metrics` for Prometheus: what was counted (portals/counters.py) and how things stand now, asked of PostgreSQL and
Redis when scraped. No label names a tenant, and nothing here is about people.

Every question is bounded: it goes by an index, counts to COUNTED_TO at most, and is given up after a moment, so that a
scrape costs the same with a thousand rows and with millions.
"""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import redis
from django.conf import settings
from django.db import Error, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from hubsync import budget, health
from portals import counters
from portals.clients import breaker
from portals.clients.limiter import store
from portals.lanes import Lane

logger = logging.getLogger(__name__)
COUNTED_TO = 10_000  # of one account; more says no more than that it is much
# What only HubSpot could take rests while its account is disconnected, and is not counted as due: nobody lets it lie.
QUERY_MILLISECONDS = 1000

LANES = ", ".join(f"('{lane}')" for lane in Lane.values)
DUE_DELIVERIES = f"""
SELECT l.lane, coalesce(sum(d.count), 0), coalesce(extract(epoch FROM now() - min(d.oldest)), 0)
FROM (VALUES {LANES}) AS l(lane) CROSS JOIN portals_hubspotaccount a CROSS JOIN LATERAL (
    SELECT count(*), min(due_at) AS oldest FROM (
        SELECT due_at FROM webhooks_delivery
        WHERE account_id = a.id AND lane = l.lane AND state = 'waiting' AND due_at <= now()
            AND (a.state = 'connected' OR l.lane <> 'actions')
        ORDER BY due_at LIMIT {COUNTED_TO}
    ) AS due
) AS d GROUP BY l.lane
"""  # noqa: S608  (names of our own)
DUE_ROWS = f"""
SELECT l.lane, coalesce(sum(d.count), 0), coalesce(extract(epoch FROM now() - min(d.oldest)), 0)
FROM (VALUES ('live', false), ('bulk', true)) AS l(lane, bulk) CROSS JOIN portals_hubspotaccount a
CROSS JOIN LATERAL (
    SELECT count(*), min(due_at) AS oldest FROM (
        SELECT due_at FROM learners_enrollment
        WHERE account_id = a.id AND bulk = l.bulk AND due_at IS NOT NULL AND due_at <= now() AND a.state = 'connected'
        ORDER BY due_at LIMIT {COUNTED_TO}
    ) AS due
) AS d GROUP BY l.lane
"""  # noqa: S608
PARKED_ROWS = f"""
SELECT coalesce(sum(d.count), 0) FROM portals_hubspotaccount a CROSS JOIN LATERAL (
    SELECT count(*) FROM (
        SELECT 1 FROM learners_enrollment WHERE account_id = a.id AND parked_reason <> '' LIMIT {COUNTED_TO}
    ) AS parked
) AS d
"""  # noqa: S608
CALLBACKS_OWED = f"""
SELECT coalesce(sum(d.count), 0), coalesce(extract(epoch FROM now() - min(d.oldest)), 0)
FROM portals_hubspotaccount a CROSS JOIN LATERAL (
    SELECT count(*), min(tell_due_at) AS oldest FROM (
        SELECT tell_due_at FROM webhooks_delivery
        WHERE account_id = a.id AND tell = 'owed' AND tell_due_at <= now() AND a.state = 'connected'
        ORDER BY tell_due_at LIMIT {COUNTED_TO}
    ) AS owed
) AS d
"""  # noqa: S608
ERASURE_STEPS = f"""
SELECT count(*), coalesce(extract(epoch FROM now() - min(due_at)), 0) FROM (
    SELECT due_at FROM gdpr_erasurestep WHERE done_at IS NULL AND due_at <= now() ORDER BY due_at LIMIT {COUNTED_TO}
) AS due
"""  # noqa: S608

# The metrics of one question: name, text, labels. Each row begins with the labels' values.
Named = tuple[tuple[str, str], ...]
QUESTIONS: dict[str, tuple[tuple[str, ...], Named]] = {
    DUE_DELIVERIES: (("lane",), (
        ("hubsync_due_deliveries", "Deliveries that are due, by lane."),
        ("hubsync_oldest_due_seconds", "How long the oldest due delivery of a lane has been due."),
    )),
    DUE_ROWS: (("lane",), (
        ("hubsync_due_rows", "Enrollments due to be written to HubSpot, by lane."),
        ("hubsync_oldest_due_row_seconds", "How long the oldest of a lane has been due."),
    )),
    PARKED_ROWS: ((), (("hubsync_parked_rows", "Enrollments HubSpot refused, or refused for now."),)),
    CALLBACKS_OWED: ((), (
        ("hubsync_callbacks_owed", "Answers to blocked workflow steps that are due to be sent."),
        ("hubsync_oldest_callback_seconds", "How long the oldest of them has been due."),
    )),
    ERASURE_STEPS: ((), (
        ("hubsync_due_erasure_steps", "Steps of privacy deletions that are due."),
        ("hubsync_oldest_erasure_step_seconds", "How long the oldest of them has been due."),
    )),
    "SELECT state, count(*) FROM portals_hubspotaccount GROUP BY 1": (
        ("state",), (("hubsync_accounts", "HubSpot accounts, by state."),)),
    "SELECT state, count(*) FROM portals_portal GROUP BY 1": (
        ("state",), (("hubsync_portals", "LearnUpon portals, by state."),)),
}  # fmt: skip
Asked = Callable[[], Iterator[Metric]]


class _Now(Collector):
    """Each part by itself: what cannot be asked now is left out, counted, and hides nothing else."""

    def collect(self) -> Iterator[Metric]:
        unanswered = 0
        found = health.parts()
        asked = [_counted, _queues, _breakers]
        if found["database"] == health.OK:  # else each of these would wait for it again
            asked += [_budgets, *(_question(query) for query in QUESTIONS)]
        for part in asked:
            try:
                yield from list(part())
            except (Error, redis.RedisError):
                unanswered += 1
        yield _readiness(found)
        yield _gauge("hubsync_unanswered", "Questions of this scrape that got no answer in time.", unanswered)


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)


def _question(query: str) -> Asked:
    def asked() -> Iterator[Metric]:
        labels, named = QUESTIONS[query]
        families = [GaugeMetricFamily(name, text, labels=labels) for name, text in named]
        for row in rows(query):
            values = [str(value) for value in row[: len(labels)]]
            for family, number in zip(families, row[len(labels) :], strict=True):
                family.add_metric(values, float(number))
        yield from families

    return asked


def rows(query: str) -> list[tuple[Any, ...]]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {QUERY_MILLISECONDS}")
        cursor.execute(query)
        return list(cursor.fetchall())


def _counted() -> Iterator[Metric]:
    totals: dict[str, dict[tuple[str, ...], float]] = {}
    for field, amount in counters.totals().items():
        name, *labels = field.split("|")
        totals.setdefault(name, {})[tuple(labels)] = amount
    for name, counter in counters.COUNTERS.items():
        if counter.buckets:
            yield _histogram(name, counter, totals)
            continue
        family = CounterMetricFamily(name, counter.text, labels=counter.labels)
        for values, amount in sorted(totals.get(name, {}).items()):
            family.add_metric(values, amount)
        yield family


def _histogram(
    name: str, counter: counters.Counter, totals: dict[str, dict[tuple[str, ...], float]]
) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, counter.text, labels=counter.labels)
    bounds = [*(f"{bound:g}" for bound in counter.buckets), "+Inf"]
    for labels, total in sorted(totals.get(f"{name}_sum", {}).items()):
        running, buckets = 0.0, []
        for bound in bounds:
            running += totals.get(name, {}).get((*labels, bound), 0.0)
            buckets.append((bound, running))
        family.add_metric(labels, buckets, total)
    return family


def _queues() -> Iterator[Metric]:
    family = GaugeMetricFamily("hubsync_queue_length", "Wake-ups waiting in the broker.", labels=["queue"])
    for queue in Lane.values:
        family.add_metric([queue], float(store().llen(queue)))
    yield family


def _breakers() -> Iterator[Metric]:
    family = GaugeMetricFamily(
        "hubsync_breakers_open", "Accounts or portals whose vendor is left alone.", labels=["vendor"]
    )
    for vendor, number in breaker.counts().items():
        family.add_metric([vendor], number)
    yield family


def _budgets() -> Iterator[Metric]:
    """By class of account: those that bring in history live near the limit, the others should not."""
    used = GaugeMetricFamily(
        "hubsync_budget_used", "Calls to HubSpot in the last 10 s, by class.", labels=["class"]
    )
    left = GaugeMetricFamily(
        "hubsync_budget_left",
        "What the account of a class with the least has left in 10 s.",
        labels=["class"],
    )
    for name, spent in budget.by_class().items():
        used.add_metric([name], sum(spent))
        left.add_metric([name], min((budget.MOST - calls for calls in spent), default=budget.MOST))
    yield from (used, left)


def _readiness(found: dict[str, str]) -> Metric:
    family = GaugeMetricFamily("hubsync_ready", "What /readyz finds: 1 is well.", labels=["part"])
    for part, said in found.items():
        family.add_metric([part], float(said == health.OK))
    return family


@csrf_exempt  # another method is answered 405, like everywhere
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Not for the public: what came through the proxy that ends TLS is told that there is no such page."""
    if not settings.DEBUG and "HTTP_X_FORWARDED_PROTO" in request.META:
        return HttpResponse("Not found\n", status=404, content_type="text/plain")
    registry = CollectorRegistry()
    registry.register(_Now())
    return HttpResponse(generate_latest(registry), content_type="text/plain; version=0.0.4; charset=utf-8")
