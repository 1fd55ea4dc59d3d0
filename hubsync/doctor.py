"""What `manage.py doctor` looks at in a running installation: each probe finds something wrong or nothing, and has a
hint of what to do. None of them shows a secret or changes anything."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import redis
from celery import current_app
from django.conf import settings
from django.core.mail import get_connection
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from kombu.exceptions import OperationalError

from hubsync import health
from portals.clients import http, versions
from portals.clients.errors import VendorError
from portals.lanes import Lane
from portals.models import HubSpotAccount, Portal

CLOCK_SECONDS = 5.0  # HubSpot's signatures are refused when they are minutes old; seconds matter to budgets
QUIET = timedelta(days=2)
PING_SECONDS = 2.0


@dataclass(frozen=True)
class Probe:
    id: str
    what: str
    look: Callable[[], str]  # what is wrong, empty when nothing is
    hint: str


def _part(name: str) -> Callable[[], str]:
    return lambda: "" if (said := health.parts()[name]) == health.OK else said


def migrations() -> str:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return f"{len(plan)} have not been applied, the first is {plan[0][0]}" if plan else ""


def database_clock() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return _apart(cursor.fetchone()[0])


def _apart(theirs: datetime) -> str:
    seconds = abs((datetime.now(UTC) - theirs).total_seconds())
    return f"it is {seconds:.0f} s apart from this machine's" if seconds > CLOCK_SECONDS else ""


def mail() -> str:
    server = get_connection()
    server.open()
    server.close()
    return ""


def hubspot() -> str:
    """Any answer will do: without a form the token endpoint has nothing to grant."""
    http.send("GET", settings.HUBSPOT_API_URL + versions.TOKEN, headers={"Accept": "application/json"})
    return ""


def hubspot_clock() -> str:
    answer = http.send(
        "GET", settings.HUBSPOT_API_URL + versions.TOKEN, headers={"Accept": "application/json"}
    )
    return _apart(answer.at)


def workers() -> str:
    """Whether somebody serves each queue."""
    queues = current_app.control.inspect(timeout=PING_SECONDS).active_queues() or {}
    served = {queue["name"] for found in queues.values() for queue in found}
    lacking = [lane for lane in Lane.values if lane not in served]
    return f"{len(queues)} workers answer, none of them serves {', '.join(lacking)}" if lacking else ""


def accounts() -> str:
    away = HubSpotAccount.objects.filter(state=HubSpotAccount.State.DISCONNECTED, purged_at=None)
    return ", ".join(f"{a.hub_id} ({a.disconnected_reason})" for a in away.order_by("hub_id")[:20])


def app_refused() -> str:
    return ", ".join(HubSpotAccount.objects.exclude(configuration_problem="").values_list(
        "configuration_problem", flat=True
    ).distinct()[:3])  # fmt: skip


def portals() -> str:
    """The last contact of each portal that should work: when it was last read, or told us something."""
    live = Portal.objects.working().order_by("account__hub_id", "pk").select_related("account")
    quiet = [p for p in live if _last(p) is None or timezone.now() - (_last(p) or timezone.now()) > QUIET]
    return ", ".join(f"{p.subdomain} of {p.account.hub_id} (last {_said(_last(p))})" for p in quiet[:20])


def _last(portal: Portal) -> datetime | None:
    seen = (portal.last_event_at, portal.last_walk_at, portal.courses_read_at)
    return max(filter(None, seen), default=None)


def _said(moment: datetime | None) -> str:
    return moment.isoformat(timespec="minutes") if moment else "never"


def static_files() -> str:
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    return "" if settings.DEBUG or manifest.exists() else "they were not collected"


PROBES: tuple[Probe, ...] = (
    Probe("hubsync.D001", "The database answers", _part("database"), "Check DATABASE_URL and the server."),
    Probe("hubsync.D002", "Migrations are applied", migrations, "Run manage.py migrate."),
    Probe(
        "hubsync.D003", "The database's clock", database_clock, "Let both machines follow one time server."
    ),
    Probe("hubsync.D004", "Redis answers", _part("broker"), "Check REDIS_URL and the server."),
    Probe("hubsync.D005", "Beat ticks", _part("beat"), "Start beat: see docs/running.md."),
    Probe("hubsync.D006", "Workers take ticks", _part("worker"), "Start workers: see docs/running.md."),
    Probe("hubsync.D007", "Every queue is served", workers, "Start a worker with -Q and that queue."),
    Probe(
        "hubsync.D008", "No work lies around", _part("work"), "See what the workers log; start more of them."
    ),
    Probe("hubsync.D009", "The mail server answers", mail, "Check EMAIL_URL."),
    Probe("hubsync.D010", "HubSpot answers", hubspot, "Let this machine call api.hubapi.com by https."),
    Probe("hubsync.D011", "HubSpot's clock", hubspot_clock, "Let this machine follow a time server."),
    Probe(
        "hubsync.D012",
        "HubSpot accepts the app",
        app_refused,
        "Check HUBSPOT_CLIENT_ID and HUBSPOT_CLIENT_SECRET.",
    ),
    Probe(
        "hubsync.D013",
        "Every account is connected",
        accounts,
        "Tell these customers to install the app again.",
    ),
    Probe("hubsync.D014", "Every portal is in contact", portals, "See what their settings pages say."),
    Probe("hubsync.D015", "Static files are there", static_files, "Run manage.py collectstatic."),
)


def look(probe: Probe) -> str:
    """What the probe finds wrong. Errors are named by kind: their texts may hold passwords."""
    try:
        return probe.look()
    except VendorError as error:
        return error.message
    except (Error, redis.RedisError, OperationalError, OSError) as error:
        connection.close()
        return f"no answer ({type(error).__name__})"
