"""The lists of the operators' admin are pages by key: nothing is counted, nothing skipped, and filters stay on."""

import re
from html import unescape

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import label_for_field
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portals.models import HubSpotAccount
from portals.operators import ReadOnly
from tests.security.planted import furnish
from webhooks.models import Delivery

OWN_APPS = ("portals", "webhooks", "learners", "gdpr")
FEW = {"Heartbeat", "Tally"}  # no numbers to page by, and a handful of rows
DELIVERIES = "/admin/webhooks/delivery/"


@pytest.fixture
def account(db: None) -> HubSpotAccount:
    return furnish(1001)


@pytest.fixture
def operator(account: HubSpotAccount) -> Client:
    User.objects.create_user("anna", password="long-enough-password", is_staff=True)
    client = Client()
    client.post(reverse("admin:login"), {"username": "anna", "password": "long-enough-password"})
    return client


@pytest.fixture
def seven(account: HubSpotAccount, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The keys of seven deliveries that failed, the newest first, in pages of three."""
    monkeypatch.setattr(ReadOnly, "list_per_page", 3)
    for number in range(6):
        Delivery.objects.create(
            account=account, kind="hubspot.event", lane="live", key=str(number), state="failed", body={}
        )
    return list(Delivery.objects.order_by("-pk").values_list("pk", flat=True))


def shown(operator: Client, address: str) -> tuple[list[int], str]:
    """The keys on a page, and the page."""
    answer = operator.get(address)
    assert answer.status_code == 200, address
    return [row.pk for row in answer.context["cl"].result_list], answer.content.decode()


def link(page: str, word: str) -> str:
    found = re.search(rf'<a href="([^"]+)">[^<]*{word}[^<]*</a>', page)
    return DELIVERIES + unescape(found[1]) if found else ""


def test_no_list_counts_or_sorts_what_it_does_not_show(operator: Client) -> None:
    models: list[type[Model]] = [model for app in OWN_APPS for model in apps.get_app_config(app).get_models()]
    for model in models:
        if model.__name__ in FEW:
            continue
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for query in ("", "?q=1001&o=2&_facets=True&all="):
            with CaptureQueriesContext(connection) as asked:
                assert operator.get(address + query).status_code == 200, (model, query)
            sql = [one["sql"] for one in asked if f'FROM "{model._meta.db_table}"' in one["sql"]]
            assert sql, model
            assert [one for one in sql if "COUNT(" in one or "LIMIT 51" not in one] == [], (model, query)
            assert all(f'ORDER BY "{model._meta.db_table}"."id" DESC' in one for one in sql), (model, query)


def test_no_label_is_a_column_s_name() -> None:
    """Django makes "Sso" and "Learnupon user id" of ours."""
    guessed = {"hub", "hubspot", "learnupon", "sso", "ui", "url"}
    for model, options in admin.site._registry.items():
        if model._meta.app_label in OWN_APPS:
            for name in {*options.list_display, *(options.fields or ())}:
                label = str(label_for_field(str(name), model, options))
                assert not guessed & set(label.split()), (model, label)


def test_every_row_is_on_one_page_on_the_way_there_and_back(operator: Client, seven: list[int]) -> None:
    address, pages = DELIVERIES, list[list[int]]()
    while address:
        keys, page = shown(operator, address)
        pages.append(keys)
        address = link(page, "Older")
    assert pages == [seven[:3], seven[3:6], seven[6:]]
    back, page = shown(operator, link(page, "Newer"))
    assert back == seven[3:6]
    first, page = shown(operator, link(page, "Newer"))
    assert (first, link(page, "Newer")) == (seven[:3], "")


def test_a_filter_stays_and_a_new_one_begins_at_the_newest(operator: Client, seven: list[int]) -> None:
    Delivery.objects.filter(pk=seven[1]).update(state="waiting")
    _, page = shown(operator, DELIVERIES + "?state__exact=failed")
    keys, page = shown(operator, link(page, "Older"))
    assert keys == seven[4:]
    every, _ = shown(operator, link(page, "All"))
    assert every == seven[:3]
    assert 'name="before"' not in page  # the search's own form begins at the newest too


@pytest.mark.parametrize("place", ["before=abc", "after=-1", "before=" + "9" * 30, "before=0", "after=%00"])
def test_a_place_that_is_none_breaks_nothing(operator: Client, seven: list[int], place: str) -> None:
    shown(operator, f"{DELIVERIES}?{place}")


def test_all_that_match_can_be_run_again_at_once(operator: Client, seven: list[int]) -> None:
    """Django's offer names how many there are, which nobody counts."""
    _, page = shown(operator, DELIVERIES + "?state__exact=failed")
    assert "Select all that match, on other pages too" in page
    form = {"action": "again", "_selected_action": seven[:1], "select_across": "1"}
    assert operator.post(DELIVERIES + "?state__exact=failed", form).status_code == 302
    assert not Delivery.objects.filter(state="failed").exists()
    _, page = shown(operator, DELIVERIES + "?state__exact=failed")
    assert "Select all that match" not in page
