"""A configuration out of one portal and into another: by name, and said before it is done."""

import orjson
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from portals import configuration, mapping
from portals.configuration import Unreadable
from portals.conversion import INTEGER, STRING
from portals.mapping import Field, Offer, Property
from portals.models import AuditEntry, Course, HubSpotAccount, Portal
from tests.conftest import make_portal

PROPERTIES = [Property("company", "Company", "string"), Property("seats", "Seats", "number")]
HERE = Offer(
    PROPERTIES, [Field(7, "Firm", STRING), Field(8, "Licences", INTEGER), Field(9, "Record", STRING)]
)
THERE = Offer(
    PROPERTIES, [Field(70, "firm", STRING), Field(80, "Licences", INTEGER), Field(90, "Record", STRING)]
)


@pytest.fixture
def test_portal(acme_portal: Portal) -> Portal:
    """Set up in full, as a test account would be."""
    acme_portal.fields = [mapping.as_json(field) for field in HERE.fields]
    acme_portal.record_field, acme_portal.sso, acme_portal.clash_policy = 9, "saml", "invite"
    acme_portal.save()
    mapping.save(acme_portal, [("company", 7, "if_empty"), ("seats", 8, "always")], HERE)
    Course.objects.create(portal=acme_portal, course_id=1, name="Safety", required=True)
    Course.objects.create(portal=acme_portal, course_id=2, name="Cooking")
    return acme_portal


@pytest.fixture
def production(acme_portal: Portal) -> Portal:
    return make_portal(acme_portal.account, "acme-partners", number=2)


def test_a_file_holds_names_and_no_secrets(test_portal: Portal) -> None:
    data = configuration.export(test_portal)
    assert data["record_field"] == "Record"
    assert data["required_courses"] == ["Safety"]
    assert data["mapping"][0] == {
        "property": "company", "property_label": "Company", "field": "Firm", "policy": "if_empty"
    }  # fmt: skip
    text = orjson.dumps(data).decode()
    for secret in (test_portal.api_key, test_portal.api_secret, test_portal.webhook_secret):
        assert secret not in text
    assert configuration.parse(text) == data


def test_everything_that_matches_by_name_is_carried_over(test_portal: Portal, production: Portal) -> None:
    Course.objects.create(portal=production, course_id=11, name="safety ")
    plan = configuration.plan(production, configuration.export(test_portal), THERE)
    assert plan.unmatched == []
    assert ("firm", "not filled", "Company · Only if empty at LearnUpon") in plan.changes
    assert not production.mappings.exists()
    Portal.objects.filter(pk=production.pk).update(record_field=5)
    configuration.apply(production, plan, THERE, "ada@acme.example")
    production.refresh_from_db()
    assert (production.sso, production.clash_policy, production.record_field) == ("saml", "invite", 90)
    assert production.former_record_fields == [5]
    assert list(production.mappings.values_list("property", "definition_id")) == [
        ("company", 70),
        ("seats", 80),
    ]
    assert [course.course_id for course in plan.courses] == [11]


def test_what_does_not_match_is_said(test_portal: Portal, production: Portal) -> None:
    offer = Offer(PROPERTIES[:1], [Field(80, "Licences", INTEGER)])
    data = configuration.export(test_portal) | {"clash_policy": "explode", "record_type": "user"}
    said = "\n".join(configuration.plan(production, data, offer).unmatched)
    for words in (
        "other records", "choice that does not exist", "no text field called Record",
        "Company to Firm: this portal has no such field", "Seats to Licences: HubSpot has no such property",
        "Required course Safety",
    ):  # fmt: skip
        assert words in said


def test_a_pair_that_does_not_fit_or_a_field_filled_twice_is_left_out(production: Portal) -> None:
    rows = [
        {"property": "company", "field": "Licences", "policy": "always"},
        {"property": "company", "field": "Firm", "policy": "always"},
        {"property": "seats", "field": "Firm", "policy": "always"},
        {"property": "seats", "field": "Licences", "policy": "sometimes"},
    ]
    data = {"format": "hubsync-portal", "version": 1, "record_type": "contact", "mapping": rows}
    plan = configuration.plan(production, data, THERE)
    assert plan.rows == [("company", 70, "always")]
    assert len(plan.unmatched) == 3


def test_rows_that_the_file_does_not_have_go(test_portal: Portal) -> None:
    data = configuration.export(test_portal) | {"mapping": []}
    plan = configuration.plan(test_portal, data, HERE)
    assert ("Firm", "Company · Only if empty at LearnUpon", "not filled") in plan.changes


@pytest.mark.parametrize(
    "text",
    [
        "", "no json", "[]", "{}", '{"format": "other"}', '{"format": "hubsync-portal", "version": 2}',
        '{"format": "hubsync-portal", "version": 1, "mapping": {}}',
        '{"format": "hubsync-portal", "version": 1, "mapping": ["x"]}',
        '{"format": "hubsync-portal", "version": 1, "required_courses": "x"}',
    ],
)  # fmt: skip
def test_anything_else_is_refused_in_words(text: str) -> None:
    with pytest.raises(Unreadable, match=r"\w+ \w+"):
        configuration.parse(text)


@pytest.mark.parametrize("value", [None, 7, ["x"], {"x": 1}])
def test_values_of_any_shape_are_survived(production: Portal, value: object) -> None:
    row = {"property": value, "field": value, "policy": value, "property_label": value}
    data = {
        "format": "hubsync-portal", "version": 1, "record_type": value, "sso": value, "clash_policy": value,
        "record_field": value, "mapping": [row], "required_courses": [value],
    }  # fmt: skip
    assert configuration.plan(production, data, THERE).changes == []


def uploaded(content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("acme.json", content)


def test_the_page_shows_the_plan_first_and_changes_later(
    installed: HubSpotAccount, as_acme: Client, acme_portal: Portal
) -> None:
    fields = {field.label: field.definition_id for field in mapping.read_fields(acme_portal)}
    row = {
        "property": "department",
        "property_label": "Department",
        "field": "Department",
        "policy": "always",
    }
    lost = {"property": "nope", "property_label": "Nope", "field": "Nowhere", "policy": "always"}
    data = configuration.export(acme_portal) | {"mapping": [row, lost], "clash_policy": "invite"}
    address = f"/portals/{acme_portal.pk}/settings/import"
    page = as_acme.post(address, {"file": uploaded(orjson.dumps(data))}).content.decode()
    assert "Nothing has been changed yet" in page
    assert "Nope to Nowhere: HubSpot has no such property here." in page
    assert not acme_portal.mappings.exists()
    answer = as_acme.post(address, {"text": orjson.dumps(data).decode(), "apply": "yes"}, follow=True)
    assert "1 that did not match were left out" in answer.content.decode()
    assert acme_portal.mappings.get().definition_id == fields["Department"]
    acme_portal.refresh_from_db()
    assert acme_portal.clash_policy == "invite"
    assert AuditEntry.objects.filter(action="configuration imported", portal=acme_portal).exists()


def test_a_wrong_file_is_said_on_the_page(as_acme: Client, acme_portal: Portal) -> None:
    address = f"/portals/{acme_portal.pk}/settings/import"
    assert "Choose the file first" in as_acme.post(address, {}).content.decode()
    assert "not a JSON file" in as_acme.post(address, {"file": uploaded(b"\xff\xfe")}).content.decode()
    assert "too large" in as_acme.post(address, {"file": uploaded(b" " * 300_000)}).content.decode()


def test_the_export_is_a_file_of_the_own_account_only(
    as_acme: Client, as_globex: Client, acme_portal: Portal
) -> None:
    address = f"/portals/{acme_portal.pk}/settings/configuration.json"
    answer = as_acme.get(address)
    assert answer["Content-Disposition"] == 'attachment; filename="acme-configuration.json"'
    assert answer.json()["format"] == "hubsync-portal"
    assert as_globex.get(address).status_code == 404
    assert as_globex.post(f"/portals/{acme_portal.pk}/settings/import", {}).status_code == 404
