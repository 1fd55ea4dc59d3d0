"""Naming enrollments by the cached course list of their portal."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

from django.utils import timezone

from learners.models import Enrollment
from portals import course_list
from portals.clients.errors import Disconnected, Refused, VendorError
from portals.clients.learnupon import LearnUpon
from portals.lanes import Lane
from portals.models import Course, Portal

# A course the list does not name is looked for at once, but not again and again: it may be gone for good.
LOOK_AGAIN = timedelta(minutes=1)


def name(rows: Sequence[Enrollment]) -> dict[int, VendorError]:
    """Give enrollments that came without a course name (webhooks carry none) the course's. The portals whose
    LearnUpon cannot be asked now for a course that is new to us, and why: their rows wait, the others' do not."""
    nameless: dict[int, list[Enrollment]] = defaultdict(list)
    for row in rows:
        if not row.course_name:
            nameless[row.portal_id].append(row)
    waiting: dict[int, VendorError] = {}
    for portal_id, some in nameless.items():
        try:
            _name(some[0].portal, some)
        except VendorError as error:
            waiting[portal_id] = error
    return waiting


def _name(portal: Portal, rows: list[Enrollment]) -> None:
    wanted = {row.course_id for row in rows}
    names = _known(portal, wanted)
    long_ago = portal.courses_read_at is None or timezone.now() - portal.courses_read_at > LOOK_AGAIN
    if wanted - names.keys() and long_ago:
        try:
            course_list.refresh(portal, LearnUpon(portal, Lane.LIVE))
        except (Disconnected, Refused):
            return  # the progress itself is known and goes out under the course's number
        names = _known(portal, wanted)
    for row in rows:
        row.course_name = names.get(row.course_id, "")
    Enrollment.objects.bulk_update([row for row in rows if row.course_name], ["course_name"], batch_size=500)


def _known(portal: Portal, wanted: set[int]) -> dict[int, str]:
    return dict(Course.objects.filter(portal=portal, course_id__in=wanted).values_list("course_id", "name"))
