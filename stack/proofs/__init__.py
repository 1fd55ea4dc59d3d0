"""Proofs too long for the tests: the running stack against HubSpot's limits, with figures."""
