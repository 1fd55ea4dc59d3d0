"""Numbers over all rows of a portal: counted each time while that is quick, once a minute where it is not. What was
counted stands in a row, which every web process reads."""

import json
import logging
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, connection
from django.db.models.functions import Now

from learners.models import Tally
from portals.models import HubSpotAccount

logger = logging.getLogger(__name__)
QUICK = 0.03  # seconds; whoever has so few rows always sees the newest numbers
KEPT = timedelta(minutes=1)
# In one statement: two that counted at once wait for nobody but each other, and the later one stays.
KEEP = """
INSERT INTO learners_tally (key, account_id, asked, numbers, counted_at) VALUES (%s, %s, %s, %s, now())
ON CONFLICT (key) DO UPDATE
SET asked = excluded.asked, numbers = excluded.numbers, counted_at = excluded.counted_at
"""


def counted(account: HubSpotAccount, key: str, asked: Any, count: Callable[[], Any]) -> Any:
    """What `count` finds, always as JSON gives it back: what was kept is the same as what was just counted.

    `asked` is what the numbers hang on besides the rows: when it differs they are counted anew. Only sums belong in
    here, never a person: what is kept outlives an erasure by a minute.
    """
    rows = Tally.objects.filter(pk=key, account=account, asked=asked, counted_at__gt=Now() - KEPT)
    kept = rows.values_list("numbers", flat=True).first()
    if kept is not None:
        return kept
    began = time.monotonic()
    found = json.dumps(count())
    if time.monotonic() - began > QUICK:
        _keep(account, key, json.dumps(asked), found)
    return json.loads(found)


def _keep(account: HubSpotAccount, key: str, asked: str, numbers: str) -> None:
    """A page that has its numbers is shown, also where the database takes no writes or the account has just gone."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(KEEP, [key, account.pk, asked, numbers])
    except DatabaseError:
        logger.warning("sums were not kept", extra={"account": account.hub_id})
