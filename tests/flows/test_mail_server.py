"""The mail server that first-login mails go through: down, back again, or declining for the time being."""

import socket
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend
from django.db.models.functions import Now
from django.test import override_settings
from django.utils import timezone
from pytest_django import Settings

from learners import welcome
from learners.models import Learner
from portals import retries
from portals.clients import breaker
from portals.clients.breaker import FAILURES
from tests.flows.stage import Stage
from tests.flows.worlds import declining_mail_server, hurry_breakers

SENT = Learner.Sent.SENT


class NeighbourLooks(EmailBackend):
    """While a mail is on its way, another worker looks which ones were lost."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        welcome.lost()
        return super().send_messages(email_messages)


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of our own where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture
def tries(closed_port: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Every real attempt to connect there."""
    connect, made = socket.create_connection, list[int]()

    def counted(address: tuple[str, int], *args: Any, **more: Any) -> socket.socket:
        if address[1] == closed_port:
            made.append(closed_port)
        return connect(address, *args, **more)

    monkeypatch.setattr(socket, "create_connection", counted)
    return made


def new(stage: Stage, first: int, count: int, portal_name: str = "acme") -> None:
    """Learners whose mail is due now."""
    portal = stage.portals[portal_name]
    Learner.objects.bulk_create(
        Learner(account=portal.account, portal=portal, record_type="contact", record_id=str(number),
                email=f"p{number}@x.example", state="active", learnupon_user_id=number, checked_at=timezone.now(),
                welcome="due", welcome_due_at=timezone.now() - timedelta(seconds=1))
        for number in range(first, first + count)
    )  # fmt: skip


def due() -> int:
    return Learner.objects.filter(welcome="due", welcome_due_at__lte=Now()).count()


def test_a_dead_mail_server_is_asked_once_however_many_wait(
    stage: Stage, settings: Settings, closed_port: int, tries: list[int]
) -> None:
    """Would catch: a time-out for each of the mails, and one round after the other for thousands."""
    there = settings.EMAIL_PORT
    settings.EMAIL_PORT = closed_port
    new(stage, 1, 250)
    assert welcome.send_due() == 0
    assert (len(tries), due()) == (1, 0)
    assert Learner.objects.filter(welcome="due").count() == 250
    settings.EMAIL_PORT = there
    stage.later(minutes=1)
    assert Learner.objects.filter(welcome=SENT).count() == 250


def test_one_tenant_s_thousands_do_not_delay_a_neighbour_s_mails(stage: Stage) -> None:
    """Would catch: the oldest first over all accounts, so that whoever adds three people waits for 10,000 mails."""
    new(stage, 1, 1000)
    Learner.objects.update(welcome_due_at=timezone.now() - timedelta(hours=1))
    new(stage, 5001, 3, "globex")
    assert welcome.send_due(10) == 10
    sent = Learner.objects.filter(welcome=SENT)
    assert sent.filter(portal=stage.portals["globex"]).count() == 3
    assert sent.filter(portal=stage.portals["acme"]).count() == 7


def test_a_worker_whose_clock_is_behind_loses_no_mail(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would catch: a claim that ends before it began, so that its mail counts as lost while it is being sent."""
    new(stage, 1, 1)
    behind = timezone.now() - timedelta(minutes=4)
    Learner.objects.update(welcome_due_at=behind)
    monkeypatch.setattr(timezone, "now", lambda: behind)
    with override_settings(EMAIL_BACKEND=f"{__name__}.NeighbourLooks"):
        assert welcome.send_due() == 1
    assert Learner.objects.get().welcome == SENT


def test_a_mail_server_that_is_down_for_hours_is_asked_every_few_minutes(
    stage: Stage, settings: Settings, closed_port: int, tries: list[int]
) -> None:
    """Would catch: a try for every new learner, or every two seconds."""
    settings.EMAIL_PORT = closed_port
    for number in range(1, 11):
        new(stage, number, 1)  # due at once, whatever the others wait for
        welcome.send_due()
    assert len(tries) == FAILURES
    (trouble,) = breaker.troubles().values()
    assert trouble.vendor == breaker.Vendor.MAIL
    for minute in range(1, 61):
        hurry_breakers(60)
        new(stage, 100 * minute, 2)
        welcome.send_due()
    assert FAILURES + 10 <= len(tries) <= FAILURES + 3 + 60 // 5
    assert due() == 0


def test_a_declined_mail_climbs_alone_and_ends_with_a_person(stage: Stage) -> None:
    """Would catch: a mailbox that is full, tried every five minutes for ever."""
    new(stage, 1, 1)
    learner = Learner.objects.get()
    waits = []
    for _ in range(4):
        Learner.objects.update(welcome_due_at=timezone.now())
        with declining_mail_server() as port, override_settings(EMAIL_PORT=port):
            assert welcome.send_due() == 0
        learner.refresh_from_db()
        assert learner.welcome == "due"
        assert learner.welcome_due_at
        waits.append((learner.welcome_due_at - timezone.now()).total_seconds())
    rungs = (300, 900, 1800, 3600)
    assert all(rung * 0.9 < wait < rung * 1.25 for rung, wait in zip(rungs, waits, strict=True))
    assert breaker.troubles() == {}  # it answers
    Learner.objects.update(welcome_due_at=timezone.now(), welcome_attempts=retries.MAIL_ATTEMPTS - 1)
    with declining_mail_server() as port, override_settings(EMAIL_PORT=port):
        welcome.send_due()
    learner.refresh_from_db()
    assert (learner.welcome, learner.welcome_due_at) == ("unconfirmed", None)
    welcome.send_again(learner)
    stage.work()
    learner.refresh_from_db()
    assert (learner.welcome, learner.welcome_attempts) == ("sent", 0)
