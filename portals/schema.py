"""The app object in one HubSpot account: its type id, its property names, and what is missing, said plainly.

https://developers.hubspot.com/docs/apps/developer-platform/add-features/app-objects/reference
"""

from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet

from portals.clients.errors import Disconnected, NotFound, Refused, TryAgain
from portals.clients.hubspot import HubSpot
from portals.lanes import Lane
from portals.models import HubSpotAccount

PREFIX = f"a{settings.HUBSPOT_APP_ID}_"
FULL_NAME = f"{PREFIX}course_enrollment"  # the name an app object goes by in HubSpot's API
PROPERTIES = (
    "enrollment_key", "course_name", "course_id", "portal_name", "status", "result", "required",
    "progress_percent", "score_percent", "enrolled_at", "started_at", "completed_at", "last_accessed_at",
    "due_on", "certificate_expires_on", "overdue", "certificate_name", "learner_email", "record_id",
)  # fmt: skip
NOT_ASKED = "HubSpot could not be asked for the course enrollment object yet."
# What must not outlive a person in HubSpot's restorable archive.
PERSONAL = ("learner_email", "record_id")


def look_up(account: HubSpotAccount) -> None:
    """Find the app object's type id and check its properties; a problem is kept as words for the admin."""
    try:
        found = HubSpot(account, Lane.ACTIONS).schema(FULL_NAME)
    except NotFound:
        _keep(account, "", "The course enrollment object is not deployed in this HubSpot account.")
    except Refused:
        _keep(account, "", "The app was not granted access to course enrollment records: install it again.")
    except (TryAgain, Disconnected):
        if not account.app_object_type:  # a busy minute makes nobody forget what was there before
            _keep(account, "", NOT_ASKED)
    else:
        _keep(account, str(found.get("objectTypeId") or "")[:64], _lacking(found))


def _keep(account: HubSpotAccount, object_type: str, problem: str) -> None:
    account.app_object_type, account.app_object_problem = object_type, problem
    account.save(update_fields=["app_object_type", "app_object_problem"])


def _lacking(found: dict[str, Any]) -> str:
    present = {str(row.get("name")) for row in found.get("properties") or []}
    missing = sorted(name for name in PROPERTIES if PREFIX + name not in present)
    return f"The course enrollment object lacks: {', '.join(missing)}." if missing else ""


def uncertain() -> QuerySet[HubSpotAccount]:
    """Accounts whose problem may have gone by itself: HubSpot did not answer, or properties were lacking, which the
    next upload of hubspot-app/ adds. One without the object is asked by whoever has something to write."""
    lacking = ~Q(app_object_type="") & ~Q(app_object_problem="")
    connected = HubSpotAccount.objects.filter(state=HubSpotAccount.State.CONNECTED)
    return connected.filter(Q(app_object_problem=NOT_ASKED) | lacking)
