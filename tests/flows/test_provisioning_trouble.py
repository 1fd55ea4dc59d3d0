"""Adding and inviting while answers get lost, keys die and requests come several times: once stays once."""

import threading

import pytest
from django.db import connection

from learners import actions
from learners.models import Learner
from portals import connecting, retries
from portals.models import Portal
from tests.flows.stage import ACME, GLOBEX, Row, Stage
from webhooks import tasks
from webhooks.models import Delivery

AMARA = "amara.abara@northwind.example"
MARIA = "maria.lopez@acme.example"
# A lost answer in every way a network loses it.
LOST = [("status", 503), ("status", 500), ("reset", 0), ("truncate", 0), ("delay", 0)]


def one_learner(stage: Stage, email: str, contact: str, told: Row) -> None:
    accounts = [row for row in stage.world("learnupon_users", portal="acme") if row["email"] == email]
    assert len(accounts) == 1
    learner = Learner.objects.get()
    assert (learner.record_id, learner.learnupon_user_id) == (contact, accounts[0]["id"])
    assert learner.state == "active"
    assert len(stage.mails(email)) == 1
    assert (told["state"], told["completions"], stage.outcome(told)) == ("completed", 1, "created")


@pytest.mark.parametrize(("kind", "status"), LOST)
def test_an_account_made_without_an_answer_is_found_not_made_again(
    stage: Stage, kind: str, status: int, settings: object
) -> None:
    settings.CALL_DEADLINE = 0.5  # type: ignore[attr-defined]
    more = {"status": status} if status else {}
    stage.fault("learnupon", "/users$", kind, method="POST", when="after", seconds=1, **more)
    contact = stage.contact(AMARA)
    (callback,) = stage.run("user-add", contact)
    stage.work()
    stage.later(minutes=5)
    one_learner(stage, AMARA, contact, stage.execution(callback))


def test_an_account_made_without_an_answer_is_found_although_the_search_fails_too(stage: Stage) -> None:
    stage.fault("learnupon", "/users$", "reset", method="POST", when="after")
    stage.fault("learnupon", "/users/search", "status", status=503)
    contact = stage.contact(AMARA)
    (callback,) = stage.run("user-add", contact)
    stage.work()
    assert stage.mails(AMARA) == []
    stage.later(minutes=5)
    one_learner(stage, AMARA, contact, stage.execution(callback))


def test_a_call_that_never_left_does_not_make_an_old_account_a_new_one(stage: Stage) -> None:
    """The first attempt meets a spent allowance: when it is her turn, Maria is found there, not created."""
    stage.fault("learnupon", "/users$", "status", status=429, method="POST")
    (callback,) = stage.run("user-add", stage.contact(MARIA))
    stage.work()
    stage.fresh_limits()
    stage.later(minutes=5)
    assert stage.outcome(stage.execution(callback)) == "already_exists"
    assert stage.mails(MARIA) == []


def test_waiting_for_the_allowance_costs_no_further_requests(stage: Stage) -> None:
    """1,000 learners may cost 1,050 requests: one that waited its turn is not searched for first."""
    stage.fault("learnupon", "/users$", "status", status=429, method="POST")
    (callback,) = stage.run("user-add", stage.contact(AMARA))
    stage.work()
    stage.fresh_limits()
    stage.later(minutes=5)
    assert stage.outcome(stage.execution(callback)) == "created"
    assert stage.calls_to("learnupon", "/users/search") == []


def test_keys_revoked_in_between_and_new_ones_entered(stage: Stage) -> None:
    (callback,) = stage.run("user-add", stage.contact(AMARA))
    Portal.objects.filter(subdomain="acme").update(api_secret="revoked")
    stage.work()
    portal = Portal.objects.get(subdomain="acme")
    assert portal.state == "disconnected"
    stage.later(minutes=30)
    assert stage.execution(callback)["state"] == "blocked"
    connecting.reconnect(portal, "acme-key", "acme-secret")
    stage.work()  # at once: nobody waits for a ladder after new keys
    assert stage.outcome(stage.execution(callback)) == "created"
    assert len(stage.mails(AMARA)) == 1


def test_dead_keys_are_tried_once_and_the_step_ends_before_hubspot_stops_waiting(stage: Stage) -> None:
    (callback,) = stage.run("user-add", stage.contact(AMARA))
    Portal.objects.filter(subdomain="acme").update(api_secret="revoked")
    for _ in range(4):
        stage.later(hours=12)
    assert len(stage.calls_to("learnupon", "/users", "POST")) == 1
    assert stage.execution(callback)["state"] == "blocked"
    stage.later(days=5)
    told = stage.execution(callback)
    assert (told["state"], stage.outcome(told)) == ("failed", "expired")


def test_a_paused_portal_goes_on_when_it_is_resumed(stage: Stage) -> None:
    connecting.pause(stage.portals["acme"])
    (callback,) = stage.run("user-add", stage.contact(AMARA))
    stage.work()
    assert stage.calls_to("learnupon", "/users", "POST") == []
    connecting.resume(stage.portals["acme"])
    stage.later(minutes=15)
    assert stage.outcome(stage.execution(callback)) == "created"


@pytest.mark.parametrize("named", ["globex", "nobody", "acme/../globex"])
def test_another_account_s_portal_is_refused_at_once(stage: Stage, named: str) -> None:
    (callback,) = stage.run("user-add", stage.contact(AMARA), inputs={"portal": named})
    told = stage.execution(callback)  # before any work
    assert (told["state"], stage.outcome(told)) == ("failed", "portal_not_connected")
    assert told["output_fields"]["hs_execution_state"] == "FAIL_CONTINUE"
    stage.work()
    assert not Learner.objects.exists()
    assert stage.user(AMARA, "globex") is None


def test_a_step_that_names_no_portal(stage: Stage) -> None:
    """Fine where the account has one; where it has several, the admin is told to choose."""
    (told,) = stage.add(stage.contact(AMARA), inputs={})
    assert (told["state"], stage.outcome(told)) == ("failed", "portal_not_connected")
    (told,) = stage.add(stage.contact("hank.scorpio@globex.example", GLOBEX), account=GLOBEX, inputs={})
    assert stage.outcome(told) == "already_exists"


def test_without_the_automation_scope_a_step_is_answered_at_once(stage: Stage) -> None:
    account = stage.accounts[ACME]
    account.scopes = [scope for scope in account.scopes if scope != "automation"]
    account.save()
    (callback,) = stage.run("user-add", stage.contact(AMARA))
    told = stage.execution(callback)
    assert (told["state"], stage.outcome(told)) == ("completed", "accepted")
    stage.work()
    assert Delivery.objects.get().outcome == "created"
    assert stage.calls_to("hubspot", "/callbacks") == []


# --- the same delivery several times ---------------------------------------------------------------------
def action_body(stage: Stage, contact: str, callback: str) -> Row:
    return {
        "callbackId": callback,
        "origin": {"portalId": ACME, "actionDefinitionId": 1},
        "object": {"objectId": int(contact), "objectType": "CONTACT", "properties": {"email": AMARA}},
        "inputFields": {"portal": "acme"},
    }


def test_three_identical_deliveries_at_once_and_later(stage: Stage) -> None:
    contact = stage.contact(AMARA)
    (callback,) = stage.run("user-add", contact)
    body = action_body(stage, contact, callback)
    answers: list[int] = []
    senders = [
        threading.Thread(target=lambda: answers.append(stage.call(body).status_code)) for _ in range(3)
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert answers == [200, 200, 200]
    in_threads(2, lambda: tasks.drain(stage.accounts[ACME].pk, "actions"))
    stage.work()
    later = stage.call(body)
    assert later.json()["outputFields"]["outcome"] == "created"
    stage.settle()
    one_learner(stage, AMARA, contact, stage.execution(callback))
    assert Delivery.objects.count() == 1


def test_three_steps_about_one_person_make_one_learner(stage: Stage) -> None:
    """Three workflows at once, worked by three workers."""
    contact = stage.contact(AMARA)
    callbacks = [stage.run("user-add", contact)[0] for _ in range(3)]
    in_threads(3, lambda: tasks.drain(stage.accounts[ACME].pk, "actions"))
    stage.later(minutes=1)
    outcomes = sorted(stage.outcome(stage.execution(one)) for one in callbacks)
    assert outcomes == ["already_exists", "already_exists", "created"]
    assert len(stage.mails(AMARA)) == 1
    assert Learner.objects.count() == 1


def test_a_repeat_of_a_finished_delivery_counts_as_told(stage: Stage) -> None:
    contact = stage.contact(AMARA)
    stage.fault("hubspot", "/callbacks", "status", status=503, times=50)
    (callback,) = stage.run("user-add", contact)
    stage.work()
    assert Delivery.objects.get().tell == "owed"
    answer = stage.call(action_body(stage, contact, callback)).json()["outputFields"]
    assert (answer["hs_execution_state"], answer["outcome"]) == ("SUCCESS", "created")
    stage.mend()
    stage.later(hours=1)
    assert Delivery.objects.get().tell == "told"
    assert stage.execution(callback)["completions"] == 0  # the answer did it, no callback followed


def test_the_add_button_and_a_workflow_make_one_learner(stage: Stage) -> None:
    contact = stage.contact(AMARA)
    actions.request(stage.portals["acme"], "user-add", contact, "admin@acme.example")
    stage.run("user-add", contact)
    stage.work()
    assert Learner.objects.count() == 1
    assert len(stage.mails(AMARA)) == 1


def in_threads(count: int, work: object) -> None:
    def run() -> None:
        try:
            work()  # type: ignore[operator]
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# --- the end of patience ---------------------------------------------------------------------------------
def test_72_hours_of_failures_end_as_expired(stage: Stage) -> None:
    stage.fault("learnupon", "/users$", "status", status=503, method="POST", when="before", times=1000)
    (callback,) = stage.run("user-add", stage.contact(AMARA))
    stage.work()
    assert Delivery.objects.get().attempts == 1
    Delivery.objects.update(attempts=retries.ACTION_ATTEMPTS - 2)
    stage.later(hours=5)
    assert stage.execution(callback)["state"] == "blocked"
    stage.later(hours=5)
    told = stage.execution(callback)
    assert (told["state"], stage.outcome(told)) == ("failed", "expired")
    assert told["output_fields"]["hs_execution_state"] == "FAIL_CONTINUE"
    assert stage.user(AMARA) is None
    assert not Learner.objects.filter(state="active").exists()


def test_waiting_for_a_budget_is_no_failed_attempt(stage: Stage) -> None:
    (callback,) = stage.run("user-add", stage.contact(AMARA))
    for _ in range(8):
        stage.spend_allowance("acme.learnupon.com")
        stage.later(hours=2)
    row = Delivery.objects.get()
    assert (row.state, row.attempts) == ("waiting", 0)
    assert "allowance" in row.reason
    stage.fresh_limits()
    stage.later(hours=2)
    assert stage.outcome(stage.execution(callback)) == "created"
