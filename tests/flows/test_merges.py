"""Records that become one, or come back as another: the link follows, and where it cannot, a person is asked."""

import json
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone

from gdpr import erasure
from gdpr.models import Erasure
from learners import enrollments, links, reviewing
from learners.claims import learner_for
from learners.models import Learner
from learners.reviewing import Side
from learners.reviewitem import ReviewItem
from portals import tombstones
from portals.lanes import Lane
from tests.conftest import signed_in
from tests.flows.stage import ACME, Stage
from tests.flows.test_push import linked, seen
from tests.flows.test_requests import EVENTS, event
from tests.flows.test_story import progress
from webhooks import claims, tasks
from webhooks.models import Delivery
from webhooks.results import Done

AMARA, BJORN = "amara.abara@northwind.example", "bjorn.bergstrom@contoso.example"


def merge(stage: Stage, primary: str, merged: str, **more: object) -> None:
    body = {"account": ACME, "contact_id": primary, "merged_id": merged, **more}
    stage.control("POST", "merge", body)
    stage.settle()


def shown(stage: Stage) -> set[tuple[str, str]]:
    """Living records: key, and the record they say they belong to."""
    return {(r["properties"]["enrollment_key"], r["properties"]["record_id"]) for r in stage.records()}


@pytest.fixture
def two(stage: Stage) -> tuple[Learner, Learner]:
    """Amara and Björn, each linked to an account of their own, with one course each in HubSpot."""
    for email in (AMARA, BJORN):
        stage.add(stage.contact(email))
        progress(stage, email, "completed")
    amara, bjorn = Learner.objects.order_by("pk")
    return amara, bjorn


def states() -> dict[int, str]:
    return dict(Learner.objects.values_list("pk", "state"))


@pytest.mark.parametrize("new_id", [False, True])
def test_the_link_of_the_merged_record_moves(stage: Stage, new_id: bool) -> None:
    learner, survivor = linked(stage), stage.contact(BJORN)
    enrollments.take(learner.portal, [seen(1)])
    stage.work()
    merge(stage, survivor, learner.record_id, new_id=new_id)
    learner.refresh_from_db()
    assert learner.state == "active"
    assert learner.record_id in {str(row["id"]) for row in stage.world("contacts", account=ACME)}
    assert shown(stage) == {("1:1", learner.record_id)}
    assert learner.enrollments.get().associated_with == learner.record_id
    assert not ReviewItem.objects.exists()


def test_the_survivors_name_reaches_the_account(stage: Stage) -> None:
    """No event tells that the linked record's name is another one now."""
    contact, survivor = stage.contact(AMARA), stage.contact(BJORN)
    stage.add(contact)
    merge(stage, survivor, contact)
    account = stage.user(AMARA)
    assert account
    assert (account["first_name"], account["last_name"]) == ("Björn", "Bergström")


def test_two_linked_records_wait_for_a_person(stage: Stage, two: tuple[Learner, Learner]) -> None:
    amara, bjorn = two
    merge(stage, amara.record_id, bjorn.record_id)
    assert states() == {amara.pk: "active", bjorn.pk: "paused"}
    item = ReviewItem.objects.get()
    assert (item.kind, item.first_user, item.second_user) == (
        "merged", amara.learnupon_user_id, bjorn.learnupon_user_id,
    )  # fmt: skip
    progress(stage, BJORN, "completed")  # nothing flows for the one that waits
    assert len(stage.records()) == 2
    merge_event: dict[str, Any] = {
        "primaryObjectId": int(amara.record_id),
        "mergedObjectIds": [int(bjorn.record_id)],
    }
    stage.post(EVENTS, [event("contact.merge", object_id=int(amara.record_id), eventId=9, **merge_event)])
    stage.work()
    assert ReviewItem.objects.count() == 1


@pytest.mark.parametrize("choice", ["first", "second"])
def test_what_a_person_keeps_is_linked_and_one_set_of_records_stays(
    stage: Stage, two: tuple[Learner, Learner], choice: str
) -> None:
    amara, bjorn = two
    kept, lost = (amara, bjorn) if choice == "first" else (bjorn, amara)
    survivor = amara.record_id
    merge(stage, survivor, bjorn.record_id)
    assert reviewing.keep(ReviewItem.objects.get(), choice)
    stage.settle()
    assert states() == {kept.pk: "active", lost.pk: "unlinked"}
    assert Learner.objects.get(pk=kept.pk).record_id == survivor
    assert {record for _, record in shown(stage)} == {survivor}
    (gone,) = stage.records(archived=True)
    assert not gone["properties"].get("learner_email")
    progress(stage, AMARA if kept is amara else BJORN, "completed")
    assert len(stage.records()) == 2
    other = "second" if choice == "first" else "first"
    assert not reviewing.keep(ReviewItem.objects.get(), other)
    merged_away = stage.user(BJORN), stage.user(AMARA)
    assert all(merged_away)  # both accounts are LearnUpon's


def test_one_account_wanted_by_two_records(stage: Stage) -> None:
    """The second record has the first one's e-mail as a secondary one: it is not linked, and a person is asked."""
    holder = stage.contact(AMARA)
    stage.add(holder)
    progress(stage, AMARA, "completed")
    wants = stage.new_contact(email="a.abara@other.example", hs_additional_emails=AMARA)
    (told,) = stage.add(wants)
    assert stage.outcome(told) == "linked_elsewhere"
    item = ReviewItem.objects.get()
    assert (item.kind, item.first_record, item.second_record) == ("elsewhere", holder, wants)
    assert Learner.objects.count() == 1
    assert reviewing.keep(item, "second")
    stage.settle()
    assert Learner.objects.exclude(state="unlinked").get().record_id == wants
    assert shown(stage) == {(stage.records()[0]["properties"]["enrollment_key"], wants)}


def test_a_record_that_left_and_came_back_takes_its_account_over(stage: Stage) -> None:
    stage.add(stage.contact(AMARA))
    progress(stage, AMARA, "completed")
    old = Learner.objects.get()
    stage.control("POST", "delete", {"account": ACME, "contact_id": old.record_id})
    stage.settle()
    fresh = stage.new_contact(email=AMARA, firstname="Amara")
    (told,) = stage.add(fresh)
    assert stage.outcome(told) == "already_exists"
    stage.settle()
    assert states()[old.pk] == "unlinked"
    assert Learner.objects.get(state="active").record_id == fresh
    assert {record for _, record in shown(stage)} == {fresh}
    assert not ReviewItem.objects.exists()


def test_a_paused_link_refuses_and_one_that_is_back_goes_on(stage: Stage) -> None:
    learner = linked(stage)
    links.pause(Learner.objects.filter(pk=learner.pk), links.MISSING)
    (told,) = stage.add(learner.record_id, action="update-learner")  # HubSpot shows it: a restore was missed
    assert Learner.objects.get().state == "active"
    links.pause(
        Learner.objects.filter(pk=learner.pk), "Its record was merged into one that is linked already."
    )
    (told,) = stage.add(learner.record_id, action="update-learner")
    assert (stage.outcome(told), Learner.objects.get().state) == ("refused", "paused")


def test_what_came_in_about_the_merged_record_is_found_under_the_survivor(stage: Stage) -> None:
    """Erasing the survivor takes everything, and late requests under the old number bring nobody back."""
    gone, survivor = stage.contact(BJORN), stage.contact(AMARA)
    stage.add(gone)
    merge(stage, survivor, gone)
    assert Learner.objects.get().record_id == survivor
    erasure.request(stage.accounts[ACME], "contact", survivor, Erasure.Source.HUBSPOT)
    assert not Delivery.objects.exclude(body=None).exists()
    assert not Delivery.objects.filter(record_id__in=[gone, survivor]).exists()
    assert tombstones.record_is_erased(stage.accounts[ACME], "contact", gone)


def test_a_merge_waits_for_who_is_just_being_added(stage: Stage) -> None:
    """Would catch: a link to a record that is no more, made by a worker that had read it just before."""
    old, survivor = stage.new_contact(email="new@x.example"), stage.new_contact()
    account = stage.accounts[ACME]
    (run,) = stage.run("user-add", old)
    (in_hand,) = claims.claim(account.pk, Lane.ACTIONS, 10)
    stage.control(
        "POST", "merge", {"account": ACME, "contact_id": survivor, "merged_id": old, "new_id": False}
    )
    stage.hear()
    tasks.drain(account.pk, Lane.LIVE)
    merged = Delivery.objects.get(kind="hubspot.contact.merge")
    assert (merged.state, merged.attempts) == ("waiting", 0)
    made = made_by_a_worker(stage, old)
    assert claims.write(in_hand, Done("created", "Made."))
    stage.later(minutes=3)
    made.refresh_from_db()
    assert (made.record_id, made.state) == (survivor, "active")
    assert Delivery.objects.get(callback_id=run).record_id == survivor


def test_a_merge_waits_for_no_run_that_nobody_works_on(stage: Stage) -> None:
    """Would catch: a paused portal that keeps every merge waiting for as long as it is paused."""
    old, survivor = stage.new_contact(email="new@x.example"), stage.new_contact()
    (run,) = stage.run("user-add", old)
    stage.control(
        "POST", "merge", {"account": ACME, "contact_id": survivor, "merged_id": old, "new_id": False}
    )
    stage.hear()
    tasks.drain(stage.accounts[ACME].pk, Lane.LIVE)
    assert Delivery.objects.get(callback_id=run).record_id == survivor
    stage.work()
    assert Learner.objects.get().record_id == survivor


def made_by_a_worker(stage: Stage, record_id: str) -> Learner:
    """As the worker makes it that has the run in hand."""
    learner = learner_for(stage.portals["acme"], "contact", record_id)
    assert learner
    Learner.objects.filter(pk=learner.pk).update(
        state="active", learnupon_user_id=7, checked_at=timezone.now()
    )
    return learner


def test_a_merge_worked_again_after_a_death_still_knows_the_former_record(stage: Stage) -> None:
    """Would catch: late news of the merged record, which make somebody who was erased a learner again."""
    learner, survivor = linked(stage), stage.new_contact()
    former = learner.record_id
    merge(stage, survivor, former)
    merged = Delivery.objects.filter(kind="hubspot.contact.merge")
    merged.update(state="waiting", done_at=None, due_at=Now())  # nobody wrote down that it was done
    stage.work()
    assert merged.get().outcome == "unchanged"
    stage.control("POST", "gdpr-delete", {"account": ACME, "contact_id": survivor})
    stage.settle()
    assert tombstones.record_is_erased(stage.accounts[ACME], "contact", former)


def test_a_merge_told_after_the_survivors_erasure_erases_the_rest(stage: Stage) -> None:
    learner, survivor = linked(stage, BJORN), stage.contact(AMARA)
    enrollments.take(learner.portal, [seen(1)])
    stage.work()
    erasure.request(stage.accounts[ACME], "contact", survivor, Erasure.Source.HUBSPOT)
    told: dict[str, Any] = {"primaryObjectId": int(survivor), "mergedObjectIds": [int(learner.record_id)]}
    stage.post(EVENTS, [event("contact.merge", object_id=int(survivor), **told)])
    stage.work()
    stage.later(hours=1)
    assert not Learner.objects.exists()
    assert stage.records() == []
    assert not Delivery.objects.exclude(body=None).exists()


def test_numbers_no_record_can_have_are_passed_over(stage: Stage) -> None:
    """Found by the fuzz: they broke our code, again and again for half an hour."""
    learner, survivor = linked(stage), stage.contact(BJORN)
    told: dict[str, Any] = {
        "primaryObjectId": 10**40,
        "newObjectId": -1,
        "mergedObjectIds": [2**63, True, int(learner.record_id)],
    }
    stage.post(EVENTS, json.dumps([event("contact.merge", object_id=int(survivor), **told)]).encode())
    stage.work()
    assert [(row.state, row.outcome) for row in stage.deliveries(kind="hubspot.contact.merge")] == [
        ("done", "moved")
    ]
    assert Learner.objects.get().record_id == survivor


def test_an_event_that_waits_is_not_turned_against_the_survivor(stage: Stage) -> None:
    """HubSpot may tell of the merged record's deletion after the merge: the survivor's link does not pause."""
    learner, survivor = linked(stage), stage.contact(BJORN)
    told: dict[str, Any] = {"primaryObjectId": int(survivor), "mergedObjectIds": [int(learner.record_id)]}
    stage.post(
        EVENTS,
        [
            event("contact.merge", object_id=int(survivor), eventId=1, **told),
            event("contact.deletion", object_id=int(learner.record_id), eventId=2),
        ],
    )
    stage.work()
    learner.refresh_from_db()
    assert (learner.record_id, learner.state) == (survivor, "active")


# --- the page --------------------------------------------------------------------------------------------
def test_the_page_shows_both_sides_and_takes_a_decision(stage: Stage, two: tuple[Learner, Learner]) -> None:
    amara, bjorn = two
    merge(stage, amara.record_id, bjorn.record_id)
    item, admin = ReviewItem.objects.get(), signed_in(stage.accounts[ACME])
    address = f"/portals/{amara.portal_id}/review"
    page = admin.get(address).content.decode()
    assert AMARA in page
    assert BJORN in page
    assert "Keep the first" in page
    assert address in admin.get(f"/portals/{amara.portal_id}/learners").content.decode()
    assert admin.post(f"{address}/{item.pk}", {"keep": "left"}).status_code == 302
    assert "Left as they are" in admin.get(address).content.decode()
    assert admin.post(f"{address}/{item.pk}", {"keep": "first"}).status_code == 302
    assert states() == {amara.pk: "active", bjorn.pk: "unlinked"}


def test_the_page_asks_learnupon_nothing_and_a_question_at_most_twice(
    stage: Stage, two: tuple[Learner, Learner]
) -> None:
    """A request of a person holds one of a few threads, and LearnUpon may take its time over every call."""
    amara, bjorn = two
    merge(stage, amara.record_id, bjorn.record_id)
    stage.worlds.do(setattr, theirs(stage, BJORN), "first_name", "Bjarne")
    item, admin = ReviewItem.objects.get(), signed_in(stage.accounts[ACME])
    address = f"/portals/{amara.portal_id}/review"
    before = len(calls(stage))
    assert f"{address}/{item.pk}/accounts" in admin.get(address).content.decode()
    assert len(calls(stage)) == before
    answer = admin.get(f"{address}/{item.pk}/accounts").content.decode()
    assert AMARA in answer
    assert "Bjarne" in answer  # as it is now, not as it was when they were linked
    assert len(calls(stage)) == before + 2


def test_an_account_nobody_is_linked_to_is_named_too(stage: Stage, two: tuple[Learner, Learner]) -> None:
    amara, bjorn = two
    first, second = (Side(one.record_id, int(one.learnupon_user_id or 0)) for one in two)
    reviewing.ask(amara.portal, ReviewItem.Kind.CONFLICT, first, second)
    links.unlink(bjorn, "for the test")
    links.withdraw(bjorn)
    Learner.objects.filter(pk=bjorn.pk).update(learnupon_user_id=None)
    item, admin = ReviewItem.objects.get(), signed_in(stage.accounts[ACME])
    address = f"/portals/{amara.portal_id}/review"
    assert "Name not known yet" in admin.get(address).content.decode()
    assert BJORN in admin.get(f"{address}/{item.pk}/accounts").content.decode()


def theirs(stage: Stage, email: str) -> Any:
    user = stage.user(email)
    assert user
    return stage.worlds.sandbox.worlds.learnupon.portals["acme"].users[user["id"]]


def calls(stage: Stage) -> list[Any]:
    return stage.calls_to("learnupon", "/users/", "GET")


def test_another_tenant_cannot_decide(stage: Stage, two: tuple[Learner, Learner]) -> None:
    amara, bjorn = two
    merge(stage, amara.record_id, bjorn.record_id)
    item, stranger = ReviewItem.objects.get(), signed_in(stage.accounts[1002])
    for portal in (amara.portal_id, stage.portals["globex"].pk):
        address = f"/portals/{portal}/review/{item.pk}"
        assert stranger.post(address, {"keep": "first"}).status_code == 404
        assert stranger.get(f"{address}/accounts").status_code == 404
    assert ReviewItem.objects.get().state == "open"


def test_the_page_stands_when_nobody_answers(stage: Stage, two: tuple[Learner, Learner]) -> None:
    amara, bjorn = two
    merge(stage, amara.record_id, bjorn.record_id)
    for service in ("hubspot", "learnupon"):
        stage.fault(service, ".*", "status", status=503, times=9)
    page: Client = signed_in(stage.accounts[ACME])
    address = f"/portals/{amara.portal_id}/review"
    answer = page.get(address)
    assert answer.status_code == 200
    assert "HubSpot does not show it" in answer.content.decode()
    before = len(calls(stage))
    answer = page.get(f"{address}/{ReviewItem.objects.get().pk}/accounts")
    assert answer.status_code == 200
    assert AMARA in answer.content.decode()  # what was heard last
    assert len(calls(stage)) == before + 1  # whoever does not answer is not waited for twice


def test_an_account_that_is_gone_hides_not_the_other(stage: Stage, two: tuple[Learner, Learner]) -> None:
    amara, bjorn = two
    merge(stage, amara.record_id, bjorn.record_id)
    Learner.objects.update(first_name="", last_name="", email="")
    stage.fault(
        "learnupon", f"/users/{min(one.learnupon_user_id or 0 for one in two)}$", "status", status=404
    )
    address = f"/portals/{amara.portal_id}/review/{ReviewItem.objects.get().pk}/accounts"
    answer = signed_in(stage.accounts[ACME]).get(address).content.decode()
    assert "LearnUpon does not show it" in answer
    assert AMARA in answer or BJORN in answer
