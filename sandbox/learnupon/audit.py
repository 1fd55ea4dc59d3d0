"""The audit trail: the one way LearnUpon's API tells that an account is gone or a login is off."""

from typing import TYPE_CHECKING

from sandbox.learnupon.records import Portal, Row, User, stamp
from sandbox.learnupon.wire import Call, Reply, paged, whole

if TYPE_CHECKING:
    from sandbox.learnupon.world import LearnUponWorld

UNENROLLED, USER_DELETED, LOGIN_DISABLED, LOGIN_ENABLED, REMOVED_FROM_GROUP = 2, 3, 4, 5, 12
KEPT_SECONDS = 30 * 86_400


def note(world: "LearnUponWorld", portal: Portal, action: int, user: User, data: str = "") -> None:
    portal.audit.append(
        {
            "action": action,
            "initiated_by_user": None,
            "initiated_by_user_email": f"admin@{portal.subdomain}.example",
            "impacted_user": user.id,
            "impacted_user_email": user.email,
            "impacted_data": data,
            "date_and_time_utc": stamp(world.clock()),
        }
    )


def trail(world: "LearnUponWorld", portal: Portal, call: Call) -> Reply:
    """`action` or `date_range=A,B`; newest first (the order and the list's key are assumptions)."""
    oldest = stamp(world.clock() - KEPT_SECONDS)
    rows: list[Row] = [row for row in reversed(portal.audit) if row["date_and_time_utc"] >= oldest]
    action = whole(call.query.get("action"))
    if action is not None:
        rows = [row for row in rows if row["action"] == action]
    first, _, last = call.query.get("date_range", "").partition(",")
    if first and last:
        rows = [row for row in rows if first <= row["date_and_time_utc"][:10] <= last]
    return paged(rows, call, "audit_trails", lambda row: row)
