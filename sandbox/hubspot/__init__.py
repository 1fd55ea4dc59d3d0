"""HubSpot as its documentation describes it, to the depth that Hubsync uses it."""
