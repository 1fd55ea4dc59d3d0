"""Taking back an erasure that an admin made; HubSpot's own are for ever."""

import pytest
from django.test import Client

from gdpr import erasure
from gdpr.models import Erasure
from portals import tombstones
from portals.models import AuditEntry, HubSpotAccount, Portal


def erased(account: HubSpotAccount, source: str = Erasure.Source.ADMIN) -> Erasure:
    return erasure.request(account, "contact", "501", source, email="ada@example.com")


def blocked(account: HubSpotAccount) -> bool:
    return tombstones.record_is_erased(account, "contact", "501")


def press(client: Client, portal: Portal, row: Erasure, **posted: str) -> int:
    return client.post(f"/portals/{portal.pk}/privacy/{row.pk}/lift", posted).status_code


def test_an_admins_erasure_is_lifted_with_a_trace(as_acme: Client, acme_portal: Portal) -> None:
    account, row = acme_portal.account, erased(acme_portal.account)
    erasure.request(account, "contact", "502", Erasure.Source.ADMIN)
    page = as_acme.get(f"/portals/{acme_portal.pk}/privacy").content.decode()
    assert f"lift receipt {row.pk}" in page
    press(as_acme, acme_portal, row, confirm="yes")
    assert not blocked(account)
    assert tombstones.record_is_erased(account, "contact", "502")
    assert tombstones.email_is_erased(account, "contact", "ada@example.com")
    entry = AuditEntry.objects.get(action="erasure lifted")
    assert (entry.actor, entry.details) == ("admin@acme.example", {"erasure": row.pk})
    row.refresh_from_db()
    assert row.lifted_at is not None
    assert not erasure.lift(row, "somebody")


def test_it_needs_the_box_ticked(as_acme: Client, acme_portal: Portal) -> None:
    row = erased(acme_portal.account)
    press(as_acme, acme_portal, row)
    assert blocked(acme_portal.account)


@pytest.mark.parametrize("source", [Erasure.Source.HUBSPOT, Erasure.Source.MISSED])
def test_what_hubspot_asked_for_stays(as_acme: Client, acme_portal: Portal, source: str) -> None:
    row = erased(acme_portal.account, source)
    press(as_acme, acme_portal, row, confirm="yes")
    assert blocked(acme_portal.account)
    assert not AuditEntry.objects.exists()


def test_what_hubspot_asks_for_afterwards_stays_too(acme: HubSpotAccount) -> None:
    erased(acme)
    row = erased(acme, Erasure.Source.HUBSPOT)
    assert row.source == Erasure.Source.HUBSPOT
    assert not erasure.lift(row, "admin")
    assert blocked(acme)


def test_a_lifted_person_can_be_erased_again(acme: HubSpotAccount) -> None:
    erasure.lift(erased(acme), "admin")
    row = erased(acme)
    assert row.lifted_at is None
    assert blocked(acme)


def test_not_before_the_work_is_done(acme: HubSpotAccount) -> None:
    row = erased(acme)
    Erasure.objects.filter(pk=row.pk).update(state=Erasure.State.RUNNING)
    assert not erasure.lift(row, "admin")
    assert blocked(acme)


def test_another_account_cannot_lift(as_globex: Client, acme_portal: Portal, globex_portal: Portal) -> None:
    row = erased(acme_portal.account)
    assert press(as_globex, acme_portal, row, confirm="yes") == 404
    assert press(as_globex, globex_portal, row, confirm="yes") == 404
    assert blocked(acme_portal.account)
