"""Secrets at rest: never in the clear, readable under every key in the ring, and a lost key is loud."""

import pytest
from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.db import connection
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from portals.fields import key_id, mark
from portals.models import HubSpotAccount, Portal

OLD, NEW, LOST = (Fernet.generate_key().decode() for _ in range(3))


def column(row: HubSpotAccount | Portal, name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {name} FROM {row._meta.db_table} WHERE id = %s", [row.pk])  # noqa: S608
        return str(cursor.fetchone()[0])


def test_no_secret_stands_in_the_database(acme: HubSpotAccount, acme_portal: Portal) -> None:
    for row, names in (
        (acme, ["access_token", "refresh_token"]),
        (acme_portal, ["api_key", "api_secret", "webhook_secret"]),
    ):
        for name in names:
            assert getattr(row, name)
            assert getattr(row, name) not in column(row, name)
            assert column(row, name).startswith(mark(settings.ENCRYPTION_KEYS[0]) + "gAAAA")


def test_every_secret_looking_column_is_encrypted() -> None:
    """A new token or secret column that is plain text is found here."""
    for model in (HubSpotAccount, Portal):
        for field in model._meta.concrete_fields:
            if field.name.endswith(("_token", "_secret", "_key")):
                assert type(field).__name__ == "EncryptedTextField", field


def test_equal_secrets_of_two_tenants_do_not_look_equal(acme_portal: Portal, globex_portal: Portal) -> None:
    for portal in (acme_portal, globex_portal):
        portal.api_key = "the same"
        portal.save()
    assert column(acme_portal, "api_key") != column(globex_portal, "api_key")


@hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(codec="utf-8"), max_size=300))
def test_any_text_comes_back(acme: HubSpotAccount, text: str) -> None:
    acme.refresh_token = text
    acme.save()
    acme.refresh_from_db()
    assert acme.refresh_token == text


def test_empty_stays_empty(acme: HubSpotAccount) -> None:
    acme.access_token = ""
    acme.save()
    assert column(acme, "access_token") == ""
    acme.refresh_from_db()
    assert acme.access_token == ""


def test_rotation(settings: Settings, acme: HubSpotAccount) -> None:
    """The old key goes on opening what it closed; the newest closes; then the old one can go."""
    settings.ENCRYPTION_KEYS = [OLD]
    acme.access_token = "secret"
    acme.save()
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    acme.refresh_from_db()
    assert acme.access_token == "secret"
    acme.save()
    settings.ENCRYPTION_KEYS = [NEW]
    acme.refresh_from_db()
    assert acme.access_token == "secret"
    stored = column(acme, "access_token")
    assert Fernet(NEW).decrypt(stored.removeprefix(mark(NEW)).encode()) == b"secret"


def test_a_lost_key_is_an_error_and_not_an_empty_secret(settings: Settings, acme: HubSpotAccount) -> None:
    settings.ENCRYPTION_KEYS = [LOST]
    with pytest.raises(InvalidToken):
        acme.refresh_from_db()


def test_a_stored_value_says_which_key_opens_it(settings: Settings, acme: HubSpotAccount) -> None:
    """Otherwise nobody could tell whether an old key may be taken out."""
    for key in (OLD, NEW):
        settings.ENCRYPTION_KEYS = [key, LOST]
        acme.access_token = "secret"
        acme.save()
        assert column(acme, "access_token").split(".")[:2] == ["v1", key_id(key)]
    assert OLD[:8] not in key_id(OLD)


def test_what_was_stored_before_values_were_marked_is_read(settings: Settings, acme: HubSpotAccount) -> None:
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    acme.save()
    old = Fernet(OLD).encrypt(b"secret").decode()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE portals_hubspotaccount SET access_token = %s WHERE id = %s", [old, acme.pk])
    acme.refresh_from_db()
    assert acme.access_token == "secret"


def test_a_value_under_another_key_s_name_is_not_opened(settings: Settings, acme: HubSpotAccount) -> None:
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    acme.save()
    planted = mark(NEW) + Fernet(OLD).encrypt(b"secret").decode()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE portals_hubspotaccount SET access_token = %s WHERE id = %s", [planted, acme.pk]
        )
    with pytest.raises(InvalidToken):
        acme.refresh_from_db()


def test_a_value_that_was_put_there_in_the_clear_is_not_passed_on(acme: HubSpotAccount) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE portals_hubspotaccount SET access_token = 'planted' WHERE id = %s", [acme.pk])
    with pytest.raises(InvalidToken):
        acme.refresh_from_db()
