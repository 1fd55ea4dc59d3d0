"""The optional custom user data field that carries the HubSpot record id, from the link to the erasure."""

from dataclasses import replace

import pytest

from gdpr.models import Erasure
from learners.models import Learner
from portals import connecting
from portals.models import Portal
from tests.flows.stage import ACME, GLOBEX, Stage
from tests.flows.test_linking import link
from tests.flows.test_training import linked

MARIA, AMARA = "maria.lopez@acme.example", "amara.abara@northwind.example"


def record_definition(stage: Stage) -> int:
    definitions = stage.worlds.sandbox.worlds.learnupon.portals["acme"].definitions
    return next(number for number, row in definitions.items() if row.label == "HubSpot record")


@pytest.fixture
def field(stage: Stage) -> int:
    number = record_definition(stage)
    Portal.objects.filter(subdomain="acme").update(record_field=number)
    stage.portals["acme"].refresh_from_db()
    return number


def held(stage: Stage, field: int, email: str) -> str:
    """What the field holds at LearnUpon."""
    user = stage.user(email)
    assert user is not None
    return str({v["definition_id"]: v["value"] for v in user["customDataFieldValues"]}.get(field) or "")


def erase(stage: Stage, record: str) -> None:
    stage.control("POST", "gdpr-delete", {"account": ACME, "contact_id": record})
    stage.settle()


def test_made_linked_invited_and_found_all_carry_it(stage: Stage, field: int) -> None:
    made, there = stage.new_contact(email="new@x.example", firstname="N"), linked(stage)
    stage.add(made)
    invited = stage.contact(AMARA)
    stage.add(invited, action="user-invite")
    stage.control("POST", "accept-invite", {"portal": "acme", "email": AMARA})
    stage.hear()
    stage.later(days=2)
    (walked,) = stage.control(
        "POST",
        "contacts",
        {"account": ACME, "rows": [{"email": "trainer@acme.example", "firstname": "Tara"}]},
    )["ids"]
    link(stage)
    expected = {MARIA: there, "new@x.example": made, AMARA: invited, "trainer@acme.example": str(walked)}
    assert {email: held(stage, field, email) for email in expected} == expected


def test_a_field_chosen_later_reaches_those_who_are_linked(stage: Stage) -> None:
    record = linked(stage)
    number = record_definition(stage)
    Portal.objects.filter(subdomain="acme").update(record_field=number)
    stage.later(days=2)
    assert held(stage, number, MARIA) == record


@pytest.fixture
def second(stage: Stage, field: int) -> int:
    """Another text field, chosen in place of the first; that one has somebody's own words in it, too."""
    theirs = stage.worlds.sandbox.worlds.learnupon.portals["acme"]
    number = max(theirs.definitions) + 1
    stage.worlds.do(
        theirs.definitions.update, {number: replace(theirs.definitions[field], id=number, label="Second")}
    )
    return number


def choose(stage: Stage, number: int | None) -> None:
    stage.portals["acme"].refresh_from_db()
    stage.portals["acme"].carry_record_id_in(number)


def test_another_field_takes_over_and_the_first_is_emptied(stage: Stage, field: int, second: int) -> None:
    """Would catch: ids that stay for ever in a field nobody knows of any more."""
    record, other = linked(stage), stage.new_contact(email="new@x.example", firstname="N")
    stage.add(other)
    theirs = stage.worlds.sandbox.worlds.learnupon.portals["acme"]
    stage.worlds.do(theirs.by_email["new@x.example"].values.update, {field: "their own words"})
    choose(stage, second)
    stage.later(days=2)
    assert (held(stage, field, MARIA), held(stage, second, MARIA)) == ("", record)
    assert held(stage, field, "new@x.example") == "their own words"
    assert held(stage, second, "new@x.example") == other
    choose(stage, None)
    stage.later(days=2)
    assert (held(stage, second, MARIA), held(stage, second, "new@x.example")) == ("", "")
    choose(stage, field)
    assert stage.portals["acme"].former_record_fields == [second]


def test_an_erasure_clears_the_field_of_before_as_well(stage: Stage, field: int, second: int) -> None:
    record = linked(stage)
    choose(stage, second)
    erase(stage, record)
    stage.later(hours=1)
    assert (held(stage, field, MARIA), held(stage, second, MARIA)) == ("", "")
    assert Erasure.objects.get().state == "done"


def test_an_erasure_clears_it_and_nothing_else(stage: Stage, field: int) -> None:
    record = linked(stage)
    before = stage.user(MARIA)
    erase(stage, record)
    stage.later(hours=1)
    after = stage.user(MARIA)
    assert before is not None
    assert after is not None
    assert held(stage, field, MARIA) == ""
    unchanged = ("email", "first_name", "last_name", "enabled", "number_of_enrollments")
    assert {n: after[n] for n in unchanged} == {n: before[n] for n in unchanged}
    left = {v["definition_id"] for v in after["customDataFieldValues"]}
    assert left == {v["definition_id"] for v in before["customDataFieldValues"]} - {field}
    assert Erasure.objects.get().state == "done"


def test_an_outage_delays_the_clearing_and_does_not_drop_it(stage: Stage, field: int) -> None:
    record = linked(stage)
    stage.fault("learnupon", "/users/", "status", status=503, method="PUT", times=3)
    erase(stage, record)
    assert held(stage, field, MARIA) == record
    assert Erasure.objects.get().state == "running"
    for _ in range(5):
        stage.later(hours=1)
    assert held(stage, field, MARIA) == ""
    assert Erasure.objects.get().state == "done"


def test_a_clearing_without_an_answer_is_repeated(stage: Stage, field: int) -> None:
    record = linked(stage)
    stage.fault("learnupon", "/users/", "reset", method="PUT", when="after")
    erase(stage, record)
    stage.later(hours=1)
    assert Erasure.objects.get().state == "done"
    assert held(stage, field, MARIA) == ""


@pytest.mark.parametrize("gone", ["portal", "user", "field"])
def test_what_is_gone_cannot_be_cleared_and_the_receipt_completes(
    stage: Stage, field: int, gone: str
) -> None:
    record = linked(stage)
    stage.fault("learnupon", "/users/", "status", status=503, method="PUT", times=1)
    erase(stage, record)
    assert Erasure.objects.get().state == "running"
    theirs = stage.worlds.sandbox.worlds.learnupon.portals["acme"]
    if gone == "portal":
        connecting.remove(stage.portals["acme"], "admin")
    elif gone == "user":
        number = next(user.id for user in theirs.users.values() if user.email == MARIA)
        address = f"{stage.worlds.sandbox.learnupon_url}/acme/api/v1/users/{number}"
        assert stage.http.delete(address, auth=("acme-key", "acme-secret"), timeout=5).ok
    else:
        stage.worlds.do(theirs.definitions.pop, field)
    for _ in range(3):
        stage.later(hours=1)
    receipt = Erasure.objects.get()
    assert receipt.state == "done"
    assert not receipt.steps.exclude(secret="").exists()


def test_dead_keys_wait_for_new_ones(stage: Stage, field: int) -> None:
    record = linked(stage)
    Portal.objects.filter(subdomain="acme").update(api_secret="revoked")
    erase(stage, record)
    stage.later(hours=1)
    assert Erasure.objects.get().state == "running"
    Portal.objects.filter(subdomain="acme").update(api_secret="acme-secret", state="connected")
    for _ in range(3):
        stage.later(hours=1)
    assert held(stage, field, MARIA) == ""
    assert Erasure.objects.get().state == "done"


def test_the_same_record_number_of_the_other_account_keeps_its_field(stage: Stage, field: int) -> None:
    record = linked(stage)
    globex = stage.accounts[GLOBEX]
    assert globex.pk != stage.accounts[ACME].pk
    stage.post(
        "/webhooks/hubspot/events",
        [{
            "portalId": GLOBEX, "subscriptionType": "contact.privacyDeletion", "objectId": int(record), "eventId": 5,
            "subscriptionId": 1, "occurredAt": 1_760_000_000_000,
        }],
    )  # fmt: skip
    stage.later(hours=1)
    assert held(stage, field, MARIA) == record
    assert Learner.objects.filter(record_id=record, state="active").exists()


def test_it_follows_the_link_to_another_record_and_is_cleared_with_that(stage: Stage, field: int) -> None:
    """A merge can end in a new record with the very values that were carried already."""
    record, other = linked(stage), stage.new_contact()
    body = {"account": ACME, "contact_id": record, "merged_id": other, "new_id": True}
    stage.control("POST", "merge", body)
    stage.settle()
    survivor = Learner.objects.get().record_id
    assert survivor != record
    stage.later(days=2)
    assert held(stage, field, MARIA) == survivor
    erase(stage, survivor)
    stage.later(hours=1)
    assert held(stage, field, MARIA) == ""
