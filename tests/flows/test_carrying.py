"""HubSpot stays the source: what changes on a record reaches its learner's account, and only that."""

import threading

import pytest
from django.db import connection
from django.utils import timezone

from learners import carrying
from learners.models import Learner
from learners.tasks import sweep
from portals.clients.learnupon import LearnUpon
from portals.lanes import Lane
from portals.models import Portal
from tests.conftest import signed_in
from tests.flows.stage import ACME, Row, Stage
from tests.flows.test_provisioning import map_field
from tests.flows.test_training import linked
from webhooks import tasks

MARIA, YUKI = "maria.lopez@acme.example", "yuki.tanaka@acme.example"


def change(stage: Stage, record: str, **properties: str) -> None:
    """Somebody edits the contact; HubSpot says which properties changed."""
    stage.control("POST", "change", {"account": ACME, "contact_id": record, "properties": properties})
    stage.settle()


def account_of(stage: Stage, record: str, portal: str = "acme") -> Row:
    number = Learner.objects.get(record_id=record, portal__subdomain=portal).learnupon_user_id
    (row,) = stage.world("learnupon_users", portal=portal, id=number)
    return row


def writes(stage: Stage) -> int:
    return len(stage.calls_to("learnupon", "/users/", "PUT"))


def calls(stage: Stage) -> int:
    return len(stage.calls_to("learnupon", "/api/"))


# --- at once, by webhook ---------------------------------------------------------------------------------
def test_a_new_name_and_e_mail_reach_the_account_and_the_records(stage: Stage) -> None:
    record = linked(stage)
    change(stage, record, email="maria.garcia@acme.example", lastname="Garcia")
    row = account_of(stage, record)
    assert (row["email"], row["last_name"], row["first_name"]) == (
        "maria.garcia@acme.example",
        "Garcia",
        "Maria",
    )
    assert {r["properties"]["learner_email"] for r in stage.records()} == {"maria.garcia@acme.example"}
    assert Learner.objects.get().email == "maria.garcia@acme.example"
    assert stage.mails("maria.garcia@acme.example") == []


def test_an_address_somebody_else_has_is_said_and_the_link_stays(stage: Stage) -> None:
    """The name goes through all the same."""
    record = linked(stage)
    change(stage, record, email=YUKI, firstname="Mary")
    row = account_of(stage, record)
    assert (row["email"], row["first_name"]) == (MARIA, "Mary")
    learner = Learner.objects.get()
    assert learner.state == "active"
    assert "email was not taken" in learner.state_reason
    assert "email was not taken" in stage.deliveries(kind="hubspot.contact.propertyChange")[-1].reason
    before = writes(stage)
    stage.later(days=2)
    assert writes(stage) == before  # not tried again every day
    change(stage, record, email="maria.new@acme.example")
    assert account_of(stage, record)["email"] == "maria.new@acme.example"
    assert Learner.objects.get().state_reason == ""


def test_an_admin_s_login_is_not_changed_from_hubspot(stage: Stage) -> None:
    """Who edits contacts, or fills in a form, would else become an admin of the portal."""
    record = linked(stage)
    number = int(account_of(stage, record)["id"])
    LearnUpon(stage.portals["acme"], Lane.ACTIONS).update_user(number, {"user_type": "admin"})
    change(stage, record, email="mallory@acme.example", firstname="Mary")
    row = account_of(stage, record)
    assert (row["email"], row["first_name"], row["user_type"]) == (MARIA, "Mary", "admin")
    assert carrying.ADMINS in Learner.objects.get().state_reason
    LearnUpon(stage.portals["acme"], Lane.ACTIONS).update_user(number, {"user_type": "manager"})
    change(stage, record, email="maria.garcia@acme.example")
    assert account_of(stage, record)["email"] == "maria.garcia@acme.example"


def test_an_address_elsewhere_in_the_realm_is_said_too(stage: Stage) -> None:
    record = linked(stage)
    change(stage, record, email="partner.only@acme.example")
    assert account_of(stage, record)["email"] == MARIA
    assert "realm" in Learner.objects.get().state_reason


def test_an_emptied_name_or_address_changes_nothing(stage: Stage) -> None:
    record = linked(stage)
    before, wrote = account_of(stage, record), writes(stage)
    change(stage, record, firstname="", email="")
    after = account_of(stage, record)
    assert (after["email"], after["first_name"]) == (before["email"], before["first_name"])
    assert writes(stage) == wrote


def test_a_change_of_case_alone_is_not_a_rename(stage: Stage) -> None:
    record = linked(stage)
    wrote = writes(stage)
    change(stage, record, email="Maria.Lopez@Acme.example")
    assert (account_of(stage, record)["email"], writes(stage)) == (MARIA, wrote)


def test_one_dead_portal_does_not_keep_the_change_from_the_others(stage: Stage) -> None:
    record = linked(stage)
    partner = stage.portals["acme-partners"]
    theirs = stage.user("partner.only@acme.example", "acme-partners")
    assert theirs is not None
    Learner.objects.create(
        account=partner.account, portal=partner, record_type="contact", record_id=record, state="active",
        learnupon_user_id=theirs["id"], checked_at=timezone.now(),
    )  # fmt: skip
    Portal.objects.filter(subdomain="acme").update(api_secret="revoked")
    change(stage, record, lastname="Nueva")
    assert account_of(stage, record, "acme-partners")["last_name"] == "Nueva"
    assert Portal.objects.get(subdomain="acme").state == "disconnected"
    change(stage, record, firstname="Mary")
    Portal.objects.filter(subdomain="acme").update(api_secret="acme-secret", state="connected")
    stage.work()
    row = account_of(stage, record)
    assert (row["first_name"], row["last_name"]) == ("Mary", "Nueva")


def test_a_crash_while_it_is_remembered_leaves_the_records_due(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker died after it had noted the new e-mail and before the person's records were due again."""
    record = linked(stage)
    with monkeypatch.context() as crash:
        crash.setattr(carrying, "Enrollment", None)
        change(stage, record, email="maria.garcia@acme.example")
    assert Learner.objects.get().email == MARIA
    stage.later(minutes=5)
    assert {r["properties"]["learner_email"] for r in stage.records()} == {"maria.garcia@acme.example"}


def test_a_change_about_a_stranger_is_not_kept(stage: Stage) -> None:
    record = stage.new_contact(email="stranger@x.example", firstname="S")
    before = calls(stage)
    change(stage, record, firstname="T")
    (delivery,) = stage.deliveries(kind="hubspot.contact.propertyChange")
    assert (delivery.outcome, delivery.body, delivery.record_id) == ("not_linked", None, "")
    assert calls(stage) == before


def test_a_change_while_the_account_is_being_made_is_not_lost(stage: Stage) -> None:
    """The action read the old name before, and nobody is linked yet when the event comes."""
    record = stage.new_contact(email="new@acme.example", lastname="Old")
    stage.fault("learnupon", "/users$", "delay", method="POST", seconds=0.5, when="after")
    stage.run("user-add", record)

    def work() -> None:
        try:
            tasks.drain(stage.accounts[ACME].pk, "actions")
        finally:
            connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    stage.wait(lambda: stage.user("new@acme.example"))
    change(stage, record, lastname="Garcia")
    worker.join()
    stage.later(minutes=3)
    assert account_of(stage, record)["last_name"] == "Garcia"


# --- every day, and on request ---------------------------------------------------------------------------
def test_a_mapped_property_follows_within_a_day_and_what_stays_costs_nothing(stage: Stage) -> None:
    number = map_field(stage, "Department", "department")
    maria, yuki = linked(stage), linked(stage, YUKI)
    stage.later(days=2)  # the walks are done, all is compared once
    change_quietly(stage, maria, department="Care")
    before, wrote = user_calls(stage), writes(stage)
    stage.later(days=2)
    values = {v["definition_id"]: v["value"] for v in account_of(stage, maria)["customDataFieldValues"]}
    assert values[number] == "Care"
    assert (user_calls(stage) - before, writes(stage) - wrote) == (
        2,
        1,
    )  # read and write one, ask for none else
    assert Learner.objects.get(record_id=yuki).checked_at is not None
    before = user_calls(stage)
    stage.later(days=2)
    assert user_calls(stage) == before


def user_calls(stage: Stage) -> int:
    """Requests about accounts: the regular walks ask for courses and enrollments."""
    return len(stage.calls_to("learnupon", "/users"))


def test_a_new_learner_is_not_compared_again_the_same_day(stage: Stage) -> None:
    map_field(stage, "Department", "department")
    stage.add(stage.new_contact(email="new@x.example", firstname="N", department="Sales"), linked(stage))
    before = user_calls(stage)
    stage.later(hours=20)
    assert user_calls(stage) == before


def test_an_account_made_with_less_is_completed_by_the_comparison(stage: Stage) -> None:
    """LearnUpon refuses one value, so the account is made bare; then it fails while the rest is written."""
    number = map_field(stage, "Department", "department")
    map_field(stage, "Country", "jobtitle")
    record = stage.new_contact(email="new@x.example", firstname="N", department="Sales", jobtitle="Boss")
    stage.fault("learnupon", r"/users/\d+$", "status", status=503, method="PUT")
    (told,) = stage.add(record)
    assert stage.outcome(told) == "created"
    stage.later(days=2)
    values = {v["definition_id"]: v["value"] for v in account_of(stage, record)["customDataFieldValues"]}
    assert values[number] == "Sales"


def test_sync_now_compares_at_once_and_the_other_portals_stay(stage: Stage) -> None:
    record = linked(stage)
    Learner.objects.update(fingerprint="", checked_at=timezone.now())
    worlds = stage.worlds.sandbox.worlds.learnupon
    user = Learner.objects.get().learnupon_user_id or 0
    stage.worlds.do(setattr, worlds.portals["acme"].users[user], "first_name", "Wrong")
    stage.work()
    assert account_of(stage, record)["first_name"] == "Wrong"
    assert carrying.sync_now(stage.portals["globex"]) == 0
    assert carrying.sync_now(stage.portals["acme"]) == 1
    stage.work()
    assert account_of(stage, record)["first_name"] == "Maria"


def test_a_new_mapping_reaches_those_who_are_linked(stage: Stage) -> None:
    """Also one that only sends a known property elsewhere."""
    map_field(stage, "Department", "department")
    record = linked(stage)
    other = map_field(stage, "HubSpot record", "department")
    stage.later(days=2)
    values = {v["definition_id"]: v["value"] for v in account_of(stage, record)["customDataFieldValues"]}
    contact = next(c for c in stage.world("contacts", account=ACME) if str(c["id"]) == record)
    assert values[other] == contact["properties"]["department"]


def test_a_deleted_account_is_shown_and_does_not_stop_the_others(stage: Stage) -> None:
    maria, yuki = linked(stage), linked(stage, YUKI)
    number = Learner.objects.get(record_id=maria).learnupon_user_id
    address = f"{stage.worlds.sandbox.learnupon_url}/acme/api/v1/users/{number}"
    assert stage.http.delete(address, auth=("acme-key", "acme-secret"), timeout=5).ok
    Learner.objects.update(fingerprint="")
    change_quietly(stage, maria, lastname="New")
    change_quietly(stage, yuki, lastname="New")
    stage.later(days=2)
    assert "no longer has" in Learner.objects.get(record_id=maria).state_reason
    assert account_of(stage, yuki)["last_name"] == "New"


def test_one_account_learnupon_fails_on_does_not_hold_up_the_others(stage: Stage) -> None:
    maria, yuki = linked(stage), linked(stage, YUKI)
    number = Learner.objects.get(record_id=maria).learnupon_user_id
    Learner.objects.update(fingerprint="", checked_at=None)
    stage.fault("learnupon", rf"/users/{number}$", "status", status=500, times=100)
    change_quietly(stage, yuki, lastname="New")
    stage.work()
    stage.work()
    assert account_of(stage, yuki)["last_name"] == "New"
    assert Learner.objects.get(record_id=maria).fingerprint == ""  # still to be done


def test_records_that_hubspot_refuses_to_show_are_asked_for_once_an_hour(stage: Stage) -> None:
    """Would catch: the same refused question every two seconds for ever, and nobody told."""
    record = linked(stage)
    Learner.objects.update(checked_at=None)
    stage.fault("hubspot", "/objects/.*contacts/batch/read", "status", status=403, times=1000)
    for _ in range(3):
        sweep()
    portal = stage.portals["acme"]
    refused = [row for row in stage.calls_to("hubspot", "/batch/read") if row["status"] == 403]
    assert len(refused) == 1
    portal.refresh_from_db()
    assert "HubSpot answered 403" in portal.compare_problem
    page = signed_in(portal.account).get(f"/portals/{portal.pk}/settings").content.decode()
    assert "cannot be compared" in page
    stage.mend()
    Portal.objects.update(compare_after=timezone.now())
    change_quietly(stage, record, lastname="New")
    assert account_of(stage, record)["last_name"] == "New"
    portal.refresh_from_db()
    assert (portal.compare_problem, portal.compare_after) == ("", None)


def change_quietly(stage: Stage, record: str, **properties: str) -> None:
    """As `change`, but the event is lost: only the comparison can find it."""
    stage.control("POST", "deliveries", {"drop": 1})
    change(stage, record, **properties)
    stage.control("POST", "deliveries", {"drop": 0})
