"""The web process' entry point."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hubsync.settings")
application = get_wsgi_application()

from portals.clients import limiter  # noqa: E402  (needs the settings above)

limiter.prime()
