"""A LearnUpon for people without one: portals, their REST API v1, webhooks v2, mails and pages."""
