"""The mapping tried with one real record: what would change, why not, and that nothing does."""

import pytest
from django.test import Client

from learners.preview import Preview, preview
from portals import mapping, tombstones
from portals.mapping_sheet import MappingSheet
from portals.models import HubSpotAccount, Portal
from tests.portals.vendors import Vendors

MARIA = "maria.lopez@acme.example"
Rows = list[tuple[str, str, str]]


@pytest.fixture
def portal(installed: HubSpotAccount, acme_portal: Portal) -> Portal:
    return acme_portal


@pytest.fixture
def fields(portal: Portal) -> dict[str, str]:
    return {field.label: str(field.definition_id) for field in mapping.read_fields(portal)}


def tried(portal: Portal, who: str, rows: Rows) -> Preview:
    sheet = MappingSheet(portal, mapping.offer(portal))
    return preview(portal, sheet.unsaved(rows), who)


def record_id(portal: Portal) -> str:
    found = tried(portal, MARIA, [])
    assert found.person
    return found.person.record_id


def writes(vendors: Vendors) -> list[str]:
    return [
        call["path"]
        for call in vendors.calls("")
        if call["service"] == "learnupon" and call["method"] != "GET"
    ]


def test_before_and_after_of_somebody_with_an_account(
    portal: Portal, fields: dict[str, str], vendors: Vendors
) -> None:
    rows = [("firstname", fields["Department"], "always"), ("country", fields["Country"], "if_empty")]
    found = tried(portal, MARIA.upper(), rows)
    assert found.known
    lines = {line.label: line for line in found.lines}
    assert (lines["Department"].before, lines["Department"].after) == ("Sales", "Maria")
    assert lines["E-mail"].note == "stays as it is"
    assert not lines["Country"].changes
    assert writes(vendors) == []
    assert not portal.mappings.exists()


def test_policies_and_values_that_cannot_be_written_are_explained(
    portal: Portal, fields: dict[str, str]
) -> None:
    rows = [
        ("firstname", fields["Department"], "if_empty"),
        ("lastname", fields["Country"], "always"),
    ]
    notes = {line.label: line.note for line in tried(portal, MARIA, rows).lines}
    assert notes["Department"] == "left alone: it is filled at LearnUpon already"
    assert "is not one of the values LearnUpon allows" in notes["Country"]


def test_the_record_id_is_shown_where_a_field_carries_it(portal: Portal, fields: dict[str, str]) -> None:
    portal.record_field = int(fields["HubSpot record"])
    line = tried(portal, record_id(portal), []).lines[-1]
    assert (line.label, line.before, line.after) == ("HubSpot record", "", record_id(portal))


@pytest.mark.parametrize("who", ["", "   ", "nobody@acme.example", "99999999", "no e-mail", "?id=1"])
def test_who_is_not_there_is_said(portal: Portal, who: str) -> None:
    found = tried(portal, who, [])
    assert found.problem
    assert found.lines == []


def test_an_erased_record_is_not_read(portal: Portal, vendors: Vendors) -> None:
    number = record_id(portal)
    tombstones.bury(portal.account, "contact", number, set())
    before = len(vendors.calls("batch/read"))
    assert "no such record" in tried(portal, number, []).problem
    assert len(vendors.calls("batch/read")) == before


def posted(fields: dict[str, str]) -> dict[str, str]:
    return {"who": MARIA, "property": "firstname", "definition_id": fields["Department"], "policy": "always"}


def test_the_page_keeps_the_choices_that_are_not_saved(
    as_acme: Client, portal: Portal, fields: dict[str, str]
) -> None:
    page = as_acme.post(f"/portals/{portal.pk}/mapping/preview", posted(fields)).content.decode()
    assert "<strong>Maria</strong>" in page
    assert '<option value="firstname" selected>' in page
    assert "data-unsaved>" in page
    assert not portal.mappings.exists()


def test_with_htmx_only_the_preview_comes(as_acme: Client, portal: Portal, fields: dict[str, str]) -> None:
    address = f"/portals/{portal.pk}/mapping/preview"
    part = as_acme.post(address, posted(fields), headers={"HX-Request": "true"}).content.decode()
    assert "<strong>Maria</strong>" in part
    assert "<html" not in part


def test_an_address_never_names_the_person(as_acme: Client, as_globex: Client, portal: Portal) -> None:
    address = f"/portals/{portal.pk}/mapping/preview"
    assert as_acme.get(f"{address}?who={MARIA}")["Location"] == f"/portals/{portal.pk}/mapping"
    assert as_globex.post(address, {"who": MARIA}).status_code == 404


def test_hubspot_in_trouble_is_said(as_acme: Client, portal: Portal, vendors: Vendors) -> None:
    fault = {"service": "hubspot", "path": ".*batch/read.*", "kind": "status", "status": 503}
    vendors.control("POST", "faults", fault)
    page = as_acme.post(f"/portals/{portal.pk}/mapping/preview", {"who": MARIA}).content.decode()
    assert "HubSpot answered 503" in page
