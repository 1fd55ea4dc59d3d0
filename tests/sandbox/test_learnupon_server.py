"""LearnUpon inside the whole sandbox: logged, spoilt by faults, its mail beside the app's."""

import asyncio
import smtplib
from base64 import b64encode
from collections.abc import Awaitable, Callable
from email.message import EmailMessage

import aiohttp
import pytest

from sandbox.options import Configuration
from sandbox.server import Sandbox

KEYS = {"Authorization": "Basic " + b64encode(b"acme-key:acme-secret").decode()}
NEW = {"User": {"email": "new@acme.example", "password": "long-enough"}}
Story = Callable[[Sandbox, aiohttp.ClientSession], Awaitable[None]]


def play(story: Story) -> None:
    async def run() -> None:
        sandbox = Sandbox(Configuration(hubspot_port=0, learnupon_port=0, smtp_port=0))
        await sandbox.start()
        try:
            async with aiohttp.ClientSession() as session:
                await story(sandbox, session)
        finally:
            await sandbox.stop()

    asyncio.run(run())


async def spoil(sandbox: Sandbox, session: aiohttp.ClientSession, **fault: object) -> None:
    body = {"service": "learnupon", "path": "/users", "times": 1} | fault
    async with session.post(f"{sandbox.hubspot_url}/_sandbox/faults", json=body) as answer:
        assert answer.status == 200


def test_a_lost_answer_leaves_the_user_created() -> None:
    async def story(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
        await spoil(sandbox, session, kind="reset", when="after")
        url = f"{sandbox.learnupon_url}/acme/api/v1/users"
        with pytest.raises(aiohttp.ClientError):
            await session.post(url, json=NEW, headers=KEYS)
        async with session.get(f"{url}/search?email=new@acme.example", headers=KEYS) as found:
            assert found.status == 200

    play(story)


def test_calls_are_logged_by_portal_and_clicks_are_not() -> None:
    async def story(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
        await spoil(sandbox, session, kind="status", status=503)
        for path in ("/acme/login", "/acme/api/v1/users", "/globex/api/v1/groups"):
            async with session.get(sandbox.learnupon_url + path, headers=KEYS) as answer:
                await answer.read()
        async with session.get(f"{sandbox.hubspot_url}/_sandbox/requests") as answer:
            rows = (await answer.json())["requests"]
        assert [(row["account"], row["status"]) for row in rows] == [("acme", 503), ("globex", 401)]

    play(story)


def test_both_systems_mails_stand_in_one_list_with_working_links() -> None:
    def send(port: int) -> None:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "a@x.example", "b@x.example", "Log in"
        message.set_content("Log in")
        with smtplib.SMTP("127.0.0.1", port, timeout=5) as server:
            server.send_message(message)

    async def story(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
        await asyncio.to_thread(send, sandbox.smtp_port)
        url = f"{sandbox.learnupon_url}/acme/api/v1/portal_invite"
        async with session.post(url, json={"Invite": {"email": "soon@acme.example"}}, headers=KEYS) as answer:
            assert answer.status == 201
        async with session.get(f"{sandbox.hubspot_url}/_sandbox/world?only=mails,invites") as answer:
            world = await answer.json()
        assert [mail["sender_system"] for mail in world["mails"]] == ["smtp", "learnupon"]
        link = sandbox.learnupon_url + "/acme" + world["invites"][0]["accept_url"]
        assert link in world["mails"][1]["text"]
        async with session.get(link) as answer:
            assert answer.status == 200

    play(story)
