"""Every family of HubSpot's API we use, with its date: the one place to change when HubSpot releases a version.

Each date is supported for about 18 months; `2026-09` is the newest that is generally available for all of these.
https://developers.hubspot.com/docs/api-reference
"""

from portals.clients.errors import Refused

TOKEN = "/oauth/2026-09/token"  # noqa: S105  (an address)
INTROSPECT = "/oauth/2026-09/token/introspect"
ACCOUNT_DETAILS = "/account-info/2026-09/details"
UNINSTALL = "/appinstalls/2026-09/external-install"
# The families `hubspot-api-client` writes requests for: the path it writes -> the dated one.
FAMILIES: dict[str, str] = {
    "/automation/v4/actions/callbacks/": "/automation/actions/callbacks/2026-09/",
    "/crm/v3/objects/": "/crm/objects/2026-09/",
    "/crm/v4/associations/": "/crm/associations/2026-09/",
    "/crm/v3/properties/": "/crm/properties/2026-09/",
    "/crm/v3/owners/": "/crm/owners/2026-09/",
    "/crm-object-schemas/v3/": "/crm-object-schemas/2026-09/",
}


def dated(path: str) -> str:
    """The dated path for one the client wrote. A family that is not in the table is refused, not sent as it is."""
    for old, new in FAMILIES.items():
        if path.startswith(old):
            return (new + path[len(old) :]).rstrip("/")
    raise Refused("This HubSpot path has no dated version in our table.", code="path_not_dated")
