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
    "hubspot.action.user-add": "learners.actions.user_add",
    "hubspot.action.user-invite": "learners.actions.user_invite",
    "hubspot.action.update-learner": "learners.actions.update_learner",
    "hubspot.action.enroll-in-course": "learners.actions.enroll_in_course",
    "hubspot.action.unenroll": "learners.actions.unenroll",
    "hubspot.action.add-to-group": "learners.actions.add_to_group",
    "hubspot.action.remove-from-group": "learners.actions.remove_from_group",
    "hubspot.action.set-access": "learners.actions.set_access",
    "hubspot.action.look-up-progress": "learners.actions.look_up_progress",
    # HubSpot webhooks
    "hubspot.contact.privacyDeletion": "gdpr.erasure.privacy_deletion",
    "hubspot.contact.deletion": "learners.identity.contact_deleted",
    "hubspot.contact.restore": "learners.identity.contact_restored",
    "hubspot.contact.merge": "learners.identity.contacts_merged",
    "hubspot.contact.propertyChange": "learners.changes.property_changed",
    # what HubSpot should have told and did not
    "hubsync.record-gone": "gdpr.erasure.record_gone",
    # LearnUpon webhooks (v2)
    "learnupon.course_completion": "learners.enrollments.receive",
    "learnupon.enrollment_created": "learners.enrollments.receive",
    "learnupon.enrollment_updated": "learners.enrollments.receive",
}
# What the card and the settings page inside HubSpot ask for: each is given a webhooks.cards.Ask and answers at once.
CARDS: dict[str, str] = {
    "GET enrollments": "learners.cards.enrollments",
    "GET settings": "learners.cards.settings_page",
    "POST add": "learners.cards.add",
    "POST invite": "learners.cards.invite",
    "POST resend": "learners.cards.resend",
    "POST refresh": "learners.cards.refresh",
}

# Told the vendor and the account's hub_id or portal's host when a vendor that failed it answers again: each makes what
# waits on the ladder for that due at once.
ANSWERS_AGAIN: tuple[str, ...] = (
    "webhooks.claims.answers_again",
    "learners.push_rows.answers_again",
    "gdpr.steps.answers_again",
)

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


@cache
def card(name: str) -> Callable[..., Any]:
    """The function that answers this method and name of the card."""
    function: Callable[..., Any] = import_string(CARDS[name])
    return function
