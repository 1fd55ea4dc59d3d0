"""Everything held about one person: all of theirs, nothing of anybody else's."""

import json

import pytest
from django.test import Client

from gdpr import access
from gdpr.erasers import ERASERS
from learners.reviewitem import ReviewItem
from portals.models import AuditEntry, Portal
from tests.learners.test_pages_activity import delivery
from tests.learners.test_pages_people import enrollment, learner


def test_whatever_can_be_erased_can_be_given() -> None:
    assert set(access.WITHHELD) == set(ERASERS)


@pytest.mark.parametrize("model", ERASERS)
def test_whoever_adds_a_field_decides_whether_it_is_given(model: type) -> None:
    """A field that is withheld is one that exists; every other one is given."""
    names = {field.name for field in model._meta.concrete_fields}  # type: ignore[attr-defined]
    assert access.WITHHELD[model] <= names
    assert not access.WITHHELD[model] & {
        "email",
        "first_name",
        "last_name",
        "body",
        "course_name",
        "record_id",
    }


def test_all_portals_of_the_account_and_no_other(
    as_acme: Client, acme_portal: Portal, globex_portal: Portal
) -> None:
    ada = learner(acme_portal, "Ada", record_id="501", learnupon_user_id=77)
    grace = learner(acme_portal, "Grace", record_id="502", learnupon_user_id=78)
    twin = learner(globex_portal, "Gil", record_id="501", learnupon_user_id=77)
    for person, course in ((ada, "Safety"), (grace, "Secrets"), (twin, "Elsewhere")):
        enrollment(person, course)
    delivery(
        acme_portal,
        record_id="501",
        body={"properties": {"email": "ada@example.com"}, "actor": "x@acme.example"},
    )
    delivery(
        acme_portal,
        record_id="",
        learnupon_user_id=77,
        kind="learnupon.course_completion",
        body={"score": 80},
    )
    delivery(acme_portal, record_id="502", body={"properties": {"email": "grace@example.com"}})
    delivery(globex_portal, record_id="501")
    posted = {"export-record_type": "contact", "export-record_id": "501"}
    answer = as_acme.post(f"/portals/{acme_portal.pk}/privacy/export", posted)
    assert answer["Content-Disposition"] == 'attachment; filename="personal-data.json"'
    text = answer.content.decode()
    held = json.loads(text)
    assert [row["email"] for row in held["learners"]] == ["ada@example.com"]
    assert [row["course_name"] for row in held["enrollments"]] == ["Safety"]
    assert [row["body"] for row in held["deliveries"]] == [
        {"properties": {"email": "ada@example.com"}}, {"score": 80}
    ]  # fmt: skip
    for stranger in ("grace", "Secrets", "gil@", "Elsewhere", "x@acme.example"):
        assert stranger not in text
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.details) == ("personal data exported", {})


def test_an_account_that_is_somebody_else_s_by_now_is_not_theirs(acme_portal: Portal) -> None:
    """The link was wrong and was cut; what came since is about the one who has the account."""
    learner(acme_portal, "Ada", record_id="501", learnupon_user_id=77, state="unlinked")
    learner(acme_portal, "Grace", record_id="502", learnupon_user_id=77)
    told = {"user": {"email": "grace@example.com"}}
    delivery(acme_portal, record_id="", learnupon_user_id=77, kind="learnupon.course_completion", body=told)
    held = access.everything(acme_portal.account, "contact", "501")
    assert [row["first_name"] for row in held["learners"]] == ["Ada"]
    assert "grace" not in str(held)


def test_of_a_question_about_two_records_only_their_own_side(acme_portal: Portal) -> None:
    theirs, their_user = "900000000502", "900000007878"  # long: moments in the answer spell short numbers
    ReviewItem.objects.create(
        account=acme_portal.account, portal=acme_portal, kind="merged", record_type="contact",
        first_record="501", first_user=77, second_record=theirs, second_user=int(their_user),
    )  # fmt: skip
    held = access.everything(acme_portal.account, "contact", "501")
    (question,) = held["questions"]
    assert (question["kind"], question["learnupon_users"]) == ("merged", [77])
    assert theirs not in str(held)
    assert their_user not in str(held)


def test_nobody_known_is_an_empty_file_and_a_mistake_is_said(as_acme: Client, acme_portal: Portal) -> None:
    address = f"/portals/{acme_portal.pk}/privacy/export"
    held = json.loads(as_acme.post(address, {"export-record_type": "user", "export-record_id": "9"}).content)
    assert (held["learners"], held["deliveries"], held["erasure"]) == ([], [], None)
    page = as_acme.post(
        address, {"export-record_type": "contact", "export-record_id": "ada"}
    ).content.decode()
    assert "Enter digits only" in page
    assert 'value="ada"' in page


def test_another_account_gets_nothing(as_globex: Client, acme_portal: Portal) -> None:
    posted = {"export-record_type": "contact", "export-record_id": "501"}
    assert as_globex.post(f"/portals/{acme_portal.pk}/privacy/export", posted).status_code == 404
