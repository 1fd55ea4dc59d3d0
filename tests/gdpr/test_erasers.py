"""Whoever adds a model says how a person is erased from it, or why it holds none."""

import pytest
from django.apps import apps

from gdpr.erasers import ERASERS, FREE_OF_PEOPLE, Person
from learners.models import Enrollment, Learner
from learners.reviewitem import ReviewItem
from portals.lanes import Lane
from portals.models import Portal
from webhooks.models import Delivery

OURS = ("portals", "webhooks", "learners", "gdpr")


def test_every_model_has_an_eraser_or_holds_nobody() -> None:
    models = {model for model in apps.get_models() if model._meta.app_label in OURS}
    assert set(ERASERS) | set(FREE_OF_PEOPLE) == models
    assert not set(ERASERS) & set(FREE_OF_PEOPLE)


@pytest.fixture
def two_people(acme_portal: Portal, globex_portal: Portal) -> tuple[Portal, Portal]:
    """The same numbers in two accounts, and a neighbour in the first."""
    for portal in (acme_portal, globex_portal):
        ReviewItem.objects.create(
            account=portal.account, portal=portal, kind="merged", record_type="contact", first_record="8",
            first_user=80, second_record="7", second_user=70,
        )  # fmt: skip
        for record_id, user_id in (("7", 70), ("8", 80)):
            learner = Learner.objects.create(
                account=portal.account, portal=portal, record_type="contact", record_id=record_id,
                learnupon_user_id=user_id, state="active", email=f"{record_id}@x.example",
            )  # fmt: skip
            Enrollment.objects.create(
                account=portal.account, portal=portal, learner=learner, enrollment_id=user_id + 1, course_id=1
            )
            for about in ({"record_type": "contact", "record_id": record_id}, {"learnupon_user_id": user_id}):
                Delivery.objects.create(
                    account=portal.account, portal=portal, kind="learnupon.course_completion", lane=Lane.LIVE,
                    key=f"{portal.pk}-{record_id}-{len(about)}", body={"name": f"Person {record_id}"}, **about,
                )  # fmt: skip
    return acme_portal, globex_portal


def test_each_eraser_takes_one_person_of_one_account(two_people: tuple[Portal, Portal]) -> None:
    ours, theirs = two_people
    person = Person(ours.account, "contact", "7", {ours.pk: [70]})
    counts = {model: eraser(person) for model, eraser in ERASERS.items()}
    assert counts == {Delivery: 2, ReviewItem: 1, Enrollment: 1, Learner: 1}
    assert ReviewItem.objects.filter(portal=ours).count() == 0
    assert ReviewItem.objects.filter(portal=theirs).count() == 1
    assert set(Learner.objects.filter(portal=ours).values_list("record_id", flat=True)) == {"8"}
    assert (
        Learner.objects.filter(portal=theirs).count() == Enrollment.objects.filter(portal=theirs).count() == 2
    )
    blank = Delivery.objects.filter(body__isnull=True)
    assert set(blank.values_list("account_id", "record_id", "learnupon_user_id")) == {
        (ours.account_id, "", None)
    }
    assert blank.count() == 2
    assert not Delivery.objects.filter(body__isnull=False, state="failed").exists()


def test_a_user_with_the_contact_s_number_is_somebody_else(two_people: tuple[Portal, Portal]) -> None:
    ours, _ = two_people
    for eraser in ERASERS.values():
        assert eraser(Person(ours.account, "user", "7", {})) == 0


def test_an_eraser_run_twice_finds_nothing(two_people: tuple[Portal, Portal]) -> None:
    ours, _ = two_people
    person = Person(ours.account, "contact", "7", {ours.pk: [70]})
    for eraser in ERASERS.values():
        eraser(person)
    assert sum(eraser(person) for model, eraser in ERASERS.items() if model is not Delivery) == 0
