"""The mail of both worlds: an SMTP sink on the sandbox's own loop, and one list of every mail sent.

Nothing leaves the machine. LearnUpon's own mails are put into the same list without SMTP.
"""

import asyncio
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

Mail = dict[str, Any]
MAX_MAIL_BYTES = 2_000_000


class MailSink:
    """Keeps every mail; `mails` is what `GET /_sandbox/world` shows."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.mails: list[Mail] = []
        self._clock = clock
        self._server: asyncio.Server | None = None

    def add(self, *, sender: str, to: str, subject: str, text: str, html: str = "", system: str) -> Mail:
        mail = {
            "id": len(self.mails) + 1,
            "from": sender,
            "to": to,
            "subject": subject,
            "text": text,
            "html": html,
            "at": datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="milliseconds"),
            "sender_system": system,
        }
        self.mails.append(mail)
        return mail

    def clear(self) -> None:
        self.mails.clear()

    async def start(self, host: str = "127.0.0.1", port: int = 9002) -> int:
        """Listen for SMTP and return the port, which is the chosen one when 0 was asked for."""
        loop = asyncio.get_running_loop()
        session = partial(SMTP, _Receiver(self), data_size_limit=MAX_MAIL_BYTES, enable_SMTPUTF8=True)
        self._server = await loop.create_server(session, host, port, family=socket.AF_INET)
        chosen: int = self._server.sockets[0].getsockname()[1]
        return chosen

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None


class _Receiver:
    """What aiosmtpd calls with each message; one row per recipient, as each has an own mailbox."""

    def __init__(self, sink: MailSink) -> None:
        self._sink = sink

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode()
        message = message_from_bytes(raw, policy=policy.default)
        for recipient in envelope.rcpt_tos:
            self._sink.add(
                sender=envelope.mail_from or "",
                to=recipient,
                subject=str(message["subject"] or ""),
                text=_body(message, "plain"),
                html=_body(message, "html"),
                system="smtp",
            )
        return "250 OK"


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    if part is None:
        return ""
    try:
        return str(part.get_content())
    except (LookupError, ValueError):
        return str(part.get_payload())
