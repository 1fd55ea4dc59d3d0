"""What every sweep asks: which portals have records to look at or to compare, without reading every learner."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from learners import carrying, presence
from learners.models import Learner
from portals.models import Portal

FILL = """
INSERT INTO learners_learner (account_id, portal_id, record_type, record_id, learnupon_user_id, state, state_reason,
    email, first_name, last_name, language, busy_claim, invitation, welcome, fingerprint, checked_at, seen_at, queued_courses)
SELECT %s, %s, 'contact', n, n, 'active', '', '', '', '', '', 0, 'no', 'no', '',
    now() - random() * interval '23 hours', now() - random() * interval '23 hours', '[]'
FROM generate_series(1, 5000) AS n
"""


def scans(node: dict[str, Any]) -> Iterator[str]:
    """How learners are read: the names of the indexes, or of the whole table."""
    if node.get("Relation Name") == "learners_learner":
        yield node.get("Index Name", "the whole table")
    for part in node.get("Plans", []):
        yield from scans(part)


@pytest.mark.parametrize(
    ("due_portals", "indexes"),
    [
        (presence.due_portals, {"learner_unseen", "learner_missing"}),
        (carrying.due_portals, {"learner_check_due"}),
    ],
)
def test_a_sweep_reads_no_learner_that_is_not_due(
    acme_portal: Portal, globex_portal: Portal, due_portals: Callable[[], list[int]], indexes: set[str]
) -> None:
    """Would catch: with a million learners more than half a second of the database, every two seconds."""
    with connection.cursor() as cursor:
        for portal in (acme_portal, globex_portal):
            portal.account.connected_at = timezone.now() - timedelta(days=9)
            portal.account.save()
            cursor.execute(FILL, [portal.account_id, portal.pk])
        cursor.execute("ANALYZE learners_learner")
        with CaptureQueriesContext(connection) as asked:
            assert due_portals() == []
        cursor.execute("EXPLAIN (FORMAT JSON) " + asked[0]["sql"])
        (answer,) = cursor.fetchone()
    (plan,) = json.loads(answer) if isinstance(answer, str) else answer
    assert set(scans(plan["Plan"])) <= indexes
    old = {"seen_at": timezone.now() - timedelta(days=2), "checked_at": None}
    Learner.objects.filter(pk=Learner.objects.filter(portal=globex_portal)[7].pk).update(**old)
    assert due_portals() == [globex_portal.pk]
