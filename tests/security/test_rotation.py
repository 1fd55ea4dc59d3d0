"""Keys change while everything runs: no value is left behind, none is lost, and it says when the old key can go."""

import threading
from datetime import timedelta
from io import StringIO

import pytest
from cryptography.fernet import Fernet, InvalidToken
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from pytest_django import Settings

from gdpr.models import Erasure, ErasureStep
from portals import rotation, tokens
from portals.clients.hubspot import HubSpot
from portals.fields import mark
from portals.lanes import Lane
from portals.models import HubSpotAccount, Portal
from tests.conftest import make_account
from tests.portals.vendors import Vendors

OLD, NEW, NEWEST, LOST = (Fernet.generate_key().decode() for _ in range(4))


@pytest.fixture(autouse=True)
def quick(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ENCRYPTION_KEYS = [OLD]
    monkeypatch.setattr(rotation, "PAUSE_SECONDS", 0.01)


@pytest.fixture
def filled(acme_portal: Portal, globex_portal: Portal) -> None:
    """Both tenants with a value in every encrypted column."""
    for portal in (acme_portal, globex_portal):
        erasure = Erasure.objects.create(account=portal.account, record_type="contact", digest=b"d")
        ErasureStep.objects.create(erasure=erasure, kind="blank", secret='{"keys": []}')


def stored() -> list[str]:
    """Every encrypted value as it lies in the database."""
    found: list[str] = []
    with connection.cursor() as cursor:
        for table in rotation.tables():
            cursor.execute(f"SELECT {', '.join(table.columns)} FROM {table.name}")  # noqa: S608
            found += [value for row in cursor.fetchall() for value in row if value]
    return found


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("rotate_keys", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def test_every_column_of_every_model_is_rotated(settings: Settings, filled: None) -> None:
    """Two accounts with two tokens, two portals with three secrets, two steps with one."""
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    with pytest.raises(CommandError):
        command("--check")
    said = command()
    assert "12 values are encrypted anew." in said
    assert len(stored()) == 12
    assert all(value.startswith(mark(NEW)) for value in stored())
    settings.ENCRYPTION_KEYS = [NEW]
    assert "older ones can be taken out" in command("--check")
    assert {portal.api_key for portal in Portal.objects.all()} == {"acme-key", "globex-key"}
    assert {step.secret for step in ErasureStep.objects.all()} == {'{"keys": []}'}


def test_a_value_from_before_values_were_marked_counts_as_old(settings: Settings, filled: None) -> None:
    """Nobody can tell which key it needs, so no key may be taken out while there is one."""
    plain = Fernet(OLD).encrypt(b"from before").decode()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE portals_portal SET api_key = %s WHERE subdomain = 'acme'", [plain])
    assert rotation.outstanding() == {"portals_portal.api_key": 1}
    command()
    assert Portal.objects.get(subdomain="acme").api_key == "from before"
    assert rotation.outstanding() == {}


def test_a_value_no_key_opens_is_told_and_kept(settings: Settings, filled: None) -> None:
    settings.ENCRYPTION_KEYS = [LOST]
    Portal.objects.filter(subdomain="acme").update(api_key="lost")
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    with pytest.raises(CommandError, match="Keep the older keys"):
        command()
    assert rotation.outstanding() == {"portals_portal.api_key": 1}
    settings.ENCRYPTION_KEYS = [NEW, LOST]
    assert Portal.objects.get(subdomain="acme").api_key == "lost"


@pytest.mark.django_db
def test_more_rows_than_a_batch(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "BATCH", 3)
    for number in range(10):
        make_account(5000 + number, f"{number}.example")
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    assert "20 values" in command()
    assert "0 values are encrypted anew" in command()


@pytest.mark.django_db(transaction=True)
def test_what_was_stopped_in_the_middle_is_finished_by_the_next_run(
    settings: Settings, filled: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "BATCH", 1)
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    seen: list[str] = []

    def stop(line: str) -> None:
        seen.append(line)
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rotation.rotate(stop)
    assert 0 < sum(rotation.outstanding().values()) < 12
    assert rotation.rotate(seen.append).changed > 0
    assert rotation.outstanding() == {}


@pytest.mark.django_db(transaction=True)
def test_a_row_that_is_being_written_keeps_what_was_written(settings: Settings, filled: None) -> None:
    """A refresh holds its row from before the call to HubSpot until the new token is stored."""
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    held, go_on = threading.Event(), threading.Event()

    def refresh() -> None:
        with transaction.atomic():
            account = HubSpotAccount.objects.select_for_update(no_key=True).get(hub_id=1001)
            held.set()
            assert go_on.wait(20)
            account.access_token = account.refresh_token = "new"
            account.save(update_fields=["access_token", "refresh_token"])
        connection.close()

    writer = threading.Thread(target=refresh)
    writer.start()
    assert held.wait(20)
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        if "tried again" in line:  # the row was passed over; now its writer may end
            go_on.set()
            writer.join(20)

    rotation.rotate(say)
    writer.join(20)
    account = HubSpotAccount.objects.get(hub_id=1001)
    assert (account.access_token, account.refresh_token) == ("new", "new")
    assert any("tried again" in line for line in said)
    assert rotation.outstanding() == {}


@pytest.mark.django_db(transaction=True)
def test_tokens_are_refreshed_while_keys_rotate(
    settings: Settings, vendors: Vendors, installed: HubSpotAccount
) -> None:
    """HubSpot's refresh token changes with a refresh: were an older one written back, the account would be dead."""
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    failures: list[Exception] = []
    done = threading.Event()

    def refresh() -> None:
        try:
            for _ in range(15):
                tokens.refresh(HubSpotAccount.objects.get(pk=installed.pk), timedelta(days=1))
        except Exception as error:
            failures.append(error)
        finally:
            done.set()
            connection.close()

    worker = threading.Thread(target=refresh)
    worker.start()
    turns = 0
    while not done.is_set() or turns < 2:
        turns += 1
        settings.ENCRYPTION_KEYS = [NEWEST, NEW, OLD] if turns % 2 else [NEW, NEWEST, OLD]
        rotation.rotate(lambda line: None)
    worker.join(30)
    assert failures == []
    assert rotation.rotate(lambda line: None).unreadable == 0
    account = HubSpotAccount.objects.get(pk=installed.pk)
    tokens.refresh(account, timedelta(days=1))
    assert HubSpot(account, Lane.LIVE).details()["portalId"] == 1001


def test_without_the_old_key_an_old_value_is_an_error(settings: Settings, acme_portal: Portal) -> None:
    settings.ENCRYPTION_KEYS = [NEW]
    with pytest.raises(InvalidToken):
        Portal.objects.get(pk=acme_portal.pk)
