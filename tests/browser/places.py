"""Every page there is, by name: what the checks walk over and the screenshots show."""

from tests.browser.newcomer import Admin

# Name of the page -> its address; {portal} is on contacts and has a past, {staff} is on user records and new.
PLACES = {
    "install": "/install/",
    "overview": "/portals/",
    "connect": "/portals/connect/",
    "recipients": "/portals/recipients",
    "settings": "/portals/{portal}/settings",
    "import": "/portals/{portal}/settings/import",
    "welcome-mail": "/portals/{portal}/settings/mail",
    "mapping": "/portals/{portal}/mapping",
    "learners": "/portals/{portal}/learners",
    "learners-none": "/portals/{staff}/learners",
    "learner": "/portals/{portal}/learners/{learner}",
    "users": "/portals/{staff}/learners/users",
    "activity": "/portals/{portal}/activity",
    "activity-filtered": "/portals/{portal}/activity?state=failed",
    "activity-none": "/portals/{staff}/activity",
    "review": "/portals/{portal}/review",
    "backfill": "/portals/{portal}/backfill",
    "insights": "/portals/{portal}/insights",
    "insights-none": "/portals/{staff}/insights",
    "privacy": "/portals/{portal}/privacy",
    "unsubscribe": "/unsubscribe/1/no-such-token",
    "silence": "/notices/1/drift/no-such-token",
}


def address(admin: Admin, name: str) -> str:
    return PLACES[name].format(portal=admin.portal, staff=admin.staff, learner=admin.learner)
