"""The mapping page: what it shows when the lists cannot be read, and the sheet of rows behind its form."""

import re

import pytest
import requests
import responses
from django.test import Client

from portals.conversion import DATE, INTEGER, STRING
from portals.mapping import Field, Offer, Property
from portals.mapping_sheet import GONE, MappingSheet
from portals.models import Portal, PropertyMapping

OFFER = Offer(
    properties=[
        Property("company", "Company", "string"),
        Property("seats", "Seats", "number"),
        Property("start", "Start date", "date"),
    ],
    fields=[Field(7, "Firm", STRING), Field(8, "Licences", INTEGER), Field(9, "Since", DATE)],
)


@pytest.fixture
def mapped(acme_portal: Portal) -> PropertyMapping:
    return PropertyMapping.objects.create(
        portal=acme_portal, position=0, property="company", property_label="Company", property_type="string",
        definition_id=7, definition_label="Firm", definition_type=STRING, policy="if_empty",
    )  # fmt: skip


@responses.activate
def test_lists_that_cannot_be_read_are_said_kindly(
    as_acme: Client, acme_portal: Portal, mapped: PropertyMapping
) -> None:
    responses.add(responses.GET, url=re.compile(".*"), body=requests.ConnectionError())
    page = as_acme.get(f"/portals/{acme_portal.pk}/mapping").content.decode()
    assert "could not be read just now" in page
    assert "Try again" in page
    assert "Firm" in page


@responses.activate
def test_a_mapping_that_could_not_be_saved_is_kept_for_the_next_try(
    as_acme: Client, acme_portal: Portal
) -> None:
    responses.add(responses.GET, url=re.compile(".*"), body=requests.ConnectionError())
    posted = {"property": ["company", ""], "definition_id": ["7", "8"], "policy": ["always", "always"]}
    page = as_acme.post(f"/portals/{acme_portal.pk}/mapping", posted).content.decode()
    assert "Try to save again" in page
    assert '<input type="hidden" name="property" value="company">' in page
    assert not acme_portal.mappings.exists()


def test_each_field_offers_only_what_fits_and_says_what_does_not(acme_portal: Portal) -> None:
    rows = {row.label: row for row in MappingSheet(acme_portal, OFFER).rows}
    assert 'value="company"' in rows["Firm"].options
    assert 'value="company"' not in rows["Licences"].options
    assert 'value="seats"' in rows["Licences"].options
    assert dict(rows["Since"].left_out) == {"string": 1, "number": 1}


def test_what_is_saved_is_chosen(acme_portal: Portal, mapped: PropertyMapping) -> None:
    row = next(row for row in MappingSheet(acme_portal, OFFER).rows if row.definition_id == 7)
    assert 'value="company" selected' in row.options
    assert row.policy == "if_empty"


def test_what_is_gone_on_either_side_is_said(acme_portal: Portal, mapped: PropertyMapping) -> None:
    field_gone = MappingSheet(acme_portal, Offer(OFFER.properties, OFFER.fields[1:]))
    assert [row.error for row in field_gone.rows if row.definition_id == 7] == [GONE]
    property_gone = MappingSheet(acme_portal, Offer(OFFER.properties[1:], OFFER.fields))
    assert "any more" in next(row.error for row in property_gone.rows if row.definition_id == 7)


def test_saving_replaces_the_mapping(acme_portal: Portal, mapped: PropertyMapping) -> None:
    sheet = MappingSheet(acme_portal, OFFER)
    assert sheet.save([("seats", "8", "always"), ("start", "9", "never_clear")], "ada@acme.example")
    saved = acme_portal.mappings.values_list("property", "definition_id", "policy")
    assert list(saved) == [("seats", 8, "always"), ("start", 9, "never_clear")]


def test_a_pair_that_does_not_fit_is_put_back_with_the_reason(
    acme_portal: Portal, mapped: PropertyMapping
) -> None:
    sheet = MappingSheet(acme_portal, OFFER)
    assert not sheet.save([("seats", "7", "always"), ("company", "8", "if_empty")], "ada@acme.example")
    row = next(row for row in sheet.rows if row.definition_id == 8)
    assert "Company is a string" in row.error
    assert (row.property, row.policy) == ("company", "if_empty")
    assert acme_portal.mappings.get().property == "company"


@pytest.mark.parametrize("definition", ["", "x", "-1", "7; DROP TABLE"])
def test_a_row_that_names_no_field_is_refused(acme_portal: Portal, definition: str) -> None:
    sheet = MappingSheet(acme_portal, OFFER)
    assert not sheet.save([("company", definition, "always")], "ada@acme.example")
    assert sheet.error


def test_labels_from_the_vendors_cannot_carry_markup(acme_portal: Portal) -> None:
    nasty = Property('x"><script>', "<script>alert(1)</script>", "string")
    sheet = MappingSheet(acme_portal, Offer([nasty], OFFER.fields))
    assert "<script>" not in sheet.rows[0].options
