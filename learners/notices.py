"""Mails to admins about what needs a person: what happened, what to do, and how to hear no more of it.

A cause is told once a day at most, and one that lasts once a week. The day is written down before a mail goes, so that
a crash in between costs a mail and never sends a second one.
"""

import hashlib
import hmac
import time
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from learners.findings import FINDERS, Finding
from learners.models import Cause, Notice, Silence
from portals import recipients
from portals.models import HubSpotAccount

LASTING = timedelta(days=7)  # how often something that has not changed is told again


@dataclass(frozen=True)
class Letter:
    """The words of a cause, and the page of the first portal concerned where it is mended."""

    what: str
    to_do: str
    page: str


LETTERS: dict[Cause, Letter] = {
    Cause.HUBSPOT_LOST: Letter(
        "HubSpot no longer lets the app in: it was removed in HubSpot, or its permission was taken back. Nobody is added "
        "to LearnUpon, and course progress in HubSpot stands still.",
        "If that was not meant, install the app again. Portals, mappings and links are kept, and what was missed is "
        "caught up.",
        "portals:install",
    ),
    Cause.LEARNUPON_LOST: Letter(
        "LearnUpon refuses the API keys. Requests of your workflows are kept and wait.",
        "Make new keys in LearnUpon (Settings > Integrations > API keys) and enter them on the portal's settings page.",
        "portals:settings",
    ),
    Cause.FAILURES: Letter(
        "Unusually much fails.",
        "The activity page gives the reason of each, and a button to try them again once it is mended.",
        "learners:activity",
    ),
    Cause.QUIET: Letter(
        "LearnUpon used to send course progress as it happens and has sent none for a week. Regular checks still find "
        "it, later.",
        "See in LearnUpon (Settings > Integrations > Webhooks) whether the webhook is still switched on and has the "
        "address and secret of the portal's settings page. If nobody has learned anything, all is well.",
        "portals:settings",
    ),
    Cause.DRIFT: Letter(
        "A mapped property or field has changed, so values no longer arrive as you meant them to.",
        "Open the mapping, choose what fits now, and save.",
        "portals:mapping",
    ),
}  # fmt: skip


def tell() -> int:
    """Send what is to be told, for at most a slice of time: a later tick goes on. How many mails went."""
    until, sent = time.monotonic() + settings.SLICE_SECONDS, 0
    for cause, finding in ((cause, finding) for cause, finder in FINDERS.items() for finding in finder()):
        account = HubSpotAccount.objects.get(pk=finding.account_id)
        to = _recipients(account, cause)
        if not to or _told(account, cause, finding):
            continue
        sent += _tell(account, to, cause, finding)
        # Only after a try: what was told already must not keep the rest from its turn.
        if time.monotonic() >= until:
            break
    return sent


def _recipients(account: HubSpotAccount, cause: Cause) -> list[str]:
    quiet = set(Silence.objects.filter(account=account, cause=cause).values_list("email", flat=True))
    return [email for email in account.admin_emails if email not in quiet]


def _tell(account: HubSpotAccount, to: list[str], cause: Cause, finding: Finding) -> int:
    connection = get_connection()
    try:
        connection.open()
    except OSError:  # nothing was said yet, so the next tick can say it
        return 0
    try:
        _, new = Notice.objects.get_or_create(account=account, cause=cause, day=timezone.now().date())
        return sum(_send(connection, account, email, cause, finding) for email in to) if new else 0
    finally:
        connection.close()


def _told(account: HubSpotAccount, cause: Cause, finding: Finding) -> bool:
    """Today already, or within the week and it has not begun anew since."""
    last = Notice.objects.filter(account=account, cause=cause).order_by("-day").first()
    if last is None:
        return False
    anew = finding.since is not None and finding.since > last.at
    return last.day == timezone.now().date() or (not anew and last.at > timezone.now() - LASTING)


def _send(
    connection: BaseEmailBackend, account: HubSpotAccount, email: str, cause: Cause, finding: Finding
) -> bool:
    message = compose(account, email, cause, finding)
    message.connection = connection
    try:
        return bool(message.send())
    except (OSError, ValueError):  # one address that is refused, or is none, must not cost the others theirs
        return False


def compose(account: HubSpotAccount, email: str, cause: Cause, finding: Finding) -> EmailMultiAlternatives:
    letter, silence = LETTERS[cause], silence_url(account, cause, email)
    arguments = finding.portals[:1] if letter.page != "portals:install" else []
    context = {
        "account": account.hub_domain or account.hub_id, "letter": letter, "lines": finding.lines,
        "page": settings.PUBLIC_URL + reverse(letter.page, args=arguments), "silence": silence,
        "nothing": recipients.unsubscribe_url(account, email), "cause": cause.label,
    }  # fmt: skip
    subject = " ".join(f"{cause.label}: {finding.lines[0]}".split())[:150]
    # https://www.rfc-editor.org/rfc/rfc8058: the mail program's own button
    headers = {"List-Unsubscribe": f"<{silence}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    text = render_to_string("mail/notice.txt", context)
    message = EmailMultiAlternatives(subject, text, to=[email], headers=headers)
    message.attach_alternative(render_to_string("mail/notice.html", context), "text/html")
    return message


def silence_url(account: HubSpotAccount, cause: Cause, email: str) -> str:
    address = reverse("learners:silence", args=[account.pk, cause, token(account, cause, email)])
    return f"{settings.PUBLIC_URL}{address}"


def token(account: HubSpotAccount, cause: str, email: str) -> str:
    """Proves that a link came by our mail to this address, without showing the address."""
    message = f"silence\x1f{account.pk}\x1f{cause}\x1f{email}".encode()
    return hmac.new(settings.SECRET_KEY.encode(), message, hashlib.sha256).hexdigest()


def whose(account: HubSpotAccount, cause: str, given: str) -> str | None:
    """The recipient whom a link was mailed to; None when it is not one of ours."""
    for email in account.admin_emails:
        if hmac.compare_digest(token(account, cause, email).encode(), given.encode()):
            return str(email)
    return None


def be_silent(account: HubSpotAccount, cause: str, email: str) -> None:
    Silence.objects.get_or_create(account=account, cause=cause, email=email)
