"""Connecting a portal and changing its settings."""

import re

import pytest
import requests
import responses
from django.test import Client

from portals.models import AuditEntry, HubSpotAccount, Portal
from tests.conftest import make_portal

ANY_ADDRESS = re.compile(".*")
CONNECT = {
    "subdomain": "acme-partners",
    "api_key": "a-key",
    "api_secret": "a-very-secret-secret",
    "record_type": "user",
    "sso": "saml",
    "webhook_secret": "hook-secret",
}
ACTS = ["settings/keys", "settings/pause", "settings/resume", "settings/remove", "settings", "mapping"]


@pytest.mark.parametrize("act", ACTS)
def test_another_accounts_portal_cannot_be_changed(as_globex: Client, acme_portal: Portal, act: str) -> None:
    answer = as_globex.post(f"/portals/{acme_portal.pk}/{act}", {"confirm": "yes", "sso": "saml"})
    assert answer.status_code == 404
    acme_portal.refresh_from_db()
    assert acme_portal.state == Portal.State.CONNECTED
    assert acme_portal.sso == Portal.Sso.NONE


def test_connect_asks_for_what_is_missing(as_acme: Client) -> None:
    page = as_acme.post("/portals/connect/", CONNECT | {"api_secret": ""}).content.decode()
    assert "Nothing was saved" in page
    assert 'value="acme-partners"' in page
    assert "This field is required" in page
    assert not Portal.objects.filter(subdomain="acme-partners").exists()


def test_connect_keeps_what_was_typed_but_sends_no_secret_back(as_acme: Client) -> None:
    page = as_acme.post("/portals/connect/", CONNECT | {"subdomain": "learn.acme.example"}).content.decode()
    assert "white-label" in page
    assert 'value="learn.acme.example"' in page
    assert 'value="a-key"' in page
    assert 'value="user" ' in page
    assert "a-very-secret-secret" not in page
    assert "hook-secret" not in page


@responses.activate
def test_learnupon_not_answering_is_said_and_nothing_saved(as_acme: Client) -> None:
    responses.add(responses.GET, url=ANY_ADDRESS, body=requests.ConnectionError())
    page = as_acme.post("/portals/connect/", CONNECT).content.decode()
    assert "Nothing was saved" in page
    assert not Portal.objects.filter(subdomain="acme-partners").exists()


@responses.activate
def test_wrong_keys_are_said_beside_their_field(as_acme: Client) -> None:
    responses.add(responses.GET, url=ANY_ADDRESS, status=401, json={})
    page = as_acme.post("/portals/connect/", CONNECT).content.decode()
    assert "LearnUpon refused these API keys" in page
    assert not Portal.objects.filter(subdomain="acme-partners").exists()


def test_settings_show_where_learnupon_must_send_its_webhooks(as_acme: Client, acme_portal: Portal) -> None:
    page = as_acme.get(f"/portals/{acme_portal.pk}/settings").content.decode()
    assert f'data-webhook-url="{acme_portal.webhook_url}"' in page
    assert f'data-webhook-secret="{acme_portal.webhook_secret}"' in page
    assert "No event has come yet" in page


def test_the_first_event_shows_without_reloading(as_acme: Client, acme_portal: Portal) -> None:
    part = as_acme.get(f"/portals/{acme_portal.pk}/settings", headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith('<div id="webhook-state"')
    assert "<html" not in part


def test_the_realm_is_asked_for_only_when_there_are_several_portals(
    as_acme: Client, acme_portal: Portal
) -> None:
    address = f"/portals/{acme_portal.pk}/settings"
    assert "realm_confirmed" not in as_acme.get(address).content.decode()
    make_portal(acme_portal.account, "acme-partners", number=2)
    assert "realm_confirmed" in as_acme.get(address).content.decode()


def test_settings_are_saved_and_audited_without_their_values(as_acme: Client, acme_portal: Portal) -> None:
    make_portal(acme_portal.account, "acme-partners", number=2)
    posted = {
        "sso": "sqsso",
        "clash_policy": "invite",
        "webhook_secret": "new-hook-secret",
        "realm_confirmed": "on",
    }
    answer = as_acme.post(f"/portals/{acme_portal.pk}/settings", posted)
    assert answer["Location"] == f"/portals/{acme_portal.pk}/settings"
    acme_portal.refresh_from_db()
    assert (acme_portal.sso, acme_portal.clash_policy) == ("sqsso", "invite")
    assert acme_portal.webhook_secret == "new-hook-secret"
    assert acme_portal.realm == Portal.Realm.CONFIRMED
    entry = AuditEntry.objects.get(action="portal settings saved")
    assert "new-hook-secret" not in str(entry.details)


def test_a_setting_that_does_not_exist_is_refused(as_acme: Client, acme_portal: Portal) -> None:
    page = as_acme.post(f"/portals/{acme_portal.pk}/settings", {"sso": "magic", "clash_policy": "invite"})
    assert "Nothing was saved" in page.content.decode()
    acme_portal.refresh_from_db()
    assert acme_portal.clash_policy == Portal.ClashPolicy.REFUSE


@responses.activate
def test_new_keys_are_tried_before_they_are_kept(as_acme: Client, acme_portal: Portal) -> None:
    responses.add(responses.GET, url=ANY_ADDRESS, status=401, json={})
    posted = {"api_key": "wrong", "api_secret": "wrong-secret"}
    page = as_acme.post(f"/portals/{acme_portal.pk}/settings/keys", posted).content.decode()
    assert "LearnUpon refused these API keys" in page
    acme_portal.refresh_from_db()
    assert acme_portal.api_key != "wrong"


def test_pause_and_resume(as_acme: Client, acme_portal: Portal) -> None:
    as_acme.post(f"/portals/{acme_portal.pk}/settings/pause")
    acme_portal.refresh_from_db()
    assert acme_portal.state == Portal.State.PAUSED
    assert "Resume" in as_acme.get(f"/portals/{acme_portal.pk}/settings").content.decode()
    as_acme.post(f"/portals/{acme_portal.pk}/settings/resume")
    acme_portal.refresh_from_db()
    assert acme_portal.state == Portal.State.CONNECTED


def test_changes_are_posts(as_acme: Client, acme_portal: Portal) -> None:
    for act in ("keys", "pause", "resume", "remove"):
        assert as_acme.get(f"/portals/{acme_portal.pk}/settings/{act}").status_code == 405


def test_removing_needs_the_box_ticked(as_acme: Client, acme_portal: Portal) -> None:
    as_acme.post(f"/portals/{acme_portal.pk}/settings/remove")
    acme_portal.refresh_from_db()
    assert acme_portal.state == Portal.State.CONNECTED
    as_acme.post(f"/portals/{acme_portal.pk}/settings/remove", {"confirm": "yes"})
    acme_portal.refresh_from_db()
    assert acme_portal.state == Portal.State.REMOVED
    assert as_acme.get(f"/portals/{acme_portal.pk}/settings").status_code == 404


def test_a_portals_name_cannot_carry_markup(
    as_acme: Client, acme: HubSpotAccount, acme_portal: Portal
) -> None:
    Portal.objects.filter(pk=acme_portal.pk).update(title="<script>alert(1)</script>")
    for page in ("", f"{acme_portal.pk}/settings"):
        assert "<script>alert" not in as_acme.get(f"/portals/{page}").content.decode()
