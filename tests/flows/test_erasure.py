"""A privacy deletion: nothing of the person stays here or in HubSpot's records, and nothing of theirs comes back."""

import threading

import orjson
import pytest
from django.apps import apps
from django.db import connection

from gdpr import erasure
from gdpr.models import Erasure, ErasureStep
from learners import enrollments, links
from learners.models import Enrollment, Learner
from portals.lanes import Lane
from tests.flows.stage import ACME, GLOBEX, Row, Stage
from tests.flows.test_learnupon_events import completion, hook
from tests.flows.test_push import linked, seen
from tests.flows.test_requests import EVENTS, event
from tests.flows.test_story import progress
from webhooks import tasks
from webhooks.models import Delivery

AMARA = "amara.abara@northwind.example"
PERSONAL = (
    "learner_email",
    "record_id",
    "course_name",
    "course_id",
    "portal_name",
    "status",
    "result",
    "completed_at",
)


def delete_privately(stage: Stage, contact: str, account: int = ACME) -> None:
    stage.control("POST", "gdpr-delete", {"account": account, "contact_id": contact})
    stage.settle()


def blanked(rows: list[Row]) -> bool:
    return not any(row["properties"].get(name) for row in rows for name in PERSONAL)


def everywhere(*needles: str) -> list[str]:
    """The columns of our tables that hold one of these texts."""
    found = []
    for model in apps.get_models():
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT t::text FROM "{model._meta.db_table}" t')  # noqa: S608
            rows = " ".join(row for (row,) in cursor.fetchall())
        found += [f"{model.__name__}: {needle}" for needle in needles if needle in rows]
    return found


def test_an_admins_erasure_finds_records_only_hubspot_still_knows(stage: Stage) -> None:
    """Our row is lost (a restored backup), the record in HubSpot is not: the contact's ties still lead to it."""
    learner = linked(stage)
    enrollments.take(learner.portal, [seen(1), seen(2)])
    stage.work()
    Enrollment.objects.filter(enrollment_id=1).delete()
    assert len(stage.records()) == 2
    erasure.request(
        learner.account, "contact", learner.record_id, Erasure.Source.ADMIN, actor="admin@acme.example"
    )
    stage.later(days=1)
    assert stage.records() == []
    assert blanked(stage.records(archived=True))


def test_every_portal_of_the_account_is_emptied_and_only_of_this_account(stage: Stage) -> None:
    learner = linked(stage)
    contact = learner.record_id
    partner = linked(stage, AMARA, "acme-partners", user_id=555)
    enrollments.take(learner.portal, [seen(1)])
    enrollments.take(partner.portal, [seen(1, user=555)])
    theirs = linked(stage, "hank.scorpio@globex.example", "globex")
    Learner.objects.filter(pk=theirs.pk).update(record_id=contact)  # the same number, another tenant's
    enrollments.take(theirs.portal, [seen(1)])
    stage.work()
    assert (len(stage.records(ACME)), len(stage.records(GLOBEX))) == (2, 1)
    delete_privately(stage, contact)
    stage.later(days=1)
    assert stage.records(ACME) == []
    assert blanked(stage.records(ACME, archived=True))
    assert len(stage.records(ACME, archived=True)) == 2
    assert len(stage.records(GLOBEX)) == 1
    assert list(Learner.objects.values_list("pk", flat=True)) == [theirs.pk]
    assert everywhere(AMARA) == []


def test_nothing_names_the_person_after_all_is_done(stage: Stage) -> None:
    contact = stage.new_contact(email="gone.person@x.example", firstname="Gudrun", lastname="Gonepersson")
    for action in ("user-invite", "user-add"):
        stage.add(contact, action=action)
    progress(stage, "gone.person@x.example", "passed")
    stage.post(
        EVENTS,
        [
            event(
                "contact.propertyChange",
                object_id=int(contact),
                propertyName="lastname",
                propertyValue="Gonepersson",
            )
        ],
    )
    stage.work()
    delete_privately(stage, contact)
    stage.later(days=1)
    assert everywhere("gone.person@x.example", "Gudrun", "Gonepersson") == []
    receipt = Erasure.objects.get()
    assert receipt.state == "done"
    assert not ErasureStep.objects.exclude(secret="").exists()
    assert not ErasureStep.objects.filter(done_at=None).exists()


def test_a_late_push_between_the_passes_is_archived_too(stage: Stage) -> None:
    learner = linked(stage)
    enrollments.take(learner.portal, [seen(1)])
    late = stage.upsert_of(Enrollment.objects.get())  # what a call under way would still write
    delete_privately(stage, learner.record_id)
    assert stage.records() == []
    late()
    assert len(stage.records()) == 1  # it came back …
    stage.later(minutes=5)
    assert stage.records() == []  # … and the second pass has seen to it
    assert blanked(stage.records(archived=True))
    assert Erasure.objects.get().state == "done"


def test_an_outage_at_hubspot_delays_and_drops_nothing(stage: Stage) -> None:
    learner = linked(stage)
    enrollments.take(learner.portal, [seen(number) for number in range(1, 4)])
    stage.work()
    stage.fault("hubspot", "/batch/(update|archive)", "status", status=503, times=4)
    delete_privately(stage, learner.record_id)
    assert Erasure.objects.get().state == "running"
    for _ in range(8):
        stage.later(hours=1)
    assert stage.records() == []
    assert blanked(stage.records(archived=True))
    assert Erasure.objects.get().state == "done"


def test_work_that_waits_is_answered_erased(stage: Stage) -> None:
    contact = stage.contact(AMARA)
    callbacks = [stage.run(action, contact)[0] for action in ("user-add", "user-invite")]
    erasure.request(stage.accounts[ACME], "contact", contact, Erasure.Source.ADMIN)
    stage.work()
    for callback in callbacks:
        told = stage.execution(callback)
        assert (told["state"], told["completions"], stage.outcome(told)) == ("failed", 1, "erased")
    assert stage.user(AMARA) is None
    assert stage.mails(AMARA) == []
    assert not Learner.objects.exists()


def test_what_was_done_but_not_told_is_told_as_it_stands_here(stage: Stage) -> None:
    """HubSpot was told `erased`, and our page went on saying `created`."""
    contact = stage.contact(AMARA)
    stage.fault("hubspot", "callbacks", "status", status=503, times=50)
    (execution,) = stage.run("user-add", contact)
    tasks.sweep()
    assert Delivery.objects.get().outcome == "created"
    delete_privately(stage, contact)
    stage.mend()
    stage.later(hours=1)
    run = Delivery.objects.get(callback_id=execution)
    assert (run.outcome, run.tell, stage.outcome(stage.execution(execution))) == ("erased", "told", "erased")


def test_late_data_of_any_kind_brings_nobody_back(stage: Stage) -> None:
    learner = linked(stage)
    enrollments.take(learner.portal, [seen(1)])
    stage.work()
    delete_privately(stage, learner.record_id)
    stage.later(days=1)
    number = int(learner.record_id)
    kinds = ("contact.restore", "contact.deletion", "contact.propertyChange", "contact.merge")
    late = [event(kind, object_id=number, eventId=90 + n) for n, kind in enumerate(kinds)]
    stage.post(EVENTS, late)
    hook(stage, orjson.dumps({"data": [completion()]}), learner.portal.webhook_id)
    body = {
        "callbackId": "ap-late", "origin": {"portalId": ACME}, "inputFields": {"portal": "acme"},
        "object": {"objectId": number, "objectType": "CONTACT", "properties": {"email": AMARA}},
    }  # fmt: skip
    answer = stage.call(body).json()["outputFields"]
    tasks.drain(
        learner.account_id, Lane.LIVE
    )  # while the run waits, which for anybody else the events would wait for
    assert not Delivery.objects.filter(kind__startswith="hubspot.contact.").exclude(body=None).exists()
    stage.later(hours=1)
    assert answer["hs_execution_state"] == "BLOCK"
    assert Delivery.objects.get(callback_id="ap-late").outcome == "erased"
    assert not Learner.objects.exists()
    assert not Enrollment.objects.exists()
    assert stage.records() == []
    assert not Delivery.objects.exclude(body=None).exists()
    assert not Delivery.objects.exclude(record_id="").exists()


def test_a_second_deletion_is_the_same_receipt(stage: Stage) -> None:
    learner = linked(stage)
    enrollments.take(learner.portal, [seen(1)])
    stage.work()
    first = event("contact.privacyDeletion", object_id=int(learner.record_id))
    stage.post(EVENTS, [first, first | {"eventId": 2}, first | {"eventId": 3, "subscriptionId": 9}])
    stage.work()
    stage.later(days=1)
    done = Erasure.objects.get()
    stage.post(EVENTS, [first | {"eventId": 4}])
    stage.work()
    again = Erasure.objects.get()
    assert (again.pk, again.done_at, again.counts) == (done.pk, done.done_at, done.counts)
    outcomes = set(Delivery.objects.values_list("state", "outcome", "record_id"))
    assert outcomes == {("done", "erased", "")}


def test_a_deletion_of_somebody_we_never_knew_blocks_them_all_the_same(stage: Stage) -> None:
    contact = stage.contact(AMARA)
    delete_privately(stage, contact)
    assert Erasure.objects.get().state == "done"
    assert stage.calls_to("hubspot", "/batch/") == []
    with pytest.raises(AssertionError):  # the contact is gone in HubSpot, so no workflow can enroll it
        stage.run("user-add", contact)


def test_a_new_record_with_the_old_address_may_be_added_on_purpose(stage: Stage) -> None:
    stage.add(stage.contact(AMARA))
    delete_privately(stage, Learner.objects.get().record_id)
    fresh = stage.new_contact(email=AMARA, firstname="Amara")
    (told,) = stage.add(fresh)
    assert stage.outcome(told) == "already_exists"
    assert Learner.objects.get().record_id == fresh


def test_somebody_unlinked_before_is_erased_in_hubspot_too(stage: Stage) -> None:
    """Unlinking leaves HubSpot's records as they are; a later privacy deletion must still find them."""
    learner = linked(stage)
    enrollments.take(learner.portal, [seen(1)])
    stage.work()
    links.unlink(learner, "Unlinked by an admin")
    stage.work()
    assert len(stage.records()) == 1
    delete_privately(stage, learner.record_id)
    stage.later(days=1)
    assert stage.records() == []
    assert blanked(stage.records(archived=True))
    assert not Learner.objects.exists()


def test_linked_again_after_unlinking_progress_flows_again(stage: Stage) -> None:
    learner = linked(stage)
    enrollments.take(learner.portal, [seen(1, progress_percent=10.0)])
    stage.work()
    links.unlink(learner, "Unlinked by an admin")
    enrollments.take(learner.portal, [seen(1, minutes=5, progress_percent=50.0)])
    stage.work()
    assert stage.records()[0]["properties"]["progress_percent"] == "10"
    other = linked(stage, "bjorn.bergstrom@contoso.example")  # the account is another record's now
    enrollments.take(learner.portal, [seen(1, minutes=9, progress_percent=60.0)])
    stage.work()
    (record,) = stage.records()
    assert record["properties"]["progress_percent"] == "60"
    assert record["properties"]["learner_email"] == other.email


def test_an_erasure_under_way_while_the_person_is_being_added(stage: Stage) -> None:
    """The deletion comes while LearnUpon is slow to answer: the account is LearnUpon's, the link is not made."""
    contact = stage.contact(AMARA)
    stage.fault("learnupon", "/users$", "delay", method="POST", seconds=0.5, when="after")
    (callback,) = stage.run("user-add", contact)

    def work() -> None:
        try:
            tasks.drain(stage.accounts[ACME].pk, "actions")
        finally:
            connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    stage.wait(lambda: stage.user(AMARA))
    erasure.request(stage.accounts[ACME], "contact", contact, Erasure.Source.ADMIN)
    worker.join()
    stage.later(hours=1)
    assert stage.outcome(stage.execution(callback)) == "erased"
    assert not Learner.objects.exists()
    assert stage.mails(AMARA) == []


def test_adding_and_erasing_at_once_never_ends_in_a_link(stage: Stage) -> None:
    """The workflow's request and the deletion race for each of ten people."""
    contacts = [stage.new_contact(email=f"race{number}@x.example") for number in range(10)]
    stage.run("user-add", *contacts)
    account = stage.accounts[ACME]

    def work() -> None:
        try:
            tasks.drain(account.pk, "actions")
        finally:
            connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    for contact in contacts:
        erasure.request(account, "contact", contact, Erasure.Source.ADMIN)
    worker.join()
    stage.later(hours=1)
    assert not Learner.objects.exists()
    assert not Delivery.objects.exclude(record_id="").exists()
