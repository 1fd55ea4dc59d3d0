"""Wiring: settings, addresses, the table of flows, Celery, logging, health. No behaviour lives here."""

from hubsync.celery import app as celery_app

__all__ = ["celery_app"]
