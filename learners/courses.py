"""Looking for courses that the cached list of their portal does not name yet."""

from collections.abc import Sequence
from datetime import timedelta

from django.utils import timezone

from learners.push_rows import Due
from portals import course_list
from portals.clients.errors import Disconnected, Refused, VendorError
from portals.clients.learnupon import LearnUpon
from portals.lanes import Lane
from portals.models import Portal

# A course the list does not name is looked for at once, but not again and again: it may be gone for good.
LOOK_AGAIN = timedelta(minutes=1)


def look_for(rows: Sequence[Due]) -> dict[int, VendorError]:
    """Read the course lists of these rows' portals again, unless that was done just now. The portals whose LearnUpon
    cannot be asked at present, and why: their rows wait, the others' do not."""
    waiting: dict[int, VendorError] = {}
    for portal in Portal.objects.filter(pk__in={row.portal_id for row in rows}):
        if portal.courses_read_at and timezone.now() - portal.courses_read_at <= LOOK_AGAIN:
            continue
        try:
            course_list.refresh(portal, LearnUpon(portal, Lane.LIVE))
        except (Disconnected, Refused):
            continue  # the progress itself is known and goes out under the course's number
        except VendorError as error:
            waiting[portal.pk] = error
    return waiting
