"""What a top-level portal may ask about its sub-portals; others are told no, or an empty list."""

import secrets
from typing import TYPE_CHECKING

from sandbox.learnupon import invites
from sandbox.learnupon.errors import Problem
from sandbox.learnupon.records import Portal, Row, same
from sandbox.learnupon.wire import Call, Reply, paged

if TYPE_CHECKING:
    from sandbox.learnupon.world import LearnUponWorld


def describe(portal: Portal) -> Row:
    return {
        "id": portal.id,
        "title": portal.title,
        "subdomain": portal.subdomain,
        "created_at": portal.created_at,
        "updated_at": portal.created_at,
        "number_of_members": len(portal.users),
        "number_licenses_purchased": None,
    }


def index(world: "LearnUponWorld", portal: Portal, call: Call) -> Reply:
    """The sub-portals only, so a portal without any gets an empty list (assumption)."""
    rows = _subs(world, portal)
    if "title" in call.query:
        rows = [sub for sub in rows if same(sub.title) == same(call.query["title"])]
    return paged(rows, call, "portals", describe)


def _subs(world: "LearnUponWorld", portal: Portal) -> list[Portal]:
    return [sub for sub in world.realm(portal) if sub.parent == portal.subdomain]


def membership_types(world: "LearnUponWorld", portal: Portal, call: Call) -> Reply:
    rows = [{"id": number, "title": title} for number, title in invites.MEMBERSHIP_TYPES.items()]
    return Reply({"portal_membership_types": rows})


def generate_keys(world: "LearnUponWorld", portal: Portal, call: Call) -> Reply:
    """Replaces the sub-portal's keys at once: every integration that uses the old ones stops."""
    if not portal.top_level:
        raise Problem(403, "only the top-level portal may generate keys")
    sub = next((sub for sub in _subs(world, portal) if sub.id == call.id()), None)
    if sub is None:
        raise Problem(404, "portal not found")
    replace_keys(sub)
    return Reply({"portal": {"id": sub.id, "username": sub.key, "password": sub.secret}})


def replace_keys(portal: Portal) -> None:
    portal.key, portal.secret = secrets.token_hex(10), secrets.token_hex(20)
