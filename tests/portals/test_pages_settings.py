"""The settings that decide what is written to LearnUpon and who mails people."""

import pytest
import requests
import responses
from django.test import Client
from django.utils import timezone

from learners import welcome
from learners.models import Learner
from portals import mapping
from portals.conversion import INTEGER, STRING
from portals.mapping import Field, Offer, Property
from portals.mapping_sheet import MappingSheet
from portals.models import HubSpotAccount, Portal
from tests.portals.test_pages_connection import ANY_ADDRESS

FIELDS = [Field(7, "Firm", STRING), Field(8, "Licences", INTEGER), Field(9, "Record", STRING)]
OFFER = Offer([Property("company", "Company", "string")], FIELDS)
KEPT = {"sso": "none", "clash_policy": "refuse", "welcome_mail": "hubsync"}


@pytest.fixture
def portal(acme_portal: Portal) -> Portal:
    acme_portal.fields = [mapping.as_json(field) for field in FIELDS]
    acme_portal.save()
    return acme_portal


def save(client: Client, portal: Portal, **changes: str) -> str:
    answer = client.post(f"/portals/{portal.pk}/settings", KEPT | changes, follow=True)
    portal.refresh_from_db()
    return answer.content.decode()


def test_the_record_id_goes_into_a_text_field_of_the_admins_choice(as_acme: Client, portal: Portal) -> None:
    page = as_acme.get(f"/portals/{portal.pk}/settings").content.decode()
    assert '<option value="9">Record</option>' in page
    assert "Licences" not in page
    save(as_acme, portal, record_field="9")
    assert portal.record_field == 9
    save(as_acme, portal)
    assert portal.record_field == 9
    assert portal.former_record_fields == []
    save(as_acme, portal, record_field="")
    assert portal.record_field is None
    assert portal.former_record_fields == [9]


@pytest.mark.parametrize("value", ["8", "77", "x", "9; --"])
def test_no_other_field_can_carry_it(as_acme: Client, portal: Portal, value: str) -> None:
    assert "Nothing was saved" in save(as_acme, portal, record_field=value)
    assert portal.record_field is None


def test_a_field_is_filled_by_the_mapping_or_by_the_record_id(as_acme: Client, portal: Portal) -> None:
    mapping.save(portal, [("company", 7, "always")], OFFER)
    assert "The mapping fills this field with Company" in save(as_acme, portal, record_field="7")
    save(as_acme, portal, record_field="9")
    sheet = MappingSheet(portal, OFFER)
    assert [row.label for row in sheet.rows] == ["Firm", "Licences"]
    assert not sheet.save([("company", "9", "always")], "ada@acme.example")
    assert "carries the HubSpot record id" in sheet.error


def test_a_chosen_field_that_is_gone_stays_until_somebody_decides(as_acme: Client, portal: Portal) -> None:
    Portal.objects.filter(pk=portal.pk).update(record_field=5)
    assert "no text field of this portal any more" in save(as_acme, portal, record_field="5")
    assert portal.record_field == 5


def test_the_fields_can_be_read_again(installed: HubSpotAccount, as_acme: Client, portal: Portal) -> None:
    page = as_acme.post(f"/portals/{portal.pk}/settings/fields", follow=True).content.decode()
    assert "this portal has 8 custom user data fields" in page
    assert "HubSpot record</option>" in page


@responses.activate
def test_fields_that_cannot_be_read_stay_as_they_were(as_acme: Client, portal: Portal) -> None:
    responses.add(responses.GET, url=ANY_ADDRESS, body=requests.ConnectionError())
    page = as_acme.post(f"/portals/{portal.pk}/settings/fields", follow=True).content.decode()
    assert "could not be read" in page
    assert "Record</option>" in page


def test_who_mails_created_people(as_acme: Client, portal: Portal) -> None:
    assert portal.mails_created
    assert "sends it to nobody" not in as_acme.get(f"/portals/{portal.pk}/settings/mail").content.decode()
    save(as_acme, portal, welcome_mail="nobody")
    assert not portal.mails_created
    assert "sends it to nobody" in as_acme.get(f"/portals/{portal.pk}/settings/mail").content.decode()
    save(as_acme, portal, sso="saml")
    assert "log in by SAML" in as_acme.get(f"/portals/{portal.pk}/settings/mail").content.decode()


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "nl", "pt", "ja"])
def test_the_mail_is_shown_as_it_would_be_sent(as_acme: Client, portal: Portal, language: str) -> None:
    address = f"/portals/{portal.pk}/settings/mail?language={language}"
    page = as_acme.get(address).content.decode()
    sample = Learner(portal=portal, first_name="Ada", email="ada@example.com", language=language)
    mail = welcome.compose(sample)
    assert str(mail.subject) in page
    assert "ada@example.com" in page
    assert f"{portal.url}/forgot-password" in mail.body
    assert f'lang="{language}"' in page


def test_an_unknown_language_is_english(as_acme: Client, portal: Portal) -> None:
    page = as_acme.get(f"/portals/{portal.pk}/settings/mail?language=%3Cscript").content.decode()
    assert 'lang="en"' in page
    assert "<script>" not in page


def test_another_account_sees_none_of_it(as_globex: Client, portal: Portal) -> None:
    assert as_globex.get(f"/portals/{portal.pk}/settings/mail").status_code == 404
    assert as_globex.post(f"/portals/{portal.pk}/settings/fields").status_code == 404
    assert as_globex.get(f"/portals/{portal.pk}/first-event").status_code == 404


def test_the_checklist_hears_of_the_first_event(as_acme: Client, portal: Portal) -> None:
    page = as_acme.get("/portals/").content.decode()
    assert f'hx-get="/portals/{portal.pk}/first-event"' in page
    Portal.objects.filter(pk=portal.pk).update(last_event_at=timezone.now())
    part = as_acme.get(f"/portals/{portal.pk}/first-event").content.decode()
    assert "We have received your first event" in part
    assert "hx-get" not in part
    assert "<html" not in part


def test_the_mappings_changes_are_told_with_before_and_after(portal: Portal) -> None:
    mapping.save(portal, [("company", 7, "always")], OFFER, "ada@acme.example")
    mapping.save(portal, [("company", 7, "if_empty")], OFFER, "ada@acme.example")
    entry = portal.auditentry_set.order_by("-pk")[0]
    assert entry.details["changes"] == [["Firm", "Company · Always", "Company · Only if empty at LearnUpon"]]
