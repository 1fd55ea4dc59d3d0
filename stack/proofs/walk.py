"""Starts linking a portal's accounts, or another walk, as the page's buttons do:
`python -m stack.proofs.walk SUBDOMAIN [history]`.
"""

import os
import sys

import django


def start(subdomain: str, kind: str = "link") -> None:
    from learners import walks
    from portals.models import Portal

    walks.start(Portal.objects.select_related("account").get(subdomain=subdomain), kind)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hubsync.settings")
    django.setup()
    start(*sys.argv[1:])
