"""What arrived, in words: kinds and outcomes of deliveries, and where to open the record and the learner."""

from django.conf import settings

from portals.models import HubSpotAccount, Portal, RecordType

KINDS = {
    "hubspot.action.user-add": "Workflow: add learner",
    "hubspot.action.user-invite": "Workflow: invite learner",
    "hubspot.action.update-learner": "Workflow: update learner",
    "hubspot.action.enroll-in-course": "Workflow: enroll in a course",
    "hubspot.action.unenroll": "Workflow: unenroll from a course",
    "hubspot.action.add-to-group": "Workflow: add to a group",
    "hubspot.action.remove-from-group": "Workflow: remove from a group",
    "hubspot.action.set-access": "Workflow: enable or disable access",
    "hubspot.action.look-up-progress": "Workflow: look up progress",
    "hubspot.contact.privacyDeletion": "Privacy deletion",
    "hubspot.contact.deletion": "Contact deleted",
    "hubspot.contact.restore": "Contact restored",
    "hubspot.contact.merge": "Contacts merged",
    "hubspot.contact.propertyChange": "Contact changed",
    "hubsync.record-gone": "Record found gone from HubSpot",
    "learnupon.course_completion": "Course finished",
    "learnupon.enrollment_created": "Enrolled in a course",
    "learnupon.enrollment_updated": "Course progress",
}
# HubSpot's object type ids: contacts 0-1, users 0-115
# (https://developers.hubspot.com/docs/guides/crm/understanding-the-crm).
OBJECT_TYPES = {RecordType.CONTACT: "0-1", RecordType.USER: "0-115"}


def kind_name(kind: str) -> str:
    return KINDS.get(kind) or kind.rpartition(".")[2].replace("-", " ").replace("_", " ").capitalize()


def record_url(account: HubSpotAccount, record_type: str, record_id: str) -> str:
    """Where a person opens the record; accounts in Europe live at another host (account-info's `uiDomain`)."""
    if record_type not in OBJECT_TYPES or not record_id:
        return ""
    record = f"{OBJECT_TYPES[RecordType(record_type)]}/{record_id}"
    return f"{hubspot_home(account)}/contacts/{account.hub_id}/record/{record}"


def hubspot_home(account: HubSpotAccount) -> str:
    base: str = settings.HUBSPOT_APP_URL
    if account.ui_domain and base == "https://app.hubspot.com":
        return f"https://{account.ui_domain}"
    return base


def workflows_url(account: HubSpotAccount) -> str:
    """ASSUMPTION(workflows-address): where HubSpot's web app lists an account's workflows."""
    return f"{hubspot_home(account)}/workflows/{account.hub_id}"


def learner_url(portal: Portal, learnupon_user_id: int | None) -> str:
    """ASSUMPTION(learnupon-user-page): LearnUpon documents no address of a user's page for admins; this is the one
    its REST paths suggest."""
    return f"{portal.url}/users/{learnupon_user_id}" if learnupon_user_id else ""
