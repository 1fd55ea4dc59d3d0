"""`/metrics`: what was counted adds up over processes, what stands in the rows is told, cheaply and of nobody."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import DjangoAssertNumQueries, Settings

from hubsync import budget, health, metrics
from learners.models import Enrollment, Learner, Walk
from portals import counters
from portals.clients import limiter
from portals.lanes import Lane
from portals.models import HubSpotAccount, Portal
from webhooks import intake
from webhooks.intake import Arrival
from webhooks.models import Delivery

Labels = tuple[tuple[str, str], ...]


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    counters.flush()
    limiter.store().delete(counters.KEY)
    yield
    counters.flush()


def scrape(client: Client) -> dict[str, dict[Labels, float]]:
    counters.flush()
    found: dict[str, dict[Labels, float]] = {}
    for family in text_string_to_metric_families(client.get("/metrics").content.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def delivery(account: HubSpotAccount, key: str, **changes: object) -> Delivery:
    fields = {"kind": "hubspot.action.user-add", "lane": Lane.ACTIONS, "body": {}} | changes
    return Delivery(account=account, key=key, **fields)


# --- what is counted ----------------------------------------------------------------------------------
def test_counts_of_several_processes_add_up(client: Client, acme: HubSpotAccount) -> None:
    code = (
        "import django; django.setup(); from portals import counters; "
        "[counters.count('hubsync_callbacks', 'told', by=n) for n in (1, 2)]"
    )
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "hubsync.settings"}
    for _ in range(2):  # each ends by itself, and carries what it counted as it goes
        subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=60)
    counters.count("hubsync_callbacks", "told", by=10)
    assert scrape(client)["hubsync_callbacks_total"][(("result", "told"),)] == 16


def test_a_forked_child_does_not_count_its_parents_work_again(client: Client, acme: HubSpotAccount) -> None:
    counters.count("hubsync_callbacks", "told")
    child = os.fork()
    if not child:
        counters.count("hubsync_callbacks", "unknown")
        counters.flush()
        os._exit(0)
    os.waitpid(child, 0)
    found = scrape(client)["hubsync_callbacks_total"]
    assert found == {(("result", "told"),): 1, (("result", "unknown"),): 1}


def test_what_redis_did_not_take_is_kept(
    client: Client, acme: HubSpotAccount, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    counters.count("hubsync_callbacks", "told")
    with monkeypatch.context() as patch:
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
        patch.setattr(counters, "store", limiter.store.__wrapped__)
        counters.flush()
    assert scrape(client)["hubsync_callbacks_total"] == {(("result", "told"),): 1}


def test_a_histogram_counts_each_value_once_in_every_bucket_above_it(
    client: Client, acme: HubSpotAccount
) -> None:
    for seconds in (0.3, 0.5, 4, 10**6):
        counters.observe("hubsync_freshness_seconds", seconds, "live")
    found = scrape(client)
    buckets = {
        dict(labels)["le"]: count for labels, count in found["hubsync_freshness_seconds_bucket"].items()
    }
    assert {le: buckets[le] for le in ("0.5", "1", "5", "86400", "+Inf")} == {
        "0.5": 2, "1": 2, "5": 3, "86400": 3, "+Inf": 4
    }  # fmt: skip
    assert found["hubsync_freshness_seconds_count"][(("lane", "live"),)] == 4
    assert found["hubsync_freshness_seconds_sum"][(("lane", "live"),)] == pytest.approx(10**6 + 4.8)


def test_arrivals_and_repeats(client: Client, acme: HubSpotAccount) -> None:
    for keys in ("ab", "bc"):
        intake.record([Arrival(acme.pk, "hubspot.action.user-add", Lane.ACTIONS, key) for key in keys])
    kind = ("kind", "hubspot.action.user-add")
    assert scrape(client)["hubsync_received_total"] == {
        (("answer", "new"), kind): 3,
        (("answer", "repeat"), kind): 1,
    }


def test_requests_are_counted_by_who_calls(client: Client, acme: HubSpotAccount) -> None:
    client.post("/webhooks/hubspot/events", data="[]", content_type="application/json")
    client.get("/install/")
    client.get("/healthz")
    found = scrape(client)["hubsync_requests_total"]
    assert found == {
        (("source", "events"), ("status", "4xx")): 1,
        (("source", "people"), ("status", "2xx")): 1,
    }


# --- how things stand ---------------------------------------------------------------------------------
def test_due_deliveries_by_lane(client: Client, acme: HubSpotAccount, globex: HubSpotAccount) -> None:
    old = timezone.now() - timedelta(minutes=5)
    for number, account in enumerate((acme, acme, globex)):
        Delivery.objects.bulk_create([delivery(account, f"d{number}", due_at=old)])
    Delivery.objects.bulk_create(
        [
            delivery(acme, "later", due_at=Now() + timedelta(hours=1)),
            delivery(acme, "done", state="done", due_at=old),
        ]
    )
    found = scrape(client)
    assert found["hubsync_due_deliveries"] == {
        (("lane", lane),): 3.0 if lane == "actions" else 0 for lane in Lane
    }
    assert found["hubsync_oldest_due_seconds"][(("lane", "actions"),)] == pytest.approx(300, abs=30)
    assert found["hubsync_oldest_due_seconds"][(("lane", "live"),)] == 0


def test_rows_parked_and_due(client: Client, acme_portal: Portal, globex_portal: Portal) -> None:
    old = timezone.now() - timedelta(minutes=5)
    for portal in (acme_portal, globex_portal):
        learner = Learner.objects.create(
            account=portal.account, portal=portal, record_type="contact", record_id="1", learnupon_user_id=1
        )
        for number, (reason, due) in enumerate([("", old), ("Refused.", None), ("", None)]):
            Enrollment.objects.create(
                account=portal.account, portal=portal, learner=learner, enrollment_id=number, course_id=1,
                parked_reason=reason, due_at=due,
            )  # fmt: skip
    found = scrape(client)
    assert found["hubsync_due_rows"] == {(("lane", "live"),): 2, (("lane", "bulk"),): 0}
    assert found["hubsync_parked_rows"][()] == 2
    assert found["hubsync_portals"] == {(("state", "connected"),): 2}


def test_what_rests_with_a_disconnected_account_is_not_due(client: Client, acme_portal: Portal) -> None:
    """Its alert would never end: the customer may never come back."""
    account, old = acme_portal.account, timezone.now() - timedelta(hours=5)
    HubSpotAccount.objects.update(state=HubSpotAccount.State.DISCONNECTED)
    Delivery.objects.create(
        account=account, kind="hubspot.action.user-add", lane="actions", key="1", due_at=old, tell="owed", tell_due_at=old
    )  # fmt: skip
    learner = Learner.objects.create(
        account=account, portal=acme_portal, record_type="contact", record_id="1"
    )
    Enrollment.objects.create(
        account=account, portal=acme_portal, learner=learner, enrollment_id=1, course_id=1, due_at=old
    )
    found = scrape(client)
    for name in (
        "hubsync_oldest_due_seconds",
        "hubsync_oldest_due_row_seconds",
        "hubsync_oldest_callback_seconds",
    ):
        assert set(found[name].values()) == {0}


def test_the_budget_by_class(client: Client, acme_portal: Portal, globex: HubSpotAccount) -> None:
    Walk.objects.create(account=acme_portal.account, portal=acme_portal, kind=Walk.Kind.HISTORY)
    limiter.store().set("limiter:epoch", 1)
    for hub_id, calls in ((acme_portal.account.hub_id, 3), (globex.hub_id, 1)):
        limiter.store().delete(f"limiter:{hub_id}:general")
        for _ in range(calls):
            limiter.acquire(hub_id, Lane.ACTIONS)
    found = scrape(client)
    assert found["hubsync_budget_used"] == {(("class", "history"),): 3, (("class", "live"),): 1}
    assert found["hubsync_budget_left"] == {
        (("class", "history"),): budget.MOST - 3, (("class", "live"),): budget.MOST - 1
    }  # fmt: skip


@pytest.mark.django_db
def test_without_redis_the_rest_is_told(
    client: Client, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    for module in (counters, metrics, budget, health):
        monkeypatch.setattr(module, "store", limiter.store.__wrapped__)
    found = scrape(client)
    assert found["hubsync_ready"][(("part", "broker"),)] == 0
    assert found["hubsync_ready"][(("part", "database"),)] == 1
    assert "hubsync_parked_rows" in found
    assert found["hubsync_unanswered"][()] == 3  # counters, queues and budgets


# --- cheap, and of nobody -----------------------------------------------------------------------------
@pytest.mark.django_db
def test_a_scrape_asks_few_questions(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    per_question = 4  # savepoint, time-out, question, release
    with django_assert_max_num_queries(4 + 1 + per_question * len(metrics.QUESTIONS)):
        client.get("/metrics")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "query", [query for query in metrics.QUESTIONS if "_delivery" in query or "_enrollment" in query]
)
def test_large_tables_are_asked_by_index(query: str, acme: HubSpotAccount) -> None:
    """Whatever the planner thinks of a small table: with scanning made dear it finds an index for every question."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN (FORMAT JSON) " + query)
        plan = json.dumps(cursor.fetchone()[0])
    for table in ("webhooks_delivery", "learners_enrollment"):
        for node in nodes(json.loads(plan)):
            if node.get("Relation Name") == table:
                assert node["Node Type"] in ("Index Scan", "Index Only Scan"), node
                assert "due_at" in node["Index Cond"] or "account_id" in node["Index Cond"], node


def nodes(plan: object) -> Iterator[dict[str, str]]:
    if isinstance(plan, list):
        for part in plan:
            yield from nodes(part)
    elif isinstance(plan, dict):
        yield plan
        for part in plan.values():
            yield from nodes(part)


@pytest.mark.django_db
def test_a_question_that_takes_too_long_is_given_up(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "QUERY_MILLISECONDS", 10)
    slow = {"SELECT 1 FROM pg_sleep(5)": ((), (("hubsync_slow", "Slow."),))}
    monkeypatch.setattr(metrics, "QUESTIONS", slow | metrics.QUESTIONS)
    found = scrape(client)
    assert "hubsync_slow" not in found
    assert "hubsync_parked_rows" in found
    assert found["hubsync_unanswered"][()] == 1


def test_nothing_of_a_tenant_is_told(client: Client, acme_portal: Portal, globex_portal: Portal) -> None:
    one = Arrival(acme_portal.account_id, "hubspot.action.user-add", Lane.ACTIONS, "a", acme_portal.pk)
    one.record_id = "4711"
    intake.record([one])
    counters.flush()
    text = client.get("/metrics").content.decode()
    for word in ("acme", "globex", "1001", "1002", "4711"):
        assert word not in text


@pytest.mark.django_db
def test_the_public_is_told_that_there_is_no_such_page(client: Client, settings: Settings) -> None:
    settings.DEBUG = False
    assert client.get("/metrics", headers={"X-Forwarded-Proto": "https"}).status_code == 404
    assert client.get("/metrics", headers={"Host": "10.0.0.7:8000"}).status_code == 200
