"""Counts what pages ask the database: `python -m stack.bench.queries COOKIE` with addresses, one a line, on standard
input; prints the numbers as JSON. In a process of its own, as the first who asks.
"""

import json
import os
import sys
from collections.abc import Sequence

import django


def count(key: str, addresses: Sequence[str]) -> dict[str, int]:
    from django.conf import settings
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client(SERVER_NAME="127.0.0.1")
    client.cookies[settings.SESSION_COOKIE_NAME] = key
    found = {}
    for address in addresses:
        with CaptureQueriesContext(connection) as asked:
            client.get(address)
        found[address] = len(asked)
    return found


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hubsync.settings")
    django.setup()
    sys.stdout.write(json.dumps(count(sys.argv[1], sys.stdin.read().split())))
