"""What `/readyz` finds: the database and the broker answer, beat ticks, workers take its ticks, and work is not left
lying. `/readyz?only=database` is for whoever asks whether this process can take things in."""

import redis
from django.db import Error, connection
from django.http import JsonResponse

from portals.clients.limiter import store
from webhooks import heartbeats
from webhooks.models import Heartbeat

STALE_SECONDS = 60  # a due row this old means that nobody works
# Beat ticks every SWEEP_SECONDS. Workers may have their hands full for several slices before they take a tick.
SILENCE_SECONDS: dict[str, float] = {Heartbeat.Name.BEAT: 7, Heartbeat.Name.WORKER: 60}
OK = "ok"
# The actions of a disconnected account rest until it is connected again (claims.due_lanes): no worker is to blame.
OLDEST = """
SELECT extract(epoch FROM now() - d.due_at) FROM webhooks_delivery d JOIN portals_hubspotaccount a ON a.id = d.account_id
WHERE d.state = 'waiting' AND (a.state = 'connected' OR d.lane <> 'actions') ORDER BY d.due_at LIMIT 1
"""


def readiness(only: str = "") -> JsonResponse:
    found = {"database": _database()} if only == "database" else parts()
    ready = all(said == OK for said in found.values())
    answer = JsonResponse({"ready": ready, **found}, status=200 if ready else 503)
    answer._has_been_logged = True  # type: ignore[attr-defined]  # Django would log every 503 as an error
    return answer


def parts() -> dict[str, str]:
    """What must be well -> `ok`, or what is wrong with it."""
    database = _database()
    found = {"database": database, "broker": _broker()}
    unknown = dict.fromkeys((*SILENCE_SECONDS, "work"), "unknown")
    if database != OK:
        return found | unknown
    try:
        return found | _signs() | {"work": _work()}
    except Error:  # it went away just now, or lacks the tables
        connection.close()
        return found | unknown | {"database": "does not answer questions"}


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:  # InterfaceError too: a connection that was lost before
        connection.close()
        return "unreachable"
    return OK


def _broker() -> str:
    """Over the connections this process has anyway: anybody may ask, and must not make Redis accept one each time."""
    try:
        store().ping()
    except redis.RedisError:
        return "unreachable"
    return OK


def _signs() -> dict[str, str]:
    ages = heartbeats.ages()
    return {name: _sign(ages.get(name), most) for name, most in SILENCE_SECONDS.items()}


def _sign(age: float | None, most: float) -> str:
    if age is None:
        return "has never been seen"
    return OK if age < most else f"was last seen {age:.0f} s ago"


def _work() -> str:
    with connection.cursor() as cursor:
        cursor.execute(OLDEST)
        found = cursor.fetchone()
    oldest = float(found[0]) if found else 0.0
    return OK if oldest < STALE_SECONDS else f"oldest due delivery has waited {oldest:.0f} s"
