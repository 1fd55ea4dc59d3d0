"""Mails to admins: each cause found, told once a day at most, once a week while it lasts, and switched off by a link."""

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.core.mail import EmailMessage
from django.test import Client, override_settings
from django.utils import timezone

from learners import notices
from learners.models import Cause, Notice, Silence
from portals.models import HubSpotAccount, Portal
from tests.learners.test_pages_activity import delivery, failed
from tests.learners.test_pages_people import enrollment, learner

Mails = list[EmailMessage]


def lose(portal: Portal) -> None:
    Portal.objects.filter(pk=portal.pk).update(state="disconnected")


def another_day(days: int = 1) -> None:
    for notice in Notice.objects.all():
        notice.at -= timedelta(days=days)
        notice.day -= timedelta(days=days)
        notice.save()


def links(mail: EmailMessage) -> list[str]:
    return re.findall(r"http\S+", str(mail.body))


def test_nothing_to_tell_sends_nothing(acme_portal: Portal, globex_portal: Portal, mailoutbox: Mails) -> None:
    learner(acme_portal)
    assert notices.tell() == 0
    assert not Notice.objects.exists()


def test_a_lost_portal_is_told_to_its_admins_only(
    acme_portal: Portal, globex_portal: Portal, mailoutbox: Mails
) -> None:
    lose(acme_portal)
    notices.tell()
    (mail,) = mailoutbox
    assert mail.to == ["admin@acme.example"]
    assert mail.subject == "LearnUpon refuses the API keys: acme.learnupon.com"
    assert f"/portals/{acme_portal.pk}/settings" in str(mail.body)
    assert "Make new keys" in str(mail.body)


def test_hubspot_lost_but_not_when_it_was_an_admin(
    acme: HubSpotAccount, globex: HubSpotAccount, mailoutbox: Mails
) -> None:
    gone = {"state": "disconnected", "disconnected_at": timezone.now()}
    HubSpotAccount.objects.filter(pk=acme.pk).update(**gone, disconnected_reason="BAD_REFRESH_TOKEN")
    HubSpotAccount.objects.filter(pk=globex.pk).update(**gone, disconnected_reason="disconnected_here")
    notices.tell()
    assert [mail.to for mail in mailoutbox] == [["admin@acme.example"]]
    assert "/install/" in str(mailoutbox[0].body)


def test_an_account_that_is_purged_is_left_in_peace(acme: HubSpotAccount, mailoutbox: Mails) -> None:
    now = timezone.now()
    HubSpotAccount.objects.filter(pk=acme.pk).update(state="disconnected", disconnected_at=now, purged_at=now)
    assert notices.tell() == 0


def test_many_failures_of_a_day_are_counted_by_portal(acme_portal: Portal, mailoutbox: Mails) -> None:
    now = timezone.now()
    for _ in range(19):
        failed(acme_portal, done_at=now)
    failed(acme_portal, done_at=now - timedelta(days=2))
    delivery(acme_portal, state="failed", outcome="erased", done_at=now)
    assert notices.tell() == 0
    failed(acme_portal, done_at=now)
    notices.tell()
    assert "acme: 20 requests that failed since yesterday" in str(mailoutbox[0].body)


def test_progress_that_hubspot_does_not_take_counts_too(acme_portal: Portal, mailoutbox: Mails) -> None:
    person = learner(acme_portal)
    for _ in range(20):
        enrollment(person, parked_reason="HubSpot refused the score.", due_at=None)
    notices.tell()
    assert "acme: 20 course records that HubSpot does not take" in str(mailoutbox[0].body)


def test_a_portal_gone_quiet(acme_portal: Portal, globex_portal: Portal, mailoutbox: Mails) -> None:
    """Globex never spoke, which is a matter of setting it up; acme spoke, and somebody learns there."""
    learner(globex_portal)
    Portal.objects.filter(pk=acme_portal.pk).update(last_event_at=timezone.now() - timedelta(days=8))
    assert notices.tell() == 0
    learner(acme_portal)
    notices.tell()
    assert [mail.subject.split(":")[0] for mail in mailoutbox] == ["LearnUpon has gone quiet"]


def test_drift_that_breaks_something(acme_portal: Portal, globex_portal: Portal, mailoutbox: Mails) -> None:
    text = "Department was deleted in LearnUpon."
    Portal.objects.filter(pk=acme_portal.pk).update(drift=[{"text": text, "breaks": True}])
    Portal.objects.filter(pk=globex_portal.pk).update(drift=[{"text": "renamed", "breaks": False}])
    notices.tell()
    (mail,) = mailoutbox
    assert text in str(mail.body)


def test_once_a_day_and_while_it_lasts_once_a_week(acme_portal: Portal, mailoutbox: Mails) -> None:
    lose(acme_portal)
    assert [notices.tell(), notices.tell()] == [1, 0]
    another_day()
    assert notices.tell() == 0
    another_day(6)
    assert notices.tell() == 1


def test_what_begins_anew_is_told_the_next_day(acme: HubSpotAccount, mailoutbox: Mails) -> None:
    lost = HubSpotAccount.objects.filter(pk=acme.pk)
    lost.update(state="disconnected", disconnected_at=timezone.now())
    assert notices.tell() == 1
    lost.update(disconnected_at=timezone.now())
    assert notices.tell() == 0
    another_day()
    assert notices.tell() == 1


def test_a_mail_server_that_is_down_loses_nothing(acme_portal: Portal, mailoutbox: Mails) -> None:
    lose(acme_portal)
    smtp = "django.core.mail.backends.smtp.EmailBackend"
    with override_settings(EMAIL_BACKEND=smtp, EMAIL_HOST="127.0.0.1", EMAIL_PORT=1):
        assert notices.tell() == 0
    assert notices.tell() == 1


def test_what_a_tick_has_no_time_for_is_told_by_the_next(
    acme_portal: Portal, globex_portal: Portal, mailoutbox: Mails
) -> None:
    """Would catch: a task stopped for taking too long, after a notice was written down and before it was mailed."""
    for portal in (acme_portal, globex_portal):
        lose(portal)
    with override_settings(SLICE_SECONDS=0):
        assert [notices.tell() for _ in range(3)] == [1, 1, 0]
    assert [mail.to for mail in mailoutbox] == [["admin@acme.example"], ["admin@globex.example"]]


def test_the_link_switches_one_cause_off_for_one_person(
    client: Client, acme: HubSpotAccount, acme_portal: Portal, mailoutbox: Mails
) -> None:
    acme.admin_emails = ["olga@acme.example", "grace@acme.example"]
    acme.save()
    lose(acme_portal)
    notices.tell()
    mail = mailoutbox[0]
    address = next(link for link in links(mail) if "/notices/" in link)
    assert mail.extra_headers["List-Unsubscribe"] == f"<{address}>"
    assert "olga" not in address
    path = urlsplit(address).path
    page = client.get(path).content.decode()
    assert "No more mails of this kind?" in page
    assert not Silence.objects.exists()
    Client(enforce_csrf_checks=True).post(path, {"List-Unsubscribe": "One-Click"})
    another_day(7)
    mailoutbox.clear()
    notices.tell()
    assert [mail.to for mail in mailoutbox] == [["grace@acme.example"]]
    drift = [{"text": "Department was deleted.", "breaks": True}]
    Portal.objects.filter(pk=acme_portal.pk).update(state="connected", drift=drift)
    mailoutbox.clear()
    notices.tell()
    assert [mail.to for mail in mailoutbox] == [["olga@acme.example"], ["grace@acme.example"]]


@pytest.mark.parametrize("cause", ["drift", "nonsense"])
def test_a_link_for_another_cause_or_account_proves_nothing(
    client: Client, acme: HubSpotAccount, globex: HubSpotAccount, cause: str
) -> None:
    token = notices.token(acme, Cause.QUIET, "admin@acme.example")
    for account in (acme, globex):
        page = client.post(f"/notices/{account.pk}/{cause}/{token}").content.decode()
        assert "Nothing to switch off" in page
    assert client.post(f"/notices/{globex.pk}/quiet/{token}").status_code == 200
    assert not Silence.objects.exists()
