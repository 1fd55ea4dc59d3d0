"""The operators' admin: only staff, by a login of its own; nothing can be changed, secrets never show, and every look at
a person is in the account's trail."""

import re
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from gdpr.models import Erasure, ErasureStep
from learners.models import Enrollment, Learner, ReviewItem
from portals.clients.errors import Reason
from portals.models import (
    AuditEntry,
    HubSpotAccount,
    Portal,
)
from portals.operators import account_of
from tests.conftest import signed_in
from tests.security.planted import PERSON, SECRETS, furnish
from webhooks.models import Delivery

OWN_APPS = ("portals", "webhooks", "learners", "gdpr")
MODELS: list[type[Model]] = [model for app in OWN_APPS for model in apps.get_app_config(app).get_models()]


@pytest.fixture
def accounts(db: None) -> list[HubSpotAccount]:
    return [furnish(hub_id) for hub_id in (1001, 1002)]


@pytest.fixture
def operator(db: None) -> Client:
    User.objects.create_user("anna", password="long-enough-password", is_staff=True)
    client = Client()
    client.post(reverse("admin:login"), {"username": "anna", "password": "long-enough-password"})
    return client


def addresses(model: type[Model]) -> list[str]:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    rows = list(model._default_manager.order_by("pk"))
    assert rows, f"plant a {model.__name__}"
    return [
        reverse(f"{name}_changelist"),
        *(reverse(f"{name}_{page}", args=[row.pk]) for row in rows for page in ("change", "history")),
    ]


def everything() -> dict[str, list[Any]]:
    return {
        m.__name__: list(m._default_manager.order_by("pk").values()) for m in MODELS if m is not AuditEntry
    }


@pytest.mark.usefixtures("accounts")
def test_every_page_opens_for_an_operator_and_shows_no_secret(operator: Client) -> None:
    for model in MODELS:
        for address in addresses(model):
            answer = operator.get(address)
            assert answer.status_code == 200, address
            page = answer.content.decode()
            assert [secret for secret in SECRETS if secret in page.replace("-", "")] == [], address
            if not address.endswith("/change/"):
                assert [known for known in PERSON if known in page] == [], address


def test_an_operator_s_password_is_not_one_that_is_guessed() -> None:
    """Customers have none: this is the only one there is to guess."""
    for weak in ("short-one", "password1234", "192837465564", "anna-kowalska"):
        with pytest.raises(ValidationError):
            validate_password(weak, User(username="anna-kowalska"))
    validate_password("correct horse battery", User(username="anna-kowalska"))


@pytest.mark.usefixtures("accounts")
@pytest.mark.parametrize(
    "query",
    ["email__startswith=a", "email=ada@example.com", "first_name__regex=^A", "record_id__gt=5",
     "enrollments__course_name__startswith=F", "state__regex=."],
)  # fmt: skip
def test_no_list_tells_what_it_does_not_show(operator: Client, query: str) -> None:
    """Whether a list is empty would answer any question about a person, and nobody would learn that it was asked."""
    path = reverse("admin:learners_learner_changelist")
    assert operator.get(f"{path}?{query}").status_code == 400
    assert operator.get(f"{path}?state__exact=active&record_type__exact=contact").status_code == 200
    parked = reverse("admin:learners_enrollment_changelist")
    assert operator.get(f"{parked}?progress=refused&why=internal").status_code == 200


@pytest.mark.usefixtures("accounts")
def test_nobody_else_gets_in(operator: Client) -> None:
    User.objects.create_user("bert", password="long-enough-password")
    former = User.objects.create_user("cora", password="long-enough-password", is_staff=True, is_active=False)
    not_staff, gone = Client(), Client()
    not_staff.force_login(User.objects.get(username="bert"))
    gone.force_login(former)
    customer = signed_in(HubSpotAccount.objects.get(hub_id=1001))
    for visitor in (Client(), not_staff, gone, customer):
        for model in MODELS:
            for address in (reverse("admin:index"), *addresses(model)):
                for ask in (visitor.get, visitor.post):
                    answer = ask(address, {})
                    assert answer.status_code == 302, address
                    assert answer["Location"].startswith("/admin/login/"), address


def test_the_two_sign_ins_know_nothing_of_each_other(
    operator: Client, accounts: list[HubSpotAccount]
) -> None:
    kept = operator.cookies["hubsync_operator"]
    assert (kept["path"], kept["samesite"], bool(kept["httponly"])) == ("/admin/", "Strict", True)
    assert "hubsync_session" not in operator.cookies
    assert operator.get("/portals/").status_code == 302  # an operator is nobody's admin
    customer = signed_in(accounts[0])
    customer.cookies["hubsync_operator"] = customer.cookies["hubsync_session"].value
    assert customer.get("/admin/").status_code == 302  # nor is a customer's session one here
    operator.post("/signout/")
    assert operator.get("/admin/").status_code == 200
    operator.post("/admin/logout/")
    assert operator.get("/admin/").status_code == 302


@pytest.mark.usefixtures("accounts")
def test_nothing_can_be_added_changed_or_deleted(operator: Client) -> None:
    before = everything()
    for model in MODELS:
        options = admin.site._registry[model]
        changelist, change, *_ = addresses(model)
        row = model._default_manager.order_by("pk").first()
        values = dict.fromkeys(options.fields or (), "1")
        for address in (changelist + "add/", change, change.replace("/change/", "/delete/")):
            assert operator.post(address, values | {"post": "yes"}).status_code == 403, address
        operator.post(changelist, {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})  # type: ignore[union-attr]
    assert everything() == before


def press(client: Client, model: type[Model], action: str) -> None:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
    rows = list(model._default_manager.values_list("pk", flat=True))
    answer = client.post(reverse(name), {"action": action, "_selected_action": rows})
    assert answer.status_code == 302


def test_run_again_and_pause_do_so_and_stand_in_each_account_s_trail(
    operator: Client, accounts: list[HubSpotAccount]
) -> None:
    for model in (Delivery, Enrollment, Erasure):
        press(operator, model, "again")
    assert set(Delivery.objects.values_list("state", "attempts")) == {("waiting", 0)}
    assert not Enrollment.objects.filter(due_at=None).exists()
    assert not ErasureStep.objects.filter(due_at__gt=timezone.now()).exists()
    press(operator, Portal, "pause")
    assert set(Portal.objects.values_list("state", flat=True)) == {"paused"}
    press(operator, Portal, "resume")
    assert set(Portal.objects.values_list("state", flat=True)) == {"connected"}
    for account in accounts:
        trail = AuditEntry.objects.filter(account=account, actor="operator anna").order_by("pk")
        assert [(entry.action, entry.details.get("count")) for entry in trail] == [
            ("tried again", 1), ("tried again", 1), ("tried again", 1), ("portal paused", None),
            ("portal resumed", None),
        ]  # fmt: skip


def test_what_has_not_failed_is_left_alone(operator: Client, accounts: list[HubSpotAccount]) -> None:
    Delivery.objects.update(state="done")
    Enrollment.objects.update(parked_reason="")
    Erasure.objects.update(state="done")
    Portal.objects.update(state="disconnected")
    before = everything()
    for model in (Delivery, Enrollment, Erasure):
        press(operator, model, "again")
    press(operator, Portal, "pause")
    press(operator, Portal, "resume")
    assert everything() == before
    assert not AuditEntry.objects.filter(actor="operator anna").exists()


def test_every_look_at_a_person_is_shown_to_the_customer(
    operator: Client, accounts: list[HubSpotAccount]
) -> None:
    mine, other = accounts
    for model in (Learner, Enrollment, Delivery, ReviewItem):
        row = model._default_manager.get(account=mine)
        operator.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[row.pk]))
    operator.get(
        reverse("admin:gdpr_erasurestep_change", args=[ErasureStep.objects.get(erasure__account=mine).pk])
    )
    looked = AuditEntry.objects.filter(account=mine, actor="operator anna").order_by("pk")
    assert [entry.action for entry in looked] == [
        "looked at one learner", "looked at one enrollment", "looked at one delivery", "looked at one review item",
        "looked at one erasure step",
    ]  # fmt: skip
    portal = Portal.objects.get(account=mine)
    page = signed_in(mine).get(f"/portals/{portal.pk}/privacy").content.decode()
    assert "Looked at one review item" in page
    theirs = Portal.objects.get(account=other)
    assert "operator anna" not in signed_in(other).get(f"/portals/{theirs.pk}/privacy").content.decode()


def links(page: str) -> list[str]:
    return [unescape(found) for found in re.findall(r'href="(/admin/[^"]+/\?[^"]+)"', page)]


@pytest.mark.usefixtures("accounts")
def test_the_index_leads_to_what_needs_somebody_and_names_things_rightly(operator: Client) -> None:
    page = operator.get("/admin/").content.decode()
    for name in ("Deliveries", "HubSpot accounts", "Audit entries", "Tallies"):
        assert f">{name}</a>" in page
    found = {address: operator.get(address) for address in links(page)}
    assert {answer.status_code for answer in found.values()} == {200}  # a filter that is none is a redirect
    counts = [answer.context["cl"].result_count for answer in found.values()]
    assert counts == [0, 0, 0, 2, 2, 2]


def test_an_account_s_page_leads_to_what_is_its_own(operator: Client, accounts: list[HubSpotAccount]) -> None:
    mine, _ = accounts
    operator.get(reverse("admin:learners_learner_change", args=[mine.learners.get().pk]))
    page = operator.get(reverse("admin:portals_hubspotaccount_change", args=[mine.pk])).content.decode()
    found = {address: operator.get(address).context["cl"] for address in links(page)}
    assert len(found) == 10
    for address, shown in found.items():
        assert {account_of(row) for row in shown.result_list} <= {mine}, address
    assert [shown.result_count for shown in found.values()] == [1, 1, 0, 1, 0, 1, 1, 1, 1, 2]


@pytest.mark.usefixtures("accounts")
def test_why_something_failed_and_what_to_do_is_said(operator: Client) -> None:
    for model, rows in ((Delivery, "webhooks_delivery"), (Enrollment, "learners_enrollment")):
        refused, internal = model._default_manager.order_by("pk")
        for row, why in ((refused, Reason.REFUSED), (internal, Reason.INTERNAL)):
            model._default_manager.filter(pk=row.pk).update(why=why)
        address = reverse(f"admin:{rows}_changelist")
        assert [row.pk for row in operator.get(address, {"why": "internal"}).context["cl"].result_list] == [
            internal.pk
        ]
        assert "Our mistake" in operator.get(address).content.decode()
        page = operator.get(reverse(f"admin:{rows}_change", args=[refused.pk])).content.decode()
        assert "Refused. Mend what the reason names" in page


@pytest.mark.usefixtures("accounts")
def test_where_progress_stands_is_said_in_words(operator: Client) -> None:
    waits, told = Enrollment.objects.order_by("pk")
    refused = Enrollment.objects.create(
        account=told.account, portal=told.portal, learner=told.learner, enrollment_id=2, course_id=1,
        parked_reason="No.", due_at=None,
    )  # fmt: skip
    Enrollment.objects.filter(pk=waits.pk).update(due_at=timezone.now())
    Enrollment.objects.filter(pk=told.pk).update(parked_reason="")
    address = reverse("admin:learners_enrollment_changelist")
    words = {"waits": "Waits for HubSpot", "refused": "HubSpot refused it", "told": "HubSpot has it"}
    for row, (word, said) in zip((waits, refused, told), words.items(), strict=True):
        assert [
            found.pk for found in operator.get(address, {"progress": word}).context["cl"].result_list
        ] == [row.pk]
        page = operator.get(reverse("admin:learners_enrollment_change", args=[row.pk])).content.decode()
        assert said in page


@pytest.mark.usefixtures("accounts")
def test_only_what_waits_has_a_next_try_and_times_are_written_as_on_our_pages(operator: Client) -> None:
    failed, waits = Delivery.objects.order_by("pk")
    at = datetime(2026, 3, 2, 17, 4, 5, tzinfo=UTC)
    Delivery.objects.update(due_at=at)
    Delivery.objects.filter(pk=waits.pk).update(state="waiting")
    for row, shown in ((failed, False), (waits, True)):
        page = operator.get(reverse("admin:webhooks_delivery_change", args=[row.pk])).content.decode()
        assert ("2 Mar 2026, 17:04:05" in page) is shown


@pytest.mark.usefixtures("accounts")
@pytest.mark.parametrize("asked", ["1001", "abc", "9" * 40, "%00", "' OR 1=1", "é"])
def test_any_search_is_answered(operator: Client, asked: str) -> None:
    for model in MODELS:
        assert operator.get(addresses(model)[0], {"q": asked}).status_code == 200, model


def test_every_model_is_there() -> None:
    assert set(MODELS) <= set(admin.site._registry)
    assert User not in [m for m in admin.site._registry if m._meta.app_label in OWN_APPS]
