"""An enrollment as HubSpot's app-object record has it: property names and values, and how it leaves."""

import time
from collections.abc import Sequence
from math import inf

import orjson

from portals.clients.batches import Row
from portals.clients.errors import Refused, TryAgain
from portals.clients.hubspot import BATCH, HubSpot
from portals.models import Course, HubSpotAccount
from portals.schema import PREFIX, PROPERTIES

KEY = f"{PREFIX}enrollment_key"
MORE = "There are more records than one turn has time for; it goes on at once."
# The key is two numbers of LearnUpon's; all else says something about a person.
BLANK = {PREFIX + name: "" for name in PROPERTIES if name != "enrollment_key"}
Required = set[tuple[int, int]]  # portal, course

# property -> the SQL of its value: e is the enrollment, l its learner, p its portal, c its course in the cached list,
# which may lack it. The database writes the JSON: Python would spend ten times as long on the values of a row.
_VALUES: dict[str, str] = {
    "enrollment_key": "concat(p.number, ':', e.enrollment_id)",
    "course_name": "CASE e.course_name WHEN '' THEN concat('Course ', e.course_id) ELSE e.course_name END",
    "course_id": "e.course_id::text",
    "portal_name": "CASE p.title WHEN '' THEN p.subdomain ELSE p.title END",
    "status": "e.status",
    "result": "e.result",
    "required": "coalesce(c.required, false)::text",
    "certificate_name": "e.certificate_name",
    "overdue": "e.overdue::text",
    "learner_email": "l.email",
    "record_id": "l.record_id",
}
_VALUES |= {name: f"coalesce(e.{name}::text, '')" for name in ("progress_percent", "score_percent")}
_VALUES |= {
    name: f"""coalesce(to_char(e.{name} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), '')"""
    for name in ("enrolled_at", "started_at", "completed_at", "last_accessed_at")
}
_VALUES |= {
    name: f"coalesce(to_char(e.{name}, 'YYYY-MM-DD'), '')" for name in ("due_on", "certificate_expires_on")
}
# One input of a batch upsert. HubSpot takes every value as a string, and an empty one clears.
INPUT = f"""json_build_object(
    'id', {_VALUES["enrollment_key"]}, 'idProperty', '{KEY}', 'objectWriteTraceId', e.id::text, 'properties',
    json_build_object({", ".join(f"'{PREFIX}{name}', {_VALUES[name]}" for name in PROPERTIES)})
)::text"""


def required_courses(account: HubSpotAccount) -> Required:
    return set(
        Course.objects.filter(portal__account=account, required=True).values_list("portal_id", "course_id")
    )


def remove(hubspot: HubSpot, ids: Sequence[str], keys: Sequence[str], until: float = inf) -> None:
    """Blank, then archive, every record with one of these ids or keys that HubSpot still shows. Archived records can
    be restored for a while, and a later erasure could not reach them: so they say nothing about anybody.

    After `until` the rest is left for another try, but each gets some further."""
    named = [(part, KEY) for part in _parts(keys)] + [(part, "") for part in _parts(ids)]
    removed = False
    for part, id_property in named:
        living = sorted(hubspot.read(hubspot.account.app_object_type, part, ["hs_object_id"], id_property))
        if living and removed and time.monotonic() >= until:
            raise TryAgain(MORE, counts=False)
        if living:
            _blank_and_archive(hubspot, living)
            removed = True


def _blank_and_archive(hubspot: HubSpot, ids: list[str]) -> None:
    object_type = hubspot.account.app_object_type
    batch = hubspot.update(object_type, [_blank(record_id) for record_id in ids])
    if batch.unfinished:
        raise batch.unfinished
    if batch.errors:
        raise Refused(next(iter(batch.errors.values())).message)
    hubspot.archive(object_type, ids)


def _blank(record_id: str) -> Row:
    row = {"id": record_id, "properties": BLANK, "objectWriteTraceId": record_id}
    return Row(record_id, orjson.dumps(row).decode())


def _parts(values: Sequence[str]) -> list[Sequence[str]]:
    return [values[start : start + BATCH] for start in range(0, len(values), BATCH)]
