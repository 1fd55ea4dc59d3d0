"""A saved mapping that no longer says what it said, found when looked at and by the daily task."""

from dataclasses import replace
from datetime import timedelta

import pytest
import responses
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from portals import drift, mapping
from portals.banners import banners
from portals.conversion import DATE, INTEGER, STRING, STRING_CHOICE
from portals.mapping import Field, Offer, Property
from portals.models import HubSpotAccount, Portal
from portals.tasks import watch_drift
from tests.portals.vendors import Vendors

COMPANY = Property("company", "Company", "string")
SEATS = Property("seats", "Seats", "number")
SIZE = Property("size", "Size", "enumeration", [("s", "Small"), ("l", "Large")])
FIRM, LICENCES, CLASS = (
    Field(7, "Firm", STRING),
    Field(8, "Licences", INTEGER),
    Field(9, "Class", STRING_CHOICE, ["Small"]),
)
OFFER = Offer([COMPANY, SEATS, SIZE], [FIRM, LICENCES, CLASS])


@pytest.fixture
def mapped(acme_portal: Portal) -> Portal:
    rows = [("company", 7, "always"), ("seats", 8, "always"), ("size", 9, "always")]
    mapping.save(acme_portal, rows, OFFER)
    return acme_portal


def changed(old: Property | Field, **changes: object) -> Offer:
    """The offer as it is after one property or field changed."""
    new = replace(old, **changes)  # type: ignore[arg-type]
    return Offer(
        [new if item == old else item for item in OFFER.properties],  # type: ignore[misc]
        [new if item == old else item for item in OFFER.fields],  # type: ignore[misc]
    )


def test_what_is_as_it_was_is_no_drift(mapped: Portal) -> None:
    assert drift.keep(mapped, OFFER) == []
    mapped.refresh_from_db()
    assert mapped.drift == []
    assert mapped.watched_at is not None
    assert mapping.text_fields(mapped) == [(7, "Firm")]


@pytest.mark.parametrize(
    ("offer", "said", "breaks"),
    [
        (Offer(OFFER.properties[1:], OFFER.fields), "Company was deleted or hidden in HubSpot", True),
        (Offer(OFFER.properties, OFFER.fields[1:]), "Firm was deleted in LearnUpon", True),
        (changed(COMPANY, type="date"), "Company was a string and is now a date. They still fit", True),
        (
            changed(LICENCES, type_id=DATE),
            "Licences took a whole number and now takes a date. Choose another",
            True,
        ),
        (changed(COMPANY, label="Employer"), "Company is now called Employer in HubSpot", False),
        (changed(FIRM, label="Employer"), "Firm is now called Employer in LearnUpon", False),
    ],
)
def test_deleted_retyped_and_renamed(mapped: Portal, offer: Offer, said: str, breaks: bool) -> None:
    found = drift.keep(mapped, offer)
    assert len(found) == 1
    assert said in found[0].text
    assert found[0].breaks is breaks


def test_only_what_breaks_is_said_on_every_page(mapped: Portal, as_acme: Client) -> None:
    drift.keep(mapped, changed(FIRM, label="Employer"))
    assert banners(mapped.account) == []
    drift.keep(mapped, Offer([], OFFER.fields))
    assert "And 2 more" in str(banners(mapped.account)[0])
    page = as_acme.get("/portals/connect/").content.decode()
    assert "the mapping no longer fits" in page
    assert f'href="/portals/{mapped.pk}/mapping"' in page


def test_new_options_and_choices_are_taken_over_without_asking(mapped: Portal) -> None:
    longer = Property("size", "Size", "enumeration", [*SIZE.options, ("xl", "Huge")])
    offer = Offer([COMPANY, SEATS, longer], [FIRM, LICENCES, replace(CLASS, choices=["Small", "Huge"])])
    assert drift.keep(mapped, offer) == []
    row = mapped.mappings.get(property="size")
    assert row.options[-1] == ["xl", "Huge"]
    assert row.choices == ["Small", "Huge"]


def test_the_field_of_the_record_id_is_watched_too(acme_portal: Portal) -> None:
    acme_portal.record_field = 7
    assert drift.keep(acme_portal, OFFER) == []
    assert "carries the HubSpot record id" in drift.keep(acme_portal, Offer([], []))[0].text
    assert "takes a date now" in drift.keep(acme_portal, changed(FIRM, type_id=DATE))[0].text


def test_saving_again_ends_the_drift(mapped: Portal) -> None:
    renamed = changed(COMPANY, label="Employer")
    drift.keep(mapped, renamed)
    mapping.save(mapped, [("company", 7, "always")], renamed)
    assert drift.keep(mapped, renamed) == []


def test_the_daily_task_finds_it(installed: HubSpotAccount, mapped: Portal) -> None:
    Portal.objects.filter(pk=mapped.pk).update(watched_at=timezone.now() - timedelta(days=2))
    watch_drift()
    mapped.refresh_from_db()
    assert mapped.drift  # the sandbox's portal has other fields
    assert [row["subdomain"] for row in mapped.sub_portals] == ["acme-partners"]
    assert drift.due() == []


@responses.activate
def test_one_portal_that_breaks_our_code_does_not_hide_the_others(
    mapped: Portal, globex_portal: Portal, settings: Settings, clean_limiter: None
) -> None:
    """It is due for longest, so it would be looked at first at every tick for ever."""
    settings.LEARNUPON_URL = "https://{subdomain}.{region}"
    for portal, answer in ((mapped, [{"label": "x"}]), (globex_portal, [])):
        api = f"https://{portal.host}/api/v1/"
        responses.get(f"{api}users/customuserdata", json={"customDataFieldDefinitions": answer})
        responses.get(f"{api}portals", json={"portals": []})
    responses.get(f"{settings.HUBSPOT_API_URL}/crm/properties/2026-09/contacts", json={"results": []})
    Portal.objects.filter(pk=mapped.pk).update(watched_at=timezone.now() - timedelta(days=9))
    Portal.objects.filter(pk=globex_portal.pk).update(watched_at=timezone.now() - timedelta(days=2))
    watch_drift()
    assert drift.due() == []


def test_a_portal_that_does_not_answer_is_put_off(
    installed: HubSpotAccount, mapped: Portal, vendors: Vendors
) -> None:
    vendors.control("POST", "faults", {"service": "learnupon", "path": ".*", "kind": "status", "status": 503})
    watch_drift()
    mapped.refresh_from_db()
    assert mapped.drift == []
    assert drift.due() == []
    Portal.objects.update(watched_at=timezone.now() - timedelta(hours=25))
    assert drift.due() == [mapped]
