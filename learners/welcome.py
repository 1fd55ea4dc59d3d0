"""The mail that leads a created learner to a first login.

LearnUpon's API sends none, so we do: where to log in, and how to set a password by its Forgot password page. Never
a password, and nothing for portals whose logins are SAML or SQSSO (learnupon-hubspot-overview.txt).
"""

import re
import smtplib
import time
from datetime import timedelta

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import F, Window
from django.db.models.functions import Now, RowNumber
from django.template.loader import render_to_string

from learners import letters
from learners.models import Learner
from portals import retries
from portals.clients import breaker
from portals.clients.breaker import Vendor
from portals.clients.errors import TryAgain

CLAIM_SECONDS = 60
LONGEST_NAME = 60
# Parts of addresses, and what turns text around.
NOT_A_NAME = re.compile(r"[/\\@:<>\u202a-\u202e\u2066-\u2069]|\.\w{2}")


def send_due(most: int = 100) -> int:
    """Send the mails that are due, for a slice of time: a worker that is killed in the midst of one leaves it to a
    person. How many went."""
    sent, until = 0, time.monotonic() + settings.SLICE_SECONDS
    for learner in _due(most):
        if time.monotonic() > until:
            break
        try:
            sent += _send(learner)
        except TryAgain as error:
            # For this one and so for all: nobody waits for a dead server a thousand times.
            later = Now() + timedelta(seconds=retries.wait(1, error))
            all_due = Learner.objects.filter(welcome=Learner.Sent.DUE, welcome_due_at__lte=Now())
            all_due.update(welcome_due_at=later)
            break
    return sent


def _due(most: int) -> list[Learner]:
    """Every account's oldest one, then every account's second, and so on: the thousands of one delay nobody else. The
    turns are counted on numbers alone, which the index of due mails finds; only those taken are read whole."""
    turn = Window(RowNumber(), partition_by=F("account_id"), order_by=F("welcome_due_at").asc())
    waiting = Learner.objects.filter(
        welcome=Learner.Sent.DUE, welcome_due_at__lte=Now(), state=Learner.State.ACTIVE
    )
    turns = waiting.annotate(turn=turn).order_by("turn", "welcome_due_at")
    taken = list(turns.values_list("pk", flat=True)[:most])
    found = Learner.objects.select_related("portal").in_bulk(taken)
    return [found[pk] for pk in taken if pk in found]


def _connected() -> BaseEmailBackend:
    """A connection to the mail server. Raises TryAgain, with nothing said to anybody, when there is none to be had.
    Under a breaker, so that a server that is down for hours is asked every few minutes, however many mails wait."""
    with breaker.guard(Vendor.MAIL, settings.EMAIL_HOST):
        connection = get_connection()
        try:
            connection.open()
        except OSError:  # smtplib's errors are OSErrors
            raise TryAgain("The mail server cannot be reached.", vendor_failed=True) from None
        return connection


def _send(learner: Learner) -> bool:
    """Recorded as being sent before it is sent: after a crash in between it is a person who decides, not a retry."""
    mine = Learner.objects.filter(
        pk=learner.pk, welcome=Learner.Sent.DUE, welcome_due_at=learner.welcome_due_at
    )
    # By the database's clock, as `lost` judges it: a worker's own may be minutes behind.
    if not mine.update(welcome=Learner.Sent.SENDING, welcome_due_at=Now() + timedelta(seconds=CLAIM_SECONDS)):
        return False
    try:
        connection = _connected()
    except TryAgain:
        _set(learner, Learner.Sent.DUE, learner.welcome_due_at)
        raise
    try:
        message = compose(learner)
        message.connection = connection
        message.send()
    except ValueError:  # an address or name that no mail can be written to; the others' mails go on
        _set(learner, Learner.Sent.NO, None)
        return False
    except OSError as error:  # refused, or lost on the way
        _failed(learner, error)
        return False
    finally:
        connection.close()
    _set(learner, Learner.Sent.SENT, None)
    return True


def _failed(learner: Learner, error: OSError) -> None:
    """What was declined for the time being goes later, for as long as an action is tried; then a person decides, as
    where nobody knows whether it went."""
    attempts = learner.welcome_attempts + 1
    if _not_now(error) and attempts < retries.MAIL_ATTEMPTS:
        later = Now() + timedelta(seconds=retries.DECLINED_MAIL.delay(attempts))
        _set(learner, Learner.Sent.DUE, later, welcome_attempts=attempts)
    else:
        _set(learner, Learner.Sent.UNCONFIRMED, None)


def _not_now(error: OSError) -> bool:
    """Whether the server declined for the time being (4xx, as greylisting does): it has taken nothing."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(400 <= code < 500 for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPResponseException) and 400 <= error.smtp_code < 500


def _set(learner: Learner, state: str, due_at: object, **more: int) -> None:
    Learner.objects.filter(pk=learner.pk, welcome=Learner.Sent.SENDING).update(
        welcome=state, welcome_due_at=due_at, **more
    )


def lost() -> int:
    """Mails whose sender died while sending: nobody knows, so they wait for a person."""
    return Learner.objects.filter(welcome=Learner.Sent.SENDING, welcome_due_at__lt=Now()).update(
        welcome=Learner.Sent.UNCONFIRMED, welcome_due_at=None
    )


def send_again(learner: Learner) -> None:
    """A person decided to send it once more."""
    Learner.objects.filter(pk=learner.pk).exclude(welcome=Learner.Sent.SENDING).update(
        welcome=Learner.Sent.DUE, welcome_due_at=Now(), welcome_attempts=0
    )


def greeting_name(first_name: str) -> str:
    """The name on one line, or nothing where it is more than a name: whoever fills in a HubSpot form chooses it, and
    mail programs make a link of every address, so our mail would carry a stranger's."""
    name = " ".join(first_name.split())
    return "" if len(name) > LONGEST_NAME or NOT_A_NAME.search(name) else name


def compose(learner: Learner) -> EmailMultiAlternatives:
    portal = learner.portal
    name = greeting_name(learner.first_name)
    words = letters.letter(learner.language, name=name, portal=str(portal), email=learner.email)
    context = {"words": words, "name": name, "language": letters.language_of(learner.language),
               "login": f"{portal.url}/login", "forgot": f"{portal.url}/forgot-password"}  # fmt: skip
    text = render_to_string("mail/welcome.txt", context)
    html = render_to_string("mail/welcome.html", context)
    message = EmailMultiAlternatives(" ".join(words.subject.split()), text, to=[learner.email])
    message.attach_alternative(html, "text/html")
    return message
