"""What must hold when the faults are over: nothing of an erased person, no budget exceeded, no secret in a log."""

import hashlib
import hmac
import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

import requests

from stack.chaos.facts import Check, Facts
from stack.chaos.load import Contact
from stack.environment import CLIENT_SECRET
from stack.processes import shown
from stack.story.worlds import value

# https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
HUBSPOT_CALLS, HUBSPOT_SECONDS = 110, 10.0
PERSONAL = ("learner_email", "record_id", "course_name", "course_id", "completed_at")
# Names in the worlds that are words of anybody's log as well ("Broken pipe").
NOT_SECRET = {"", "Installer", "Plus", "Gone", "Broken"}
# Names and addresses are looked up word by word: a pattern of thousands of them takes hours over a large run.
WORD = re.compile(r"[^\s\"'\\,;:<>(){}\[\]=/]{3,}")


# --- privacy ---------------------------------------------------------------------------------------------
def erased_here(facts: Facts) -> Check:
    """No row of ours names an erased person."""
    named = {text.lower(): one.id for one in facts.erased for text in (*_names(one.values), *one.texts)}
    found = [
        f"{table} names contact {named[word]}"
        for table, rows in facts.stage.database.texts().items()
        for row in rows
        for word in named.keys() & set(WORD.findall(row.lower()))
    ]
    ids = {(one.account, one.id) for one in facts.erased}
    found += [f"delivery {r['id']}" for r in facts.deliveries if (r["hub_id"], r["record_id"]) in ids]
    found += [f"learner {r['id']}" for r in facts.learners if (r["hub_id"], r["record_id"]) in ids]
    return Check("erased people unknown here", len(facts.erased), found)


def _names(values: dict[str, str]) -> list[str]:
    return [values[name] for name in ("email", "firstname", "lastname")]


def erased_in_hubspot(facts: Facts) -> Check:
    """Their records are archived, and blank in case somebody restores them."""
    ids = {(one.account, one.id) for one in facts.erased}
    addresses = {address.lower() for one in facts.erased for address in one.addresses}
    wrong = [
        f"record {row['id']}"
        for row in facts.world.parts["app_objects"]
        if (row["account"], value(row, "record_id")) in ids
        or value(row, "learner_email").lower() in addresses
    ]
    return Check("erased people gone from HubSpot's records", len(facts.erased), wrong)


def erasures_done(facts: Facts) -> Check:
    """Each erased person has a receipt, and nobody else. Records merged into theirs were theirs too, and have one of
    their own where the merge was told after the erasure."""
    receipts = {bytes(row["digest"]) for row in facts.erasures}
    erased = {_digest(facts, one): one.id for one in facts.erased}
    everybody = [*facts.load.contacts, *facts.load.bystanders]
    merged = {_digest(facts, one) for one in everybody if one.gone == "merged"}
    wrong = [f"erasure {row['id']} is {row['state']}" for row in facts.erasures if row["state"] != "done"]
    wrong += [
        f"contact {number} has no receipt" for digest, number in erased.items() if digest not in receipts
    ]
    wrong += [f"receipt {digest.hex()[:8]} is nobody's" for digest in receipts - {*erased} - merged]
    return Check("erasures done, with a receipt each", len(facts.erased), wrong)


def _digest(facts: Facts, one: Contact) -> bytes:
    """As portals/tombstones.py writes a record down."""
    message = "\x1f".join((str(one.account), "record", "contact", one.id)).encode()
    return hmac.new(facts.stage.app.run.secret("TOMBSTONE_KEY").encode(), message, hashlib.sha256).digest()


# --- budgets ---------------------------------------------------------------------------------------------
def within_budget(facts: Facts) -> Check:
    """No account was called more often in any ten seconds than HubSpot allows. The limit is on calls made with the
    account's token; the sign-in service is called with the app's own credentials and has none that is published."""
    calls: dict[int, list[float]] = defaultdict(list)
    for row in facts.requests:
        if row["service"] == "hubspot" and row["account"] and not row["path"].startswith("/oauth/"):
            calls[row["account"]].append(datetime.fromisoformat(row["at"]).timestamp())
    most = {account: most_in(sorted(times)) for account, times in calls.items()}
    wrong = [f"account {a}: {n} calls in 10 s" for a, n in most.items() if n > HUBSPOT_CALLS]
    facts.stage.busiest = max(most.values(), default=0)
    return Check("HubSpot's budget kept in any ten seconds", sum(map(len, calls.values())), wrong)


def most_in(times: list[float]) -> int:
    most = first = 0
    for last, at in enumerate(times):
        while at - times[first] >= HUBSPOT_SECONDS:
            first += 1
        most = max(most, last - first + 1)
    return most


def none_refused(facts: Facts) -> Check:
    """The only calls answered 429 are those a fault answered."""
    asked = sum(
        int(str(hit["hits"])) for hit in facts.stage.hits if hit["status"] == 429 and hit["kind"] == "status"
    )
    refused = sum(row["status"] == 429 for row in facts.requests)
    wrong = [f"{refused} answers, {asked} of them asked for"] if refused > asked else []
    return Check("calls not refused for coming too fast", len(facts.requests), wrong)


# --- logs and metrics ------------------------------------------------------------------------------------
def nothing_in_logs(facts: Facts) -> Check:
    """No token, key, password, address or name of either world in a log or a metric."""
    known = _secrets(facts)
    wrong, lines = [], 0
    for place, text in _texts(facts):
        for number, line in enumerate(text.splitlines(), start=1):
            lines += 1
            found = known.intersection(WORD.findall(line))
            wrong += [f"{place}:{number}: {word[:3]}… in {line[:60]}" for word in sorted(found)[:1]]
    return Check("log lines and metrics without a secret or a person", lines, wrong)


def _texts(facts: Facts) -> Iterator[tuple[str, str]]:
    for log in sorted(facts.stage.app.run.logs.glob("*.log")):
        yield shown(log), log.read_text(errors="replace")
    yield "/metrics", requests.get(f"{facts.stage.app.addresses.web}/metrics", timeout=30).text


def _secrets(facts: Facts) -> set[str]:
    parts, found = facts.world.parts, {CLIENT_SECRET}
    found |= {f"{portal}-{part}" for portal in facts.numbers for part in ("key", "secret")}
    for row in [*parts["contacts"], *parts["users"]]:
        names = ("email", "firstname", "lastname", "hs_email", "hs_given_name", "hs_family_name")
        found |= {str(row["properties"].get(name) or "") for name in names}
    for user in parts["learnupon_users"]:
        found |= {user["email"], user["first_name"], user["last_name"]}
    found |= {
        text
        for one in [*facts.load.contacts, *facts.load.bystanders]
        for text in (*_names(one.values), *one.texts)
    }
    run = facts.stage.app.run
    found |= {
        run.secret(n)
        for n in ("SECRET_KEY", "ENCRYPTION_KEYS", "TOMBSTONE_KEY", "redis_password", "postgres_password")
    }
    found |= {
        str(row["webhook_secret"])
        for row in facts.stage.database.rows("SELECT webhook_secret FROM portals_portal")
    }
    return found - NOT_SECRET


CHECKS = (
    erased_here, erased_in_hubspot, erasures_done, within_budget, none_refused, nothing_in_logs,
)  # fmt: skip
