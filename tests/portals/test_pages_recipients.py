"""Who is told by mail, and how somebody gets off that list."""

import pytest
from django.test import Client

from portals import recipients
from portals.models import AuditEntry, HubSpotAccount
from tests.portals.vendors import Vendors

ADA, BEN = "ada@acme.example", "ben@acme.example"
PAGE = "/portals/recipients"


def test_the_list_is_shown_and_replaced(as_acme: Client, acme: HubSpotAccount) -> None:
    assert "admin@acme.example" in as_acme.get(PAGE).content.decode()
    as_acme.post(PAGE, {"emails": f" {ADA}\r\n{BEN}, {ADA}\n"})
    acme.refresh_from_db()
    assert acme.admin_emails == [ADA, BEN]
    assert acme.removed_emails == ["admin@acme.example"]
    assert ADA not in str(AuditEntry.objects.get().details)


def test_nobody_is_a_choice_too(as_acme: Client, acme: HubSpotAccount) -> None:
    as_acme.post(PAGE, {"emails": ""})
    acme.refresh_from_db()
    assert acme.admin_emails == []
    assert "nobody" in as_acme.get("/portals/").content.decode()


@pytest.mark.parametrize(
    ("emails", "said"),
    [
        ("ada", "ada is not an e-mail address"),
        ("a@x.example\nBcc:b@x.example", "is not an e-mail address"),
        ("\n".join(f"a{number}@x.example" for number in range(11)), "At most 10 addresses"),
    ],
)
def test_a_mistake_changes_nothing_and_keeps_what_was_typed(
    as_acme: Client, acme: HubSpotAccount, emails: str, said: str
) -> None:
    page = as_acme.post(PAGE, {"emails": emails}).content.decode()
    assert said in page
    assert emails.split("\n")[0] in page
    acme.refresh_from_db()
    assert acme.admin_emails == ["admin@acme.example"]


def address(account: HubSpotAccount, email: str) -> str:
    return "/" + recipients.unsubscribe_url(account, email).split("/", 3)[3]


def test_a_link_asks_first_and_takes_one_person_off(client: Client, acme: HubSpotAccount) -> None:
    recipients.save(acme, [ADA, BEN])
    link = address(acme, ADA)
    assert ADA not in link
    assert "No more notices?" in client.get(link).content.decode()
    acme.refresh_from_db()
    assert acme.admin_emails == [ADA, BEN]
    assert "no more notices" in Client(enforce_csrf_checks=True).post(link).content.decode()
    acme.refresh_from_db()
    assert acme.admin_emails == [BEN]
    assert "off the list already" in client.post(link).content.decode()


def test_a_link_of_another_account_or_a_wrong_one_does_nothing(
    client: Client, acme: HubSpotAccount, globex: HubSpotAccount
) -> None:
    recipients.save(globex, [ADA])
    token = recipients.token(acme, ADA)
    for link in (f"/unsubscribe/{globex.pk}/{token}", "/unsubscribe/0/x", f"/unsubscribe/{acme.pk}/ä"):
        assert "off the list already" in client.post(link).content.decode()
    globex.refresh_from_db()
    assert globex.admin_emails == [ADA]


def test_two_who_unsubscribe_at_once_are_both_off(acme: HubSpotAccount) -> None:
    recipients.save(acme, [ADA, BEN])
    one, other = (HubSpotAccount.objects.get(pk=acme.pk) for _ in range(2))
    recipients.unsubscribe(one, ADA)
    recipients.unsubscribe(other, BEN)
    acme.refresh_from_db()
    assert acme.admin_emails == []
    assert {ADA, BEN} <= set(acme.removed_emails)


def test_one_address_in_two_spellings_is_one_recipient(vendors: Vendors, client: Client, db: None) -> None:
    """HubSpot says it in small letters, whatever somebody typed into the list."""

    def sign_in() -> HubSpotAccount:
        back = vendors.consent(client.get("/oauth/hubspot/start")["Location"])
        client.get("/oauth/hubspot/callback", back)
        return HubSpotAccount.objects.get()

    (email,) = sign_in().admin_emails
    page = {"emails": f"{email.upper()}\n{email.title()}"}
    client.post("/portals/recipients", page)
    (kept,) = sign_in().admin_emails
    assert kept == email.title()
    client.post("/portals/recipients", {"emails": ""})
    assert sign_in().admin_emails == []


def test_signing_in_does_not_put_anybody_back(vendors: Vendors, client: Client, db: None) -> None:
    def sign_in() -> HubSpotAccount:
        back = vendors.consent(client.get("/oauth/hubspot/start")["Location"])
        client.get("/oauth/hubspot/callback", back)
        return HubSpotAccount.objects.get()

    account = sign_in()
    assert len(account.admin_emails) == 1
    recipients.save(account, [])
    assert sign_in().admin_emails == []
