"""The fold: whatever LearnUpon says, in whatever order and however often, ends in the same enrollment.

A webhook sets only the fields it carries, as of when LearnUpon made it; a row read over REST is whole, as of its
answer, and wins ties. Nothing is final: a completed course can be reopened.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import orjson
from django.db import connection, transaction
from django.db.models.functions import Lower, Now
from django.utils import timezone

from learners.models import Enrollment, Learner
from learners.observations import Observation, from_webhook
from portals.lanes import Lane
from portals.models import Portal
from webhooks import nudger
from webhooks.models import Delivery
from webhooks.results import Done, Later, Result

LINKING_SECONDS = 2.0
LINKING_PATIENCE = timedelta(minutes=10)  # whoever is linked later is read as a whole then
PROGRESS = (Enrollment.Status.NOT_STARTED, Enrollment.Status.IN_PROGRESS, Enrollment.Status.COMPLETED)
KEPT = """
SELECT learnupon_user_id, id FROM learners_learner
WHERE portal_id = %s AND learnupon_user_id = ANY(%s) AND state = 'active' ORDER BY id FOR KEY SHARE
"""
UPDATED = [
    "course_name", "status", "result", "progress_percent", "score_percent", "enrolled_at", "started_at",
    "completed_at", "last_accessed_at", "due_on", "certificate_expires_on", "certificate_name", "overdue",
    "unenrolled", "withdrawn", "learner", "read_as_of", "stamps", "version", "due_at", "bulk", "changed_at",
    "attempts", "parked_reason",
]  # fmt: skip


# The rule below for the case that nearly every row of a page is: a whole reading, newer than all that is known, is
# taken over as it is. What was known more lately, or in parts, is left to `fold`.
_READ = {
    "course_name": "text", "status": "text", "result": "text", "progress_percent": "float8", "score_percent": "float8",
    "enrolled_at": "timestamptz", "started_at": "timestamptz", "completed_at": "timestamptz",
    "last_accessed_at": "timestamptz", "due_on": "date", "certificate_expires_on": "date", "certificate_name": "text",
    "overdue": "bool", "unenrolled": "bool",
}  # fmt: skip
_CHANGED = f"""(
    (e.learner_id, {", ".join(f"e.{name}" for name in _READ)})
    IS DISTINCT FROM (excluded.learner_id, {", ".join(f"excluded.{name}" for name in _READ)})
)"""
TAKE_OVER = f"""
INSERT INTO learners_enrollment AS e (
    account_id, portal_id, learner_id, enrollment_id, course_id, {", ".join(_READ)}, read_as_of, bulk, changed_at,
    withdrawn, stamps, version, pushed_version, hubspot_id, associated_with, claim, attempts, parked_reason, correlation_id
)
SELECT %s, %s, n.learner_id, n.enrollment_id, n.course_id, {", ".join(f"n.{name}" for name in _READ)}, n.as_of, %s,
    coalesce(%s, now()), false, '{{}}', 1, 0, '', '', 0, 0, '', ''
FROM json_to_recordset(%s) AS n (
    learner_id bigint, enrollment_id bigint, course_id bigint, as_of timestamptz,
    {", ".join(f"{name} {kind}" for name, kind in _READ.items())}
)
ORDER BY n.enrollment_id
ON CONFLICT (portal_id, enrollment_id) DO UPDATE SET
    {", ".join(f"{name} = excluded.{name}" for name in ("learner_id", *_READ, "read_as_of"))},
    withdrawn = e.withdrawn AND e.learner_id = excluded.learner_id,
    version = e.version + {_CHANGED}::int,
    bulk = CASE WHEN {_CHANGED} THEN excluded.bulk AND (e.bulk OR e.due_at IS NULL) ELSE e.bulk END,
    due_at = CASE WHEN {_CHANGED} THEN now() ELSE e.due_at END,
    changed_at = CASE WHEN {_CHANGED} THEN excluded.changed_at ELSE e.changed_at END,
    attempts = CASE WHEN {_CHANGED} THEN 0 ELSE e.attempts END,
    parked_reason = CASE WHEN {_CHANGED} THEN '' ELSE e.parked_reason END
WHERE e.stamps = '{{}}' AND e.read_as_of < excluded.read_as_of
RETURNING enrollment_id
"""  # noqa: S608
LOCK = (
    "SELECT FROM learners_enrollment WHERE portal_id = %s AND enrollment_id = ANY(%s) ORDER BY id FOR UPDATE"
)


def fold(row: Enrollment, seen: Observation) -> bool:
    """Take over what is news; True when anything a person can see changed."""
    changed = False
    for name in [name for name in seen.fields if _wins(row, seen, name)]:
        changed |= getattr(row, name) != seen.fields[name]
        setattr(row, name, seen.fields[name])
        if not seen.whole:
            row.stamps[name] = seen.as_of.isoformat()
    if seen.whole and (row.read_as_of is None or seen.as_of >= row.read_as_of):
        row.read_as_of = seen.as_of
        row.stamps = {n: s for n, s in row.stamps.items() if datetime.fromisoformat(s) > seen.as_of}
    return changed


def _wins(row: Enrollment, seen: Observation, name: str) -> bool:
    """Newer wins, a whole reading wins over a part of the same moment, and between equals the further one, so that it
    does not matter which of them came first."""
    stamp = row.stamps.get(name)
    if stamp is not None:
        known = (datetime.fromisoformat(stamp), False)
    elif row.read_as_of is not None:
        known = (row.read_as_of, True)
    else:
        return True
    news = (seen.as_of, seen.whole)
    return news > known or (news == known and _rank(seen.fields, name) >= _rank(vars(row), name))


def _rank(values: Mapping[str, Any], name: str) -> tuple[float, float, str]:
    """How far a value is. Status and result go together: one of each would be of no observation at all."""
    if name in ("status", "result"):
        return (PROGRESS.index(values["status"]), 0.0, str(values["result"]))
    value = values[name]
    number = float(value) if isinstance(value, int | float) else 0.0
    return (0.0 if value is None else 1.0, number, str(value))


@transaction.atomic
def take(
    portal: Portal, observations: Sequence[Observation], *, bulk: bool = False, since: datetime | None = None
) -> int:
    """Fold observations of linked learners into the portal's enrollments; how many concerned somebody linked.
    `since` is when the news came to us, where that was not just now: freshness counts from there.

    Observations of people without a link are dropped here and stored nowhere. What comes in bulk goes to HubSpot
    behind what is news, but does not hold back news that waits already."""
    users = {seen.user_id for seen in observations}
    learners = _kept(portal, users)
    ours = [seen for seen in observations if seen.user_id in learners]
    if not ours:
        return 0
    left = ours
    whole = all(seen.whole and _READ.keys() <= seen.fields.keys() for seen in ours)
    if whole and len({seen.enrollment_id for seen in ours}) == len(ours):
        left = _take_over(portal, ours, learners, bulk=bulk, since=since)
    if left:
        _fold_in(portal, left, learners, bulk=bulk, since=since)
    return len(ours)


def _take_over(
    portal: Portal,
    ours: Sequence[Observation],
    learners: Mapping[int | None, int],
    *,
    bulk: bool,
    since: datetime | None,
) -> list[Observation]:
    """Take over whole readings where they are newer than all that is known; the others are returned."""
    rows = [
        {"learner_id": learners[seen.user_id], "enrollment_id": seen.enrollment_id, "course_id": seen.course_id,
         "as_of": seen.as_of, **seen.fields} for seen in ours
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [portal.pk, [seen.enrollment_id for seen in ours]])
        cursor.execute(TAKE_OVER, [portal.account_id, portal.pk, bulk, since, orjson.dumps(rows).decode()])
        taken = {row[0] for row in cursor.fetchall()}
    return [seen for seen in ours if seen.enrollment_id not in taken]


def _fold_in(
    portal: Portal,
    ours: Sequence[Observation],
    learners: dict[int | None, int],
    *,
    bulk: bool,
    since: datetime | None,
) -> None:
    rows = _rows(portal, ours, learners)
    stamps = {number: dict(row.stamps) for number, row in rows.items()}
    changed = {seen.enrollment_id for seen in ours if fold(rows[seen.enrollment_id], seen)}
    for seen in ours:  # a user who was unlinked may be linked again, to another record
        row = rows[seen.enrollment_id]
        if row.learner_id != learners[seen.user_id]:
            row.learner_id, row.withdrawn = learners[seen.user_id], False
            changed.add(row.enrollment_id)
    for row in rows.values():
        if row.enrollment_id in changed or row.version == 0:
            row.version += 1
            row.bulk = bulk and (row.bulk or row.due_at is None)
            row.due_at, row.changed_at = Now(), since or Now()
            row.attempts, row.parked_reason = 0, ""
            changed.add(row.enrollment_id)
    _write([row for number, row in rows.items() if number in changed or row.stamps != stamps[number]])
    _read_again([row for number, row in rows.items() if number not in changed])


def _write(rows: list[Enrollment]) -> None:
    """Write rows that are there, in one statement: far quicker than an UPDATE with a case for each row and field."""
    if rows:
        Enrollment.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["portal", "enrollment_id"], update_fields=UPDATED
        )


def _read_again(rows: list[Enrollment]) -> None:
    """Note of rows that did not change that they were seen; most rows of a regular check are such."""
    by_moment: dict[datetime | None, list[int]] = defaultdict(list)
    for row in rows:
        by_moment[row.read_as_of].append(row.pk)
    for as_of, pks in by_moment.items():
        Enrollment.objects.filter(pk__in=pks).update(read_as_of=as_of)


def _kept(portal: Portal, users: set[int]) -> dict[int | None, int]:
    """Who is linked, user id -> learner, and cannot be erased before this transaction ends: it would wait, and see
    what is written here."""
    with connection.cursor() as cursor:
        cursor.execute(KEPT, [portal.pk, list(users)])
        return dict(cursor.fetchall())


def _rows(
    portal: Portal, ours: Sequence[Observation], learners: dict[int | None, int]
) -> dict[int, Enrollment]:
    """The enrollments concerned, made where they are new, locked in one order."""
    blank = {
        seen.enrollment_id: Enrollment(
            account_id=portal.account_id, portal=portal, learner_id=learners[seen.user_id],
            enrollment_id=seen.enrollment_id, course_id=seen.course_id, version=0, due_at=None,
        )
        for seen in ours
    }  # fmt: skip
    ordered = sorted(blank.values(), key=lambda row: row.enrollment_id)
    Enrollment.objects.bulk_create(ordered, ignore_conflicts=True)
    locked = (
        Enrollment.objects.select_for_update().filter(portal=portal, enrollment_id__in=blank).order_by("pk")
    )
    return {row.enrollment_id: row for row in locked}


def receive(deliveries: list[Delivery]) -> Iterator[tuple[Delivery, Result]]:
    """Webhooks about enrollments: folded by portal, then pushed at once."""
    for portal, rows in _by_portal(deliveries):
        seen = {d.pk: from_webhook(d.body or {}, d.received_at) for d in rows}
        known = _linked(portal, [o for o in seen.values() if o])
        since = min(d.received_at for d in rows)
        take(portal, [o for o in seen.values() if o and o.user_id in known], since=since)
        nudger.wake(portal.account_id, Lane.LIVE, "learners.push")
        accepted = _accepted(portal, rows, known)
        for delivery in rows:
            fresh = timezone.now() - delivery.received_at < LINKING_PATIENCE
            if delivery.learnupon_user_id in accepted and fresh:
                yield delivery, Later("Linking the learner first.", after=LINKING_SECONDS, counts=False)
            else:
                yield delivery, _ended(seen[delivery.pk], known)


def _accepted(portal: Portal, rows: list[Delivery], known: set[int]) -> set[int]:
    """Users who are not linked yet but whom somebody invited: their first event says that they accepted. Each is
    looked at now instead of at the next turn, and the event waits for that."""
    strangers = {
        str(user.get("email")).casefold(): delivery.learnupon_user_id
        for delivery in rows
        if delivery.learnupon_user_id not in known
        and isinstance(user := (delivery.body or {}).get("user"), dict)
    }
    pending = Learner.objects.filter(portal=portal, state=Learner.State.PENDING)
    invited = pending.annotate(address=Lower("email")).filter(address__in=[e for e in strangers if e])
    found = {str(learner.address): learner.pk for learner in invited}
    if found:
        pending.filter(pk__in=found.values(), look_at__isnull=False).update(look_at=Now())
        nudger.wake(portal.pk, Lane.LIVE, "learners.look")
    return {user_id for email, user_id in strangers.items() if user_id and email in found}


def _ended(seen: Observation | None, known: set[int]) -> Result:
    if seen is None:
        return Done("refused", "The event names no enrollment, user or course.", ok=False)
    if seen.user_id not in known:
        return Done("not_linked", "About somebody who is not linked; nothing was kept.", forget=True)
    return Done("folded", "Progress taken over.")


def _linked(portal: Portal, seen: Iterable[Observation]) -> set[int]:
    users = {o.user_id for o in seen}
    found = Learner.objects.filter(portal=portal, learnupon_user_id__in=users, state=Learner.State.ACTIVE)
    return {int(user) for user in found.values_list("learnupon_user_id", flat=True) if user}


def _by_portal(deliveries: list[Delivery]) -> Iterator[tuple[Portal, list[Delivery]]]:
    portals = Portal.objects.select_related("account").in_bulk(
        {d.portal_id for d in deliveries if d.portal_id}
    )
    for portal_id, group in groupby(
        sorted(deliveries, key=lambda d: (d.portal_id or 0, d.pk)), lambda d: d.portal_id
    ):
        if portal_id in portals:
            yield portals[portal_id], list(group)
