"""Starts linking a portal's accounts, as the page's button does: `python -m stack.proofs.walk SUBDOMAIN`."""

import os
import sys

import django


def link(subdomain: str) -> None:
    from learners import walks
    from learners.models import Walk
    from portals.models import Portal

    walks.start(Portal.objects.select_related("account").get(subdomain=subdomain), Walk.Kind.LINK)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hubsync.settings")
    django.setup()
    link(sys.argv[1])
