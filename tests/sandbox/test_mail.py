"""The SMTP sink keeps what the app mails, one row per recipient."""

import asyncio
import smtplib
from email.message import EmailMessage

from sandbox.mail import MailSink


def send(port: int, message: EmailMessage) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=5) as server:
        server.send_message(message)


def delivered(message: EmailMessage) -> list[dict[str, object]]:
    async def story() -> list[dict[str, object]]:
        sink = MailSink(lambda: 1_790_000_000.0)
        port = await sink.start(port=0)
        await asyncio.to_thread(send, port, message)
        await sink.stop()
        return sink.mails

    return asyncio.run(story())


def letter() -> EmailMessage:
    message = EmailMessage()
    message["From"] = "hubsync@example.com"
    message["To"] = "a@example.com, b@example.com"
    message["Subject"] = "Grüße"
    message.set_content("Log in and set a password ✓")
    message.add_alternative("<p>Log in ✓</p>", subtype="html")
    return message


def test_both_bodies_and_every_recipient_are_kept() -> None:
    mails = delivered(letter())
    assert [mail["to"] for mail in mails] == ["a@example.com", "b@example.com"]
    assert mails[0]["subject"] == "Grüße"
    assert mails[0]["from"] == "hubsync@example.com"
    assert str(mails[0]["text"]).strip() == "Log in and set a password ✓"
    assert str(mails[0]["html"]).strip() == "<p>Log in ✓</p>"
    assert (mails[0]["sender_system"], mails[0]["id"], mails[1]["id"]) == ("smtp", 1, 2)


def test_an_odd_charset_does_not_break_the_sink() -> None:
    message = EmailMessage()
    message["To"] = "a@example.com"
    message["From"] = "b@example.com"
    message.set_content("plain")
    message.replace_header("Content-Type", 'text/plain; charset="no-such-charset"')
    assert len(delivered(message)) == 1
