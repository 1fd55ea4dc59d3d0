"""The app object in one HubSpot account: its type id, its property names, and what is missing, said plainly.

https://developers.hubspot.com/docs/apps/developer-platform/add-features/app-objects/reference
"""

from typing import Any

from django.conf import settings

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
# What must not outlive a person in HubSpot's restorable archive.
PERSONAL = ("learner_email", "record_id")


def look_up(account: HubSpotAccount) -> None:
    """Find the app object's type id and check its properties; a problem is kept as words for the admin."""
    known, account.app_object_type, account.app_object_problem = account.app_object_type, "", ""
    try:
        found = HubSpot(account, Lane.ACTIONS).schema(FULL_NAME)
    except NotFound:
        account.app_object_problem = "The course enrollment object is not deployed in this HubSpot account."
    except Refused:
        account.app_object_problem = (
            "The app was not granted access to course enrollment records: install it again."
        )
    except (TryAgain, Disconnected):
        account.app_object_type = known  # a busy minute makes nobody forget what was there before
        if not known:
            account.app_object_problem = "HubSpot could not be asked for the course enrollment object yet."
    else:
        _take_over(account, found)
    account.save(update_fields=["app_object_type", "app_object_problem"])


def _take_over(account: HubSpotAccount, found: dict[str, Any]) -> None:
    account.app_object_type = str(found.get("objectTypeId") or "")[:64]
    present = {str(row.get("name")) for row in found.get("properties") or []}
    missing = sorted(name for name in PROPERTIES if PREFIX + name not in present)
    if missing:
        account.app_object_problem = f"The course enrollment object lacks: {', '.join(missing)}."
