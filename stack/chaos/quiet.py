"""Waiting, by conditions, until everything has come to rest: nothing due, nothing claimed, nothing under way."""

import time
from collections.abc import Callable

from stack.chaos.stage import Stage

# What is still to be done, in words, and the query that counts it.
DUE: dict[str, str] = {
    "deliveries waiting": "SELECT count(*) FROM webhooks_delivery WHERE state = 'waiting'",
    "answers owed to HubSpot": "SELECT count(*) FROM webhooks_delivery WHERE tell = 'owed'",
    "enrollments due": "SELECT count(*) FROM learners_enrollment WHERE due_at IS NOT NULL",
    "erasure steps open": "SELECT count(*) FROM gdpr_erasurestep WHERE done_at IS NULL",
    "learners claimed": "SELECT count(*) FROM learners_learner WHERE busy_until > now()",
    "learners to be read": "SELECT count(*) FROM learners_learner "
    "WHERE read_due_at IS NOT NULL AND state = 'active'",
    "mails due or being sent": "SELECT count(*) FROM learners_learner "
    "WHERE welcome IN ('due', 'sending') AND state = 'active'",
}
WALKED = """
SELECT count(*) FROM portals_portal p WHERE state = 'connected' AND EXISTS (
    SELECT 1 FROM learners_learner l WHERE l.portal_id = p.id AND l.state = 'active')
AND NOT EXISTS (SELECT 1 FROM learners_walk w
    WHERE w.portal_id = p.id AND w.state = 'done' AND w.kind = 'poll' AND w.started_at > %s)
"""
PENDING = """
SELECT count(*) FROM learners_learner l JOIN portals_portal p ON p.id = l.portal_id
WHERE l.state = 'pending' AND (p.subdomain, lower(l.email)) IN %s
"""
POLL_SECONDS = 1.0


def wait(stage: Stage, say: Callable[[str], None]) -> dict[str, int]:
    """What is still not at rest when the time is over; empty when all is."""
    began = time.monotonic()
    since = stage.database.rows("SELECT now() AS now")[0]["now"]
    told = 0.0
    while left := _left(stage, since):
        if time.monotonic() - began > stage.size.quiet_seconds:
            return left
        if time.monotonic() - told > 15:
            told = time.monotonic()
            say("still " + ", ".join(f"{count} {what}" for what, count in left.items()))
        time.sleep(POLL_SECONDS)
        stage.app.check()
    return {}


def _left(stage: Stage, since: object) -> dict[str, int]:
    """Walks that began after the load ended come first: they find what was lost, and make new work."""
    database = stage.database
    left = {"deliveries being sent": stage.scene.worlds.call("GET", "deliveries")["under_way"]}
    left |= {what: database.count(question) for what, question in DUE.items()}
    left["portals to be walked"] = database.count(WALKED, since)
    left["accepted invitations not seen"] = _accepted_unseen(stage)
    return {what: count for what, count in left.items() if count}


def _accepted_unseen(stage: Stage) -> int:
    invites = stage.scene.worlds.look("invites").parts["invites"]
    accepted = tuple(
        (row["portal"], row["invite_email_address"].lower())
        for row in invites
        if row["invite_status"] == "accepted"
    )
    return stage.database.count(PENDING, accepted) if accepted else 0
