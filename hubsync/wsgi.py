"""The web process' entry point."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hubsync.settings")
application = get_wsgi_application()

from hubsync import telemetry  # noqa: E402  (needs the settings above)
from hubsync.encoding import Utf8Request  # noqa: E402
from portals.clients import limiter  # noqa: E402

application.request_class = Utf8Request

limiter.prime()
telemetry.start("web")
