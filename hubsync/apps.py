"""Registers the start-up checks."""

from django.apps import AppConfig


class HubsyncConfig(AppConfig):
    name = "hubsync"

    def ready(self) -> None:
        from hubsync import checks, observing  # noqa: F401  (both register)
        from webhooks import openapi  # noqa: F401  (registers)
