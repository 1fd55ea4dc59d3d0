"""User Add and User Invite: every way a person can stand in LearnUpon when the workflow comes."""

import pytest

from gdpr import erasure
from learners.models import Learner
from portals.models import Portal
from tests.flows.stage import ACME, GLOBEX, Stage

AMARA = "amara.abara@northwind.example"
MARIA, RUTH, OMAR = "maria.lopez@acme.example", "former.colleague@acme.example", "partner.only@acme.example"


@pytest.mark.parametrize("action", ["user-add", "user-invite"])
def test_somebody_there_is_linked_and_gets_no_mail(stage: Stage, action: str) -> None:
    (told,) = stage.add(stage.contact(MARIA), action=action)
    maria = stage.user(MARIA)
    assert (told["state"], stage.outcome(told)) == ("completed", "already_exists")
    assert maria is not None
    assert Learner.objects.get().learnupon_user_id == maria["id"]
    assert stage.mails(MARIA) == []
    # Her progress comes along at once: she is enrolled in three courses there.
    assert len(stage.records()) == len(stage.world("enrollments", portal="acme", user_id=maria["id"])) == 3


@pytest.mark.parametrize("action", ["user-add", "user-invite"])
def test_a_disabled_account_is_said_and_not_linked(stage: Stage, action: str) -> None:
    (told,) = stage.add(stage.contact(RUTH), action=action)
    assert (told["state"], stage.outcome(told)) == ("failed", "disabled")
    assert not Learner.objects.filter(state="active").exists()
    assert stage.mails(RUTH) == []


def test_an_account_elsewhere_in_the_realm_is_refused(stage: Stage) -> None:
    (told,) = stage.add(stage.contact(OMAR))
    assert (told["state"], stage.outcome(told)) == ("failed", "realm_clash")
    assert stage.user(OMAR) is None
    assert stage.mails(OMAR) == []
    assert not Learner.objects.exists()


def test_an_account_elsewhere_in_the_realm_is_invited_where_the_portal_says_so(stage: Stage) -> None:
    Portal.objects.filter(subdomain="acme").update(clash_policy=Portal.ClashPolicy.INVITE)
    (told,) = stage.add(stage.contact(OMAR))
    assert (told["state"], stage.outcome(told)) == ("completed", "invited")
    assert len(stage.mails(OMAR)) == 1
    assert Learner.objects.get().state == "pending"


def test_an_invitation_that_waits_is_not_repeated(stage: Stage) -> None:
    contact = stage.contact(AMARA)
    stage.add(contact, action="user-invite")
    (again,) = stage.add(contact, action="user-invite")
    assert (again["state"], stage.outcome(again)) == ("completed", "already_invited")
    assert len(stage.mails(AMARA)) == 1


def test_an_invitation_sent_by_somebody_else_is_found(stage: Stage) -> None:
    contact = stage.contact(AMARA)
    stage.add(contact, action="user-invite")
    Learner.objects.all().delete()
    (told,) = stage.add(contact, action="user-invite")
    assert (told["state"], stage.outcome(told)) == ("completed", "already_invited")
    assert len(stage.mails(AMARA)) == 1
    assert Learner.objects.get().state == "pending"


def test_adding_somebody_with_a_waiting_invitation_makes_one_linked_account(stage: Stage) -> None:
    contact = stage.contact(AMARA)
    stage.add(contact, action="user-invite")
    (told,) = stage.add(contact)
    assert (told["state"], stage.outcome(told)) == ("completed", "created")
    assert Learner.objects.get().state == "active"
    assert len(stage.world("learnupon_users", portal="acme", email=AMARA)) == 1


@pytest.mark.parametrize("action", ["user-add", "user-invite"])
@pytest.mark.parametrize(
    "email", ["", "broken.address@", "two@at@signs.example", "a b@x.example", "x@localhost"]
)
def test_without_a_usable_address_nothing_is_tried(stage: Stage, action: str, email: str) -> None:
    properties = {"firstname": "Nora"} | ({"email": email} if email else {})
    contact = stage.new_contact(ACME, **properties)
    (told,) = stage.add(contact, action=action)
    assert (told["state"], stage.outcome(told)) == ("failed", "no_email")
    assert not Learner.objects.exists()
    assert stage.calls_to("learnupon", "/users", "POST") == []


def test_case_and_plus_of_an_address(stage: Stage) -> None:
    """Another case is the same address; what stands behind a plus is part of it."""
    liam, plus = stage.contact("Liam.OBrien@Acme.example"), stage.contact("ana+learning@northwind.example")
    known, new = stage.add(liam, plus)
    assert (stage.outcome(known), stage.outcome(new)) == ("already_exists", "created")
    (ana,) = stage.world("learnupon_users", portal="acme", email="ana+learning@northwind.example")
    assert Learner.objects.get(record_id=plus).learnupon_user_id == ana["id"]
    assert len(stage.mails("ana+learning@northwind.example")) == 1


def test_two_records_with_one_address_cannot_share_an_account(stage: Stage) -> None:
    first = stage.new_contact(email="twin@x.example", firstname="T", lastname="Win")
    second = stage.new_contact(email="Twin@X.example", firstname="T", lastname="Win")
    told = stage.add(first) + stage.add(second)
    assert [stage.outcome(one) for one in told] == ["created", "linked_elsewhere"]
    assert Learner.objects.get().record_id == first
    assert len(stage.mails("twin@x.example")) == 1


def test_a_missing_name_keeps_nobody_from_learning(stage: Stage) -> None:
    (told,) = stage.add(stage.new_contact(email="noname@x.example"))
    assert stage.outcome(told) == "created"
    (mail,) = stage.mails("noname@x.example")
    assert "None" not in mail["text"]


def test_a_contact_workflow_aimed_at_a_user_portal(stage: Stage) -> None:
    Portal.objects.filter(subdomain="acme").update(record_type="user")
    (told,) = stage.add(stage.contact(AMARA))
    assert (told["state"], stage.outcome(told)) == ("failed", "wrong_record_type")
    assert not Learner.objects.exists()
    assert stage.user(AMARA) is None


def test_a_user_record_is_added_to_a_user_portal(stage: Stage) -> None:
    Portal.objects.filter(subdomain="acme").update(record_type="user")
    users = stage.world("users", account=ACME)
    pat = next(row for row in users if row["properties"]["hs_email"] == "pat.seller@acme.example")
    (told,) = stage.add(pat["id"], record_type="user")
    assert stage.outcome(told) == "created"
    account = stage.user("pat.seller@acme.example")
    assert account is not None
    assert (account["first_name"], account["last_name"]) == ("Pat", "Seller")
    assert Learner.objects.get().record_type == "user"


def test_an_unknown_language_keeps_nobody_from_learning(stage: Stage) -> None:
    contact = stage.new_contact(email="klingon@x.example", firstname="K", hs_language="tlh")
    (told,) = stage.add(contact)
    assert stage.outcome(told) == "created"
    assert "language" in told["output_fields"]["warnings"]


def test_a_known_language_reaches_the_account_and_the_mail(stage: Stage) -> None:
    (told,) = stage.add(stage.new_contact(email="jan@x.example", firstname="Jan", hs_language="de"))
    user = stage.user("jan@x.example")
    assert user is not None
    assert user["locale"] == "de"
    assert stage.outcome(told) == "created"


def map_field(stage: Stage, label: str, name: str) -> int:
    """Fill the text field of this label by this property."""
    address = f"{stage.worlds.sandbox.learnupon_url}/acme/api/v1/users/customuserdata"
    answer = stage.http.get(address, auth=("acme-key", "acme-secret"), timeout=5).json()
    number = next(int(row["id"]) for row in answer["customDataFieldDefinitions"] if row["label"] == label)
    stage.portals["acme"].mappings.create(
        position=0, property=name, property_label=name, property_type="string", definition_id=number,
        definition_label=label, definition_type=1,
    )  # fmt: skip
    return number


def test_mapped_properties_ride_along(stage: Stage) -> None:
    number = map_field(stage, "Department", "department")
    (told,) = stage.add(stage.contact(AMARA))
    user = stage.user(AMARA)
    assert user is not None
    assert stage.outcome(told) == "created"
    values = {row["definition_id"]: row["value"] for row in user["customDataFieldValues"]}
    assert values[number] == "Sales"


def test_one_refused_field_costs_only_itself(stage: Stage) -> None:
    """LearnUpon's list of choices has changed since it was mapped, so it refuses the value we think fits."""
    good = map_field(stage, "Department", "department")
    bad = map_field(stage, "Country", "jobtitle")
    (told,) = stage.add(stage.contact(AMARA))
    user = stage.user(AMARA)
    assert user is not None
    assert (told["state"], stage.outcome(told)) == ("completed", "created")
    assert "warnings" in told["output_fields"]
    values = {row["definition_id"]: row["value"] for row in user["customDataFieldValues"]}
    assert values.get(good) == "Sales"
    assert not values.get(bad)
    assert len(stage.mails(AMARA)) == 1


def test_data_refused_as_a_whole_creates_nobody(stage: Stage) -> None:
    body = {"response_type": "ERROR", "response_code": 400, "message": "first_name: is reserved"}
    stage.fault("learnupon", "/users$", "status", status=400, body=body, method="POST", times=5)
    (told,) = stage.add(stage.contact(AMARA))
    assert (told["state"], stage.outcome(told)) == ("failed", "custom_data_rejected")
    assert "first_name" in told["output_fields"]["message"]
    assert stage.user(AMARA) is None
    assert stage.mails(AMARA) == []
    assert not Learner.objects.exists()


def test_an_erased_record_is_not_added_and_leaves_no_trace(stage: Stage) -> None:
    contact = stage.contact(AMARA)
    erasure.request(stage.accounts[ACME], "contact", contact, "admin")
    for action in ("user-add", "user-invite"):
        (told,) = stage.add(contact, action=action)
        assert (told["state"], stage.outcome(told)) == ("failed", "erased")
    assert stage.user(AMARA) is None
    assert stage.mails(AMARA) == []
    assert not Learner.objects.exists()
    assert {(row.body, row.record_id) for row in stage.deliveries()} == {(None, "")}


def test_the_same_record_number_of_another_account_is_another_person(stage: Stage) -> None:
    hank = stage.contact("hank.scorpio@globex.example", GLOBEX)
    erasure.request(stage.accounts[ACME], "contact", hank, "admin")
    (told,) = stage.add(hank, account=GLOBEX)
    assert stage.outcome(told) == "already_exists"


def test_a_second_add_writes_only_what_differs(stage: Stage) -> None:
    contact = stage.contact(AMARA)
    stage.add(contact)
    (same,) = stage.add(contact)
    assert stage.outcome(same) == "already_exists"
    assert stage.calls_to("learnupon", "/users/", "PUT") == []
    stage.control(
        "POST", "change", {"account": ACME, "contact_id": contact, "properties": {"lastname": "New"}}
    )
    (changed,) = stage.add(contact)
    stage.settle()
    user = stage.user(AMARA)
    assert user is not None
    assert user["last_name"] == "New"
    assert stage.outcome(changed) in ("updated", "already_exists")  # the webhook may have been quicker
    assert len(stage.mails(AMARA)) == 1


def test_a_saml_portal_s_learners_get_no_mail(stage: Stage) -> None:
    email = "amara.abara@northwind.example"
    (told,) = stage.add(stage.contact(email, GLOBEX), account=GLOBEX)
    assert stage.outcome(told) == "created"
    assert stage.user(email, "globex") is not None
    assert stage.user(email, "acme") is None
    assert stage.mails(email) == []


def test_a_name_too_long_for_a_column_is_cut(stage: Stage) -> None:
    contact = stage.new_contact(email="long@x.example", firstname="A" * 400, lastname="B" * 400)
    (told,) = stage.add(contact)
    assert stage.outcome(told) == "created"
