"""How much of HubSpot's budget is being used, by class of account; for operators."""

from django.db import connection

from portals.clients.limiter import LIMITS, LONG_US, Budget, store

MOST = LIMITS[Budget.GENERAL][0]
CLASSES = ("history", "live")  # brings in history at present; does not
ACCOUNTS = """
SELECT a.hub_id, EXISTS (
    SELECT 1 FROM learners_walk w JOIN portals_portal p ON p.id = w.portal_id
    WHERE p.account_id = a.id AND w.state = 'running' AND w.kind <> 'poll'
) FROM portals_hubspotaccount a WHERE a.state = 'connected' ORDER BY a.id LIMIT 20000
"""


def by_class() -> dict[str, list[int]]:
    """Class -> the calls of each of its accounts in the last 10 s. Redis' clock decides what is the last 10 s."""
    with connection.cursor() as cursor:
        cursor.execute(ACCOUNTS)
        accounts = cursor.fetchall()
    seconds, micro = store().time()
    since = seconds * 1_000_000 + micro - LONG_US
    with store().pipeline(transaction=False) as pipeline:
        for hub_id, _ in accounts:
            pipeline.zcount(f"limiter:{hub_id}:{Budget.GENERAL}", f"({since}", "+inf")
        spent = pipeline.execute()
    found: dict[str, list[int]] = {name: [] for name in CLASSES}
    for (_, history), calls in zip(accounts, spent, strict=True):
        found["history" if history else "live"].append(int(calls))
    return found
