"""The web process' entry point."""

import os

from django.core.management.base import BaseCommand
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hubsync.settings")
application = get_wsgi_application()
BaseCommand().check()  # as every manage.py command does; a web process would start in spite of what they find

from hubsync import telemetry  # noqa: E402  (needs the settings above)
from hubsync.encoding import Utf8Request  # noqa: E402
from portals.clients import limiter  # noqa: E402

application.request_class = Utf8Request

limiter.prime()
telemetry.start("web")
