"""What must hold when the faults are over: about workflow runs, people and whatever could be stuck."""

from collections import Counter
from collections.abc import Iterable

from stack.chaos.database import Row
from stack.chaos.facts import DOUBLED, LOST, Check, Facts
from stack.story.workflows import outcome

ENDED = ("completed", "failed")
SUCCEEDED = ("created", "invited", "already_exists", "already_invited", "updated")
# Ends that a fault which passes must never lead to.
GIVEN_UP = ("expired", "refused", "internal", "")
RIGHTLY = ("no longer in HubSpot", "The link is paused")
HELD = "SELECT id FROM {} WHERE {} ORDER BY id"
STUCK = {
    "delivery waiting": ("webhooks_delivery", "state = 'waiting'"),
    "answer owed": ("webhooks_delivery", "tell = 'owed'"),
    "enrollment due": ("learners_enrollment", "due_at IS NOT NULL"),
    "erasure step open": ("gdpr_erasurestep", "done_at IS NULL"),
    "learner claimed": ("learners_learner", "busy_until > now()"),
    "account begun, never finished": ("learners_learner", "creating_since IS NOT NULL AND state <> 'paused'"),
    "invitation or mail being sent": ("learners_learner", "'sending' IN (invitation, welcome)"),
    # An invitation that nobody can tell the fate of waits for a person, who has a button for it.
    "learner that leads nowhere": ("learners_learner", "state = 'new' AND invitation <> 'unconfirmed'"),
}


def _twice(rows: Iterable[object]) -> list[str]:
    return [f"{what}: {count} times" for what, count in Counter(rows).items() if count > 1]


# --- workflow runs ---------------------------------------------------------------------------------------
def runs_once(facts: Facts) -> Check:
    wrong = [
        f"{callback}: {len(rows)} times" for callback, rows in facts.by_callback.items() if len(rows) > 1
    ]
    return Check("workflow runs recorded once", len(facts.by_callback), wrong, DOUBLED)


def runs_ended(facts: Facts) -> Check:
    """HubSpot knows how each ended, or we know why it could not be told."""
    runs = facts.world.parts["callbacks"]
    wrong = [
        f"{run['callback_id']} is {run['state']} after {run['attempts']} attempts, answered {run['answered_status']}"
        for run in runs
        if run["state"] not in ENDED
    ]
    return Check("workflow runs ended in HubSpot", len(runs), wrong, LOST)


def runs_told_right(facts: Facts) -> Check:
    wrong = []
    for run in facts.world.parts["callbacks"]:
        ours = facts.by_callback[run["callback_id"]]
        if run["state"] not in ENDED or not ours:
            continue
        told, ended = outcome(run), ours[0]["outcome"]
        if told != ended and ended != "erased":  # told before its person asked to be forgotten
            wrong.append(f"{run['callback_id']}: told {told!r}, ended {ended!r}")
    return Check("HubSpot told what became of each", len(facts.world.parts["callbacks"]), wrong)


def none_given_up(facts: Facts) -> Check:
    runs = [row for rows in facts.by_callback.values() for row in rows]
    wrong = [
        f"{row['id']} {row['outcome']}: {row['reason']}"
        for row in runs
        if row["outcome"] in GIVEN_UP and not any(text in row["reason"] for text in RIGHTLY)
    ]
    return Check("workflow runs not given up for a fault", len(runs), wrong, LOST)


def failures_explained(facts: Facts) -> Check:
    failed = [row for row in facts.deliveries if row["state"] == "failed"]
    wrong = [f"{r['kind']} {r['id']} {r['outcome']}" for r in failed if not (r["reason"] and r["outcome"])]
    return Check("failed deliveries with a reason", len(failed), wrong)


def events_worked(facts: Facts) -> Check:
    """Events end well: nothing about progress or a record is refused for want of a vendor."""
    events = [row for row in facts.deliveries if not row["callback_id"]]
    wrong = [
        f"{r['kind']} {r['id']}: {r['outcome']} {r['reason']}"
        for r in events
        if r["state"] == "failed" and r["outcome"] != "erased"
    ]
    return Check("events worked", len(events), wrong, LOST)


def one_learner_each(facts: Facts) -> Check:
    """A run that succeeded left one learner, unless its record is gone."""
    held = Counter((row["hub_id"], row["record_id"], row["subdomain"]) for row in facts.learners)
    wrong, looked = [], 0
    for rows in facts.by_callback.values():
        for row in rows:
            if row["outcome"] in SUCCEEDED and (row["hub_id"], row["record_id"]) in facts.live_contacts:
                looked += 1
                count = held[row["hub_id"], row["record_id"], row["subdomain"]]
                if count != 1:
                    wrong.append(f"delivery {row['id']} ({row['outcome']}): {count} learners")
    return Check("successful runs with one learner", looked, wrong)


# --- people ----------------------------------------------------------------------------------------------
def accounts_once(facts: Facts) -> Check:
    users = facts.world.parts["learnupon_users"]
    wrong = _twice((user["portal"], user["email"].lower()) for user in users)
    return Check("people created once in LearnUpon", len(users), wrong, DOUBLED)


def accounts_known(facts: Facts) -> Check:
    """Every account that came about in the run belongs to somebody, or a person is asked about it: none was made and
    forgotten."""
    linked = {(row["subdomain"], row["learnupon_user_id"]) for row in facts.learners}
    linked |= {
        (row["subdomain"], row[side]) for row in facts.reviews for side in ("first_user", "second_user")
    }
    before = {(row["portal"], row["id"]) for row in facts.stage.scene.start.parts["learnupon_users"]}
    gone = _addresses_of_the_gone(facts)
    new = [key for key in facts.users if key not in before]
    wrong = [
        f"user {key[1]} of {key[0]}"
        for key in new
        if key not in linked and facts.users[key]["email"].lower() not in gone
    ]
    return Check("accounts that belong to a learner", len(new), wrong)


def _addresses_of_the_gone(facts: Facts) -> set[str]:
    """Of erased and merged people; a merged contact's address lives on as the survivor's second one."""
    return {
        address.lower()
        for one in [*facts.load.contacts, *facts.load.bystanders]
        if one.gone or (one.account, one.id) not in facts.live_contacts
        for address in one.addresses
    }


def invited_once(facts: Facts) -> Check:
    invites = facts.world.parts["invites"]
    return Check(
        "people invited once",
        len(invites),
        _twice((row["portal"], row["invite_email_address"].lower()) for row in invites),
        DOUBLED,
    )


def mailed_once(facts: Facts) -> Check:
    mails = facts.world.parts["mails"]
    return Check(
        "people mailed once",
        len(mails),
        _twice((mail["sender_system"], mail["to"].lower(), mail["subject"]) for mail in mails),
        DOUBLED,
    )


def created_were_mailed(facts: Facts) -> Check:
    """A mail that counts as sent did go; one that nobody knows about is shown as unconfirmed."""
    to = {mail["to"].lower() for mail in facts.world.parts["mails"] if mail["sender_system"] == "smtp"}
    sent = [row for row in facts.learners if row["welcome"] == "sent"]
    addresses = {row["id"]: {row["email"].lower(), *_former(facts, row)} for row in sent}
    wrong = [f"learner {number}" for number, theirs in addresses.items() if not theirs & to]
    return Check("mails to created learners arrived", len(sent), wrong, LOST)


def _former(facts: Facts, learner: Row) -> set[str]:
    """The address a contact had when it was made, which may have changed since."""
    return facts.first_addresses.get((learner["hub_id"], learner["record_id"]), set())


def nothing_stuck(facts: Facts) -> Check:
    wrong = [
        f"{what} {row['id']}"
        for what, (table, where) in STUCK.items()
        for row in facts.stage.database.rows(HELD.format(table, where))
    ]
    return Check("nothing stuck or left in a claim", len(facts.deliveries) + len(facts.enrollments), wrong)


CHECKS = (
    runs_once, runs_ended, runs_told_right, none_given_up, failures_explained, events_worked,
    one_learner_each, accounts_once, accounts_known, invited_once, mailed_once, created_were_mailed,
    nothing_stuck,
)  # fmt: skip
