"""Every page there is, by name; also what the browser tests walk over and the screenshots show."""

# Name of the page -> its address; {portal} has a past, {staff} is on user records, {learner} is one of {portal}'s.
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
# What people ask of the long lists besides.
ASKED = {
    "learners-search": "/portals/{portal}/learners?q=Last4711",
    "learners-state": "/portals/{portal}/learners?state=paused",
    "activity-person": "/portals/{portal}/activity?q=30004711",
    "activity-kind": "/portals/{portal}/activity?kind=hubspot.contact.",
}
# These read the vendors live, within their limits: nobody opens them thirty times a second.
LIVE = ("mapping", "users", "review")


def addresses(portal: int, staff: int, learner: int) -> dict[str, str]:
    places = PLACES | ASKED
    return {name: place.format(portal=portal, staff=staff, learner=learner) for name, place in places.items()}
