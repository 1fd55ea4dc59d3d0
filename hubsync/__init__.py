"""Wiring: settings, addresses, the table of flows, Celery, logging, health. No behaviour lives here."""

from hubsync.celery import app as celery_app
from hubsync.version import __version__

__all__ = ["__version__", "celery_app"]
