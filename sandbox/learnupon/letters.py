"""The two mails LearnUpon itself sends: invitations and password resets. A created user gets none."""

import secrets
from html import escape
from typing import TYPE_CHECKING

from sandbox.learnupon.records import Invite, Portal, User

if TYPE_CHECKING:
    from sandbox.learnupon.world import LearnUponWorld


def invitation(world: "LearnUponWorld", portal: Portal, invite: Invite) -> None:
    link = f"{world.address(portal)}/accept_invitation/{invite.token}"
    _send(
        world,
        portal,
        invite.email,
        f"You are invited to {portal.title}",
        f"Hello {invite.first_name or 'there'},\n\nYou are invited to learn at {portal.title}. "
        f"Accept the invitation and choose a password here:\n\n{link}\n\nThe link is valid for 72 hours.",
        link,
    )


def password_reset(world: "LearnUponWorld", portal: Portal, user: User) -> None:
    """A disabled account gets no mail."""
    if not user.enabled:
        return
    link = f"{world.address(portal)}/reset-password/{reset_token(world, portal, user)}"
    _send(
        world,
        portal,
        user.email,
        f"Set your password for {portal.title}",
        f"Hello {user.first_name or 'there'},\n\nSet a new password here:\n\n{link}\n",
        link,
    )


def reset_token(world: "LearnUponWorld", portal: Portal, user: User) -> str:
    token = secrets.token_urlsafe(24)
    world.reset_tokens[token] = (portal.subdomain, user.id)
    return token


def _send(world: "LearnUponWorld", portal: Portal, to: str, subject: str, text: str, link: str) -> None:
    linked = f'<a href="{escape(link)}">{escape(link)}</a>'
    html = "".join(f"<p>{escape(part)}</p>" for part in text.split("\n\n")).replace(escape(link), linked)
    sender = f"{portal.title} <no-reply@{portal.subdomain}.learnupon.example>"
    world.mails.add(sender=sender, to=to, subject=subject, text=text, html=html, system="learnupon")
