"""What every recorded thing does, on one screen.

Each name is a function that takes the claimed deliveries of one account and kind and yields one Result for each
(see webhooks/results.py). A system check resolves every name at start-up.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from django.utils.module_loading import import_string

FLOWS: dict[str, str] = {
    # HubSpot workflow actions
    "hubspot.action.user-add": "learners.provisioning.user_add",
    "hubspot.action.user-invite": "learners.provisioning.user_invite",
    # HubSpot webhooks
    "hubspot.contact.privacyDeletion": "gdpr.erasure.privacy_deletion",
    "hubspot.contact.deletion": "learners.identity.contact_deleted",
    "hubspot.contact.restore": "learners.identity.contact_restored",
    "hubspot.contact.merge": "learners.identity.contacts_merged",
    "hubspot.contact.propertyChange": "learners.identity.property_changed",
    # LearnUpon webhooks (v2)
    "learnupon.course_completion": "learners.enrollments.receive",
    "learnupon.enrollment_created": "learners.enrollments.receive",
    "learnupon.enrollment_updated": "learners.enrollments.receive",
}

ACTIONS: tuple[str, ...] = tuple(
    kind.removeprefix("hubspot.action.") for kind in FLOWS if kind.startswith("hubspot.action.")
)
HUBSPOT_EVENTS: tuple[str, ...] = tuple(
    kind.removeprefix("hubspot.") for kind in FLOWS if kind.startswith("hubspot.contact.")
)


@cache
def flow(kind: str) -> Callable[..., Any]:
    """The function that works deliveries of this kind."""
    function: Callable[..., Any] = import_string(FLOWS[kind])
    return function
