"""What happens while something else is under way: the later word counts, whoever is quicker."""

import threading
from collections.abc import Callable
from datetime import timedelta

import orjson
import pytest
from django.db import connection
from django.utils import timezone

import learners.tasks
from gdpr import erasure
from gdpr.models import Erasure
from learners import carrying, enrollments, links, people, presence, push, push_rows
from learners.models import Enrollment, Learner
from portals.models import HubSpotAccount, Portal
from tests.flows.stage import ACME, Stage
from tests.flows.test_learnupon_events import completion, hook
from tests.flows.test_provisioning import map_field
from tests.flows.test_push import BJORN, by_key, fault_hits, linked, seen
from tests.flows.test_push_turns import another_worker
from tests.flows.test_requests import EVENTS, event
from webhooks import tasks
from webhooks.models import Delivery

AMARA = "amara.abara@northwind.example"


def in_thread(work: object, *arguments: object) -> threading.Thread:
    """Another worker, begun."""

    def run() -> None:
        try:
            work(*arguments)  # type: ignore[operator]
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_news_waits_for_the_call_that_carries_the_old_value(stage: Stage) -> None:
    """A history is pushed; a call of it is slow, and its row changes. Would catch: both calls under way at once, and
    HubSpot left with the older value for good."""
    learner = linked(stage)
    rows = [seen(number, progress_percent=10.0) for number in range(1, 1301)]
    enrollments.take(learner.portal, rows, bulk=True)
    stage.fault("hubspot", "/batch/upsert", "delay", seconds=1.5, when="before")
    stage.fault("hubspot", "/batch/upsert", "delay", seconds=0.2, times=1000)
    worker = in_thread(push.push, HubSpotAccount.objects.get(hub_id=ACME), "bulk")
    stage.wait(lambda: fault_hits(stage))
    (slow,) = Enrollment.objects.filter(claim=1).order_by("pk")[:1]
    enrollments.take(learner.portal, [seen(slow.enrollment_id, minutes=5, progress_percent=60.0)])
    worker.join()
    stage.mend()
    stage.later(minutes=5)
    assert by_key(stage)[slow.key]["properties"]["progress_percent"] == "60"
    assert not Enrollment.objects.exclude(due_at=None).exists()


def test_a_writer_of_many_rows_takes_them_in_one_order(stage: Stage) -> None:
    """Would catch: two that wait for each other, of which the database kills one."""
    learner = linked(stage)
    enrollments.take(learner.portal, [seen(1), seen(2)])
    first, second = push_rows.claim(learner.account, 100, bulk=False)
    lock = "SELECT FROM learners_enrollment WHERE id = %s FOR UPDATE"
    with another_worker() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(lock, [first.pk])
        worker = in_thread(push_rows.done, [second, first])
        stage.wait(lambda: _somebody_waits())
        cursor.execute(lock, [second.pk])
        cursor.execute("COMMIT")
        worker.join()
    assert Enrollment.objects.filter(due_at=None).count() == 2


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])


def test_somebody_who_cannot_be_searched_makes_room_for_the_others(stage: Stage) -> None:
    """Would catch: one address LearnUpon does not search for keeps a portal's invited people unlinked for ever."""
    odd = stage.new_contact(email="odd@x.example")
    stage.add(odd, stage.contact(AMARA), action="user-invite")
    stage.control("POST", "accept-invite", {"portal": "acme", "email": AMARA})
    stage.hear()
    long_ago = timezone.now() - timedelta(hours=1)
    Learner.objects.filter(record_id=odd).update(look_at=long_ago)
    Learner.objects.exclude(record_id=odd).update(look_at=long_ago + timedelta(minutes=1))
    stage.fault("learnupon", "/users/search", "status", status=400)
    portal = stage.portals["acme"]
    learners.tasks.look_task(portal.pk, "live")
    assert Learner.objects.get(state="active").email == AMARA
    assert Learner.objects.filter(record_id=odd, look_at__gt=timezone.now()).exists()
    assert Portal.objects.get(pk=portal.pk).state_reason == ""


def test_a_passing_refusal_is_not_shown_for_ever(stage: Stage) -> None:
    people = [stage.new_contact(email=f"p{number}@x.example") for number in range(7)]
    stage.add(*people, action="user-invite")
    portal = stage.portals["acme"]
    stage.fault("learnupon", "/group_invites", "status", status=403)
    for shown in (True, False):
        Learner.objects.update(look_at=timezone.now())
        learners.tasks.look_task(portal.pk, "live")
        assert bool(Portal.objects.get(pk=portal.pk).state_reason) == shown


def test_a_link_that_paused_while_its_invitation_was_looked_at_stays_paused(stage: Stage) -> None:
    stage.add(stage.contact(AMARA), action="user-invite")
    stage.control("POST", "accept-invite", {"portal": "acme", "email": AMARA})
    stage.hear()
    Learner.objects.update(look_at=timezone.now())
    stage.fault("learnupon", "/users/search", "delay", seconds=0.4, when="after")
    worker = in_thread(learners.tasks.look_task, stage.portals["acme"].pk, "live")
    stage.wait(lambda: fault_hits(stage))
    links.pause(Learner.objects.all(), links.DELETED)
    worker.join()
    assert Learner.objects.get().state == "paused"


def test_an_event_waits_for_a_link_only_while_one_may_be_made(stage: Stage) -> None:
    """The account is there under another address by now. Would catch: asking LearnUpon every two seconds, for ever."""
    stage.add(stage.contact(AMARA), action="user-invite")
    told = completion(user={"userId": 4711, "email": AMARA})
    hook(stage, orjson.dumps({"data": [told]}), stage.portals["acme"].webhook_id)
    stage.work()
    assert Delivery.objects.get(kind="learnupon.course_completion").state == "waiting"
    stage.later(hours=1)
    done = Delivery.objects.get(kind="learnupon.course_completion")
    assert (done.state, done.outcome, done.body) == ("done", "not_linked", None)


def test_a_record_deleted_while_presence_was_looking_stays_paused(stage: Stage) -> None:
    learner = linked(stage)
    Learner.objects.update(seen_at=timezone.now() - timedelta(days=1, minutes=1))
    stage.fault("hubspot", "/contacts/batch/read", "delay", seconds=0.4, when="after")
    worker = in_thread(learners.tasks.presence_task, learner.portal_id, "live")
    stage.wait(lambda: fault_hits(stage))
    stage.post(EVENTS, [event("contact.deletion", object_id=int(learner.record_id))])
    tasks.drain(learner.account_id, "live")
    worker.join()
    assert Learner.objects.get().state == "paused"


def test_sync_now_counts_while_a_comparison_is_under_way(stage: Stage) -> None:
    """What HubSpot was asked for before somebody pressed the button is not what they mean."""
    linked(stage)
    portal = stage.portals["acme"]
    Learner.objects.update(checked_at=None)
    stage.fault("hubspot", "/contacts/batch/read", "delay", seconds=0.4, when="after")
    worker = in_thread(carrying.refresh, portal)
    stage.wait(lambda: fault_hits(stage))
    carrying.sync_now(portal)
    worker.join()
    assert carrying.due_portals() == [portal.pk]
    assert carrying.refresh(portal) == 1
    assert carrying.due_portals() == []


def test_a_property_mapped_after_the_record_was_read_empties_nothing(stage: Stage) -> None:
    """Would catch: a field at LearnUpon emptied, because its property was not asked for yet."""
    number = map_field(stage, "Department", "department")
    contact = stage.new_contact(email="maria.b@x.example", department="Sales")
    stage.add(contact)
    learner = Learner.objects.get()
    learner.portal.mappings.all().delete()
    someone = people.read(learner.portal, [contact], "live")[contact]
    map_field(stage, "Department", "department")
    carrying.carry_over(learner, someone, "live")
    user = stage.user("maria.b@x.example")
    assert user is not None
    assert {v["definition_id"]: v["value"] for v in user["customDataFieldValues"]}[number] == "Sales"


@pytest.mark.parametrize("due_portals", [carrying.due_portals, presence.due_portals])
def test_no_portal_waits_for_ever_behind_others(
    stage: Stage, due_portals: Callable[[int], list[int]]
) -> None:
    """Those of which nothing can be had just now stay due, and would take every place."""
    for portal in stage.portals.values():
        Learner.objects.create(
            account=portal.account, portal=portal, record_type="contact", record_id="1", state="active",
            seen_at=timezone.now() - timedelta(days=3),
        )  # fmt: skip
    seen_due = {portal for _ in range(100) for portal in due_portals(1)}
    assert seen_due == {portal.pk for portal in stage.portals.values()}


def test_a_survivor_erased_before_its_merge_is_worked_takes_the_merged_along(stage: Stage) -> None:
    """A deletion for privacy comes by a lane of its own, so it overtakes the merge that came before it."""
    learner, survivor = linked(stage), stage.contact(BJORN)
    enrollments.take(learner.portal, [seen(1)])
    stage.work()
    merged = {"primaryObjectId": int(survivor), "mergedObjectIds": [int(learner.record_id)]}
    stage.post(EVENTS, [event("contact.merge", object_id=int(survivor)) | merged])
    erasure.request(learner.account, "contact", survivor, Erasure.Source.HUBSPOT)
    stage.work()
    stage.later(hours=1)
    assert not Learner.objects.exists()
    assert not Enrollment.objects.exists()
    assert stage.records() == []
