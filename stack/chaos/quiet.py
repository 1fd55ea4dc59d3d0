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
    "learners being added": "SELECT count(*) FROM learners_learner "
    "WHERE state = 'new' AND invitation <> 'unconfirmed'",  # which is for a person to press a button about
    "learners to be read": "SELECT count(*) FROM learners_learner "
    "WHERE read_due_at IS NOT NULL AND state = 'active'",
    "learners to be compared": "SELECT count(*) FROM learners_learner l JOIN portals_portal p ON p.id = l.portal_id "
    "WHERE l.state = 'active' AND p.state = 'connected' "
    "AND (l.checked_at IS NULL OR l.checked_at < now() - interval '12 hours')",
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
WHERE (l.state = 'pending' OR l.state = 'unlinked' AND l.look_at IS NOT NULL) AND (p.subdomain, lower(l.email)) IN %s
"""
POLL_SECONDS = 1.0
LATE_RESTARTS = 3


def wait(stage: Stage, say: Callable[[str], None]) -> dict[str, int]:
    """What is still not at rest when the time is over; empty when all is."""
    until = time.monotonic() + stage.quiet_seconds
    if left := _until_none(stage, say, until, lambda: _left(stage)):
        return left
    # Walks that begin now find whatever was lost on the way, and make new work.
    since = stage.database.rows("SELECT now() AS now")[0]["now"]
    return _until_none(stage, say, until, lambda: _unwalked(stage, since) or _left(stage))


def _until_none(
    stage: Stage, say: Callable[[str], None], until: float, look: Callable[[], dict[str, int]]
) -> dict[str, int]:
    told, most = 0.0, stage.restarts + LATE_RESTARTS
    while left := look():
        if time.monotonic() > until:
            return left
        if time.monotonic() - told > 15:
            told = time.monotonic()
            say("still " + ", ".join(f"{count} {what}" for what, count in left.items()))
        time.sleep(POLL_SECONDS)
        _supervise(stage, most)
    return {}


def _supervise(stage: Stage, most: int) -> None:
    """A worker can still end of the last fault; one that goes on ending is a fault of ours."""
    if stage.restarts < most:
        stage.supervise()
    stage.app.check()


def _unwalked(stage: Stage, since: object) -> dict[str, int]:
    count = stage.database.count(WALKED, since)
    return {"portals to be walked": count} if count else {}


def _left(stage: Stage) -> dict[str, int]:
    database = stage.database
    left = {"deliveries being sent": stage.scene.worlds.call("GET", "deliveries")["under_way"]}
    left |= {what: database.count(question) for what, question in DUE.items()}
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
