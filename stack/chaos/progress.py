"""What must hold when the faults are over: HubSpot's course enrollments against LearnUpon's, and contacts' own data."""

from datetime import datetime

from stack.chaos.database import Row
from stack.chaos.facts import DOUBLED, LOST, Check, Facts
from stack.story.worlds import value

# LearnUpon's status -> ours and the result, as DESIGN 5 fixes them.
STATUS = {
    "not_started": ("not_started", ""),
    "in_progress": ("in_progress", ""),
    "pending_review": ("in_progress", "pending_review"),
    "completed": ("completed", ""),
    "passed": ("completed", "passed"),
    "failed": ("completed", "failed"),
}


def _expected(facts: Facts) -> list[tuple[Row, Row]]:
    """LearnUpon's enrollments of linked learners whose record is there, each with its learner."""
    return [
        (row, facts.linked[row["portal"], row["user_id"]])
        for row in facts.world.parts["enrollments"]
        if (row["portal"], row["user_id"]) in facts.linked and not row["unenrolled"]
    ]


def _records(facts: Facts, row: Row, learner: Row) -> list[Row]:
    return facts.records.get((learner["hub_id"], facts.key(row["portal"], row["id"])), [])


def in_hubspot(facts: Facts) -> Check:
    expected = _expected(facts)
    wrong = [
        f"enrollment {row['id']} of {row['portal']}" for row, who in expected if not _records(facts, row, who)
    ]
    return Check("enrollments that stand in HubSpot", len(expected), wrong, LOST)


def in_hubspot_once(facts: Facts) -> Check:
    wrong = [
        f"{account}: {key}: {len(rows)} records"
        for (account, key), rows in facts.records.items()
        if len(rows) > 1
    ]
    return Check("enrollments in HubSpot once", len(facts.records), wrong, DOUBLED)


def latest_values(facts: Facts) -> Check:
    wrong, expected = [], _expected(facts)
    for row, learner in expected:
        for record in _records(facts, row, learner):
            wanted = _values(facts, row, learner).items()
            differ = [
                f"{name} is {value(record, name)!r}, not {want!r}"
                for name, want in wanted
                if value(record, name) != want
            ]
            if differ:
                wrong.append(f"enrollment {row['id']} of {row['portal']}: {', '.join(differ)}")
    return Check("enrollments with LearnUpon's latest values", len(expected), wrong)


def _values(facts: Facts, row: Row, learner: Row) -> dict[str, str]:
    status, result = STATUS[row["status"]]
    contact = facts.live_contacts[learner["hub_id"], learner["record_id"]]
    return {
        "status": status,
        "result": result,
        "score_percent": _number(row["percentage"]),
        "progress_percent": _number(row["percentage_complete"]),
        "completed_at": _moment(row["date_completed"]),
        "course_id": str(row["course_id"]),
        "course_name": row["course_name"],
        "record_id": learner["record_id"],
        "learner_email": str(contact["properties"].get("email", "")),
    }


def _number(figure: float | None) -> str:
    return "" if figure is None else f"{figure:g}"


def _moment(text: str | None) -> str:
    if not text:
        return ""
    return datetime.fromisoformat(text).strftime("%Y-%m-%dT%H:%M:%SZ")


def associated(facts: Facts) -> Check:
    expected = _expected(facts)
    wrong = [
        f"record {record['id']} of enrollment {row['id']}: with {tied or 'nobody'}, not {learner['record_id']}"
        for row, learner in expected
        for record in _records(facts, row, learner)
        if (tied := facts.tied[learner["hub_id"], record["id"]]) != {learner["record_id"]}
    ]
    return Check("enrollments associated with their contact alone", len(expected), wrong)


def no_strangers(facts: Facts) -> Check:
    """Nothing stands in HubSpot that we do not know of."""
    known = {(row["hub_id"], f"{row['number']}:{row['enrollment_id']}") for row in facts.enrollments}
    return Check(
        "records in HubSpot that we know of",
        len(facts.records),
        [f"{account}: {key}" for account, key in facts.records if (account, key) not in known],
    )


def parked_for_a_reason(facts: Facts) -> Check:
    """Only an enrollment whose contact is gone may be parked."""
    learners = {row["id"]: row for row in facts.learners}
    parked = [row for row in facts.enrollments if row["parked_reason"]]
    wrong = [
        f"enrollment {row['enrollment_id']}: {row['parked_reason']}"
        for row in parked
        if (owner := learners.get(row["learner_id"]))
        and (owner["subdomain"], owner["learnupon_user_id"]) in facts.linked
    ]
    return Check("enrollments not parked", len(facts.enrollments), wrong)


def links_follow_records(facts: Facts) -> Check:
    """A learner is paused when its contact was deleted, and only then."""
    wrong = []
    for row in facts.learners:
        there = (row["hub_id"], row["record_id"]) in facts.live_contacts
        merged = "merged into one that is linked already" in row["state_reason"]
        if there == (row["state"] == "paused") and not merged:
            wrong.append(
                f"learner {row['id']} is {row['state']}, its contact is {'there' if there else 'gone'}"
            )
    return Check("links follow their contacts", len(facts.learners), wrong)


def names_carried_over(facts: Facts) -> Check:
    wrong = []
    for key, learner in facts.linked.items():
        contact, user = (
            facts.live_contacts[learner["hub_id"], learner["record_id"]]["properties"],
            facts.users.get(key),
        )
        if user is None:
            wrong.append(f"learner {learner['id']}: no user {key[1]} in {key[0]}")
            continue
        theirs = {"firstname": user["first_name"], "lastname": user["last_name"], "email": user["email"]}
        known = {
            contact.get("email", "").lower(),
            *contact.get("hs_additional_emails", "").lower().split(";"),
        }
        differ = [n for n in ("firstname", "lastname") if contact.get(n) and theirs[n] != contact[n]]
        if theirs["email"].lower() not in known:
            differ.append("email")
        if differ:
            wrong.append(f"learner {learner['id']}: {', '.join(differ)}")
    return Check("names and addresses carried over", len(facts.linked), wrong)


CHECKS = (
    in_hubspot, in_hubspot_once, latest_values, associated, no_strangers, parked_for_a_reason, links_follow_records,
    names_carried_over,
)  # fmt: skip
