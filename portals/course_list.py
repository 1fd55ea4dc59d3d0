"""The cached course list of a portal: where the names of courses come from, and the choices of a workflow step."""

from django.db.models.functions import Now

from portals.clients.learnupon import LearnUpon
from portals.models import Course, Portal


def refresh(portal: Portal, learnupon: LearnUpon) -> None:
    """Bring the cached list up to date."""
    rows = [
        Course(
            portal=portal, course_id=int(row["id"]), name=str(row.get("name") or f"Course {row['id']}")[:500]
        )
        for row in learnupon.courses()
    ]
    Course.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["portal", "course_id"],
        update_fields=["name", "listed"],
        batch_size=500,
    )
    gone = Course.objects.filter(portal=portal, listed=True).exclude(
        course_id__in=[row.course_id for row in rows]
    )
    gone.update(listed=False)
    Portal.objects.filter(pk=portal.pk).update(courses_read_at=Now())
