"""Where we differ, knowingly, from what HubSpot's SDK would send. Each is seen in every run, or it must go."""

# operation as the SDK names it, what is found -> why we do it
DEPARTURES: dict[tuple[str, str], str] = {
    ("POST /oauth/2026-03/token", "sent as application/x-www-form-urlencoded"): (
        "HubSpot documents a form body for its token endpoints and so does RFC 6749; the SDK sends JSON. "
        "https://developers.hubspot.com/docs/api-reference/latest/authentication/manage-oauth-tokens"
    ),
    ("POST /oauth/2026-03/token/introspect", "sent as application/x-www-form-urlencoded"): (
        "As above; the fields are those of the specification."
    ),
}
# The SDK was made from 2026-03; every family it has is called by its newer date, 2026-09, which HubSpot's reference
# gives the same shapes. tests/portals/test_sdk_seam.py holds the dates.
DATES = ("2026-09", "2026-03")
