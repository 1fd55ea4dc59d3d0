"""Tests run in several processes at once: each has a Redis database of its own. (pytest-django does the same for
PostgreSQL.) Loaded before Django's settings are."""

import os
import re

if worker := re.fullmatch(r"gw(\d+)", os.environ.get("PYTEST_XDIST_WORKER", "")):
    home, slash, database = os.environ.get("REDIS_URL", "").rpartition("/")
    if slash and database.isdigit():
        os.environ["REDIS_URL"] = f"{home}/{int(database) + 1 + int(worker.group(1))}"
