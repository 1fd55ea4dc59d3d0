"""The web process' entry point."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hubsync.settings")
application = get_wsgi_application()

from hubsync import telemetry  # noqa: E402  (needs the settings above)
from portals.clients import limiter  # noqa: E402

limiter.prime()
telemetry.start("web")
