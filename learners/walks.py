"""Walks: reading a portal's enrollments course by course, page by page, for what webhooks do not cover.

LearnUpon has no portal-wide listing (learnupon.md 1.13). A walk writes down where it is after every page, so that
it goes on there after a restart, a pause or a spent allowance.
"""

import time
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from learners import claims, courses, enrollments, training
from learners.models import Enrollment, Learner, Walk
from learners.observations import from_rest
from portals.clients.errors import NotFound, TryAgain, VendorError
from portals.clients.learnupon import LearnUpon
from portals.lanes import Lane
from portals.models import Course, Portal
from webhooks import nudger, retries

POLL_SECONDS = 900  # at least this far apart; the portal's weekly allowance can stretch it


def start(portal: Portal, kind: str = Walk.Kind.HISTORY) -> Walk:
    """Begin a walk, or return the one under way: a portal has one at a time."""
    running = Walk.objects.filter(portal=portal, state__in=[Walk.State.RUNNING, Walk.State.PAUSED]).first()
    if running:
        if kind == Walk.Kind.HISTORY:
            Walk.objects.filter(pk=running.pk).update(kind=kind)
        return running
    try:
        with transaction.atomic():
            walk = Walk.objects.create(account=portal.account, portal=portal, kind=kind)
    except IntegrityError:
        return Walk.objects.get(portal=portal, state__in=[Walk.State.RUNNING, Walk.State.PAUSED])
    nudger.wake(walk.pk, Lane.BULK, "learners.walk")
    return walk


def pause(walk: Walk) -> None:
    Walk.objects.filter(pk=walk.pk, state=Walk.State.RUNNING).update(
        state=Walk.State.PAUSED, claim=F("claim") + 1
    )


def resume(walk: Walk) -> None:
    Walk.objects.filter(pk=walk.pk, state=Walk.State.PAUSED).update(state=Walk.State.RUNNING, due_at=Now())


def cancel(walk: Walk) -> None:
    """Stop for good; what was read stays."""
    Walk.objects.filter(pk=walk.pk, state__in=[Walk.State.RUNNING, Walk.State.PAUSED]).update(
        state=Walk.State.CANCELLED, ended_at=Now(), claim=F("claim") + 1
    )


def start_polls() -> None:
    """Begin the regular check of every portal whose last one is long enough ago and that has somebody to check."""
    long_ago = timezone.now() - timedelta(seconds=retries.scaled(POLL_SECONDS))
    due = (
        Portal.objects.working()
        .exclude(last_walk_at__gt=long_ago)
        .exclude(walks__state__in=[Walk.State.RUNNING, Walk.State.PAUSED])
        .filter(learners__state=Learner.State.ACTIVE, connected_at__lt=long_ago)
        .distinct()
    )
    for portal in due[:100]:
        start(portal, Walk.Kind.POLL)


def claim(walk_id: int) -> Walk | None:
    """Take a due walk; None when somebody else has it or it has ended."""
    taken = Walk.objects.filter(pk=walk_id, state=Walk.State.RUNNING, due_at__lte=Now()).update(
        claim=F("claim") + 1, due_at=Now() + timedelta(seconds=settings.CLAIM_SECONDS)
    )
    return Walk.objects.select_related("portal__account").get(pk=walk_id) if taken else None


def run(walk: Walk) -> bool:
    """Walk on for at most a slice of time; True when there is more to do at once."""
    until = time.monotonic() + settings.SLICE_SECONDS
    lane = Lane.BULK if walk.kind == Walk.Kind.HISTORY else Lane.LIVE
    learnupon = LearnUpon(walk.portal, lane)
    try:
        if not walk.courses_total and not _plan(walk, learnupon):
            return False
        while walk.courses:
            if not _page(walk, learnupon):
                return False
            if time.monotonic() > until:
                return _checkpoint(walk, due_at=Now())
        _finish(walk)
    except TryAgain as error:
        _checkpoint(
            walk,
            due_at=Now() + timedelta(seconds=error.after or retries.delay(3)),
            reason=error.message[:300],
        )
    except VendorError as error:
        _checkpoint(walk, state=Walk.State.FAILED, ended_at=Now(), reason=error.message[:300])
    return False


def _plan(walk: Walk, learnupon: LearnUpon) -> bool:
    """List the courses to walk: the portal's, and those that only live on in enrollments we hold."""
    courses.refresh(walk.portal, learnupon)
    listed = set(Course.objects.filter(portal=walk.portal).values_list("course_id", flat=True))
    held = set(Enrollment.objects.filter(portal=walk.portal).values_list("course_id", flat=True).distinct())
    walk.courses = sorted(listed | held)
    walk.courses_total = len(walk.courses)
    if not walk.courses:
        _finish(walk)
        return False
    return _checkpoint(walk, courses=walk.courses, courses_total=walk.courses_total)


def _page(walk: Walk, learnupon: LearnUpon) -> bool:
    """Read one page, fold it and move on; False when the walk was paused, cancelled or taken over."""
    course_id = walk.courses[0]
    try:
        page = learnupon.enrollments_of_course(course_id, walk.page)
        more, rows, as_of = page.more, page.rows, page.as_of
    except NotFound:  # the course is gone at LearnUpon; its finished enrollments stay as they are
        more, rows, as_of = False, [], timezone.now()
    observations = [seen for row in rows if (seen := from_rest(row, as_of))]
    linked = enrollments.take(walk.portal, observations)
    if linked:
        nudger.wake(walk.account_id, Lane.LIVE, "learners.push")
    walk.rows_seen, walk.rows_linked = walk.rows_seen + len(rows), walk.rows_linked + linked
    if more:
        walk.page += 1
    else:
        Course.objects.filter(portal=walk.portal, course_id=course_id).update(walked_at=Now())
        walk.courses, walk.page = walk.courses[1:], 1
    return _checkpoint(
        walk,
        courses=walk.courses,
        page=walk.page,
        rows_seen=walk.rows_seen,
        rows_linked=walk.rows_linked,
        reason="",
    )


def _checkpoint(walk: Walk, **changes: object) -> bool:
    """Write progress down while the walk is still ours."""
    return bool(Walk.objects.filter(pk=walk.pk, claim=walk.claim, state=Walk.State.RUNNING).update(**changes))


def _finish(walk: Walk) -> None:
    if _checkpoint(walk, state=Walk.State.DONE, ended_at=Now(), due_at=None):
        Portal.objects.filter(pk=walk.portal_id).update(last_walk_at=Now())


def read_learners(portal: Portal, most: int = 50) -> int:
    """Fetch the enrollments of learners who were just linked, one call each."""
    due = list(
        Learner.objects.filter(portal=portal, read_due_at__lte=Now(), state=Learner.State.ACTIVE).order_by(
            "read_due_at"
        )[:most]
    )
    learnupon = LearnUpon(portal, Lane.LIVE)
    for learner in due:
        if learner.queued_courses:
            with claims.held(learner) as mine:
                training.enroll_queued(learnupon, mine)
        page = learnupon.enrollments_of_user(int(learner.learnupon_user_id or 0))
        enrollments.take(portal, [seen for row in page.rows if (seen := from_rest(row, page.as_of))])
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE learners_learner SET read_due_at = NULL WHERE id = %s AND read_due_at = %s",
                [learner.pk, learner.read_due_at],
            )
    if due:
        nudger.wake(portal.account_id, Lane.LIVE, "learners.push")
    return len(due)
