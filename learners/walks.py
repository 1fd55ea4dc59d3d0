"""Walks: reading a portal's enrollments course by course, page by page, for what webhooks do not cover.

LearnUpon has no portal-wide listing (learnupon.md 1.13). A walk writes down where it is after every page, so that
it goes on there after a restart, a pause or a spent allowance.
"""

import logging
import time
from collections import Counter
from datetime import timedelta

from django.conf import settings
from django.db import Error, IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from learners import claims, enrollments, linking, presence, training
from learners.models import Enrollment, Learner, Walk
from learners.observations import from_rest
from portals import connecting, course_list, retries
from portals.clients.errors import Disconnected, NotFound, Refused, TryAgain, VendorError
from portals.clients.learnupon import LearnUpon
from portals.lanes import Lane
from portals.models import Course, Portal
from webhooks import nudger

logger = logging.getLogger(__name__)
MISTAKE = "Hubsync made a mistake with what LearnUpon answered, so this has ended."
MISSING_A_COURSE = 50  # how many vanished enrollments of a course are asked for in one walk
MOST_UNREAD = 50  # courses that LearnUpon refuses to show, after which it is the portal that cannot be read
CATCHING_UP = "First the linked HubSpot records are looked at."
REMOVED = "The portal was removed."
RESTS = "Rests while the portal is paused or disconnected; it goes on by itself."
REST_SECONDS = 60
POLL_SECONDS = 900  # at least this far apart; the portal's weekly allowance can stretch it


def start(portal: Portal, kind: str = Walk.Kind.HISTORY, *, preview: bool = False) -> Walk:
    """Begin a walk, or return the one under way: a portal has one at a time. A preview counts and writes nothing."""
    running = Walk.objects.filter(portal=portal, state__in=[Walk.State.RUNNING, Walk.State.PAUSED]).first()
    if running and running.kind == Walk.Kind.POLL and kind == Walk.Kind.LINK:
        cancel(running)  # a person waits for this one, and the next regular check is never far
    elif running:
        Walk.objects.filter(pk=running.pk, kind=Walk.Kind.POLL).update(kind=kind)
        running.refresh_from_db()
        asked_for = kind != Walk.Kind.POLL  # by a person: one that rests goes on
        if asked_for and (running.kind, running.preview) == (kind, preview):
            resume(running)
        return running
    try:
        with transaction.atomic():
            walk = Walk.objects.create(account=portal.account, portal=portal, kind=kind, preview=preview)
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
    lately = Walk.objects.filter(ended_at__gt=long_ago).exclude(kind=Walk.Kind.LINK)  # however it ended
    due = (
        Portal.objects.working()
        .exclude(pk__in=lately.values("portal_id"))
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
    if _rests(walk):
        return False
    until = time.monotonic() + settings.SLICE_SECONDS
    learnupon = LearnUpon(walk.portal, Lane.LIVE if walk.kind == Walk.Kind.POLL else Lane.BULK)
    try:
        while _step(walk, learnupon):
            if time.monotonic() > until:
                return _checkpoint(walk, due_at=Now())
    except TryAgain as error:
        attempts = walk.attempts + int(error.counts)
        later = Now() + timedelta(seconds=retries.WALK.wait(attempts, error))
        _checkpoint(walk, due_at=later, attempts=attempts, reason=error.message[:300])
    except VendorError as error:
        if isinstance(error, Disconnected) and "LearnUpon" in error.message:
            connecting.mark_disconnected(walk.portal, error.message)
        _checkpoint(walk, state=Walk.State.FAILED, ended_at=Now(), reason=error.message[:300])
    except Error:  # the database's: the walk is taken up when its claim has run out
        raise
    except Exception:  # our own mistake: a walk that met it for ever would keep all others from the portal
        logger.exception("walk failed", extra={"walk": walk.pk})
        _checkpoint(walk, state=Walk.State.FAILED, ended_at=Now(), reason=MISTAKE)
    return False


def _rests(walk: Walk) -> bool:
    """Whether nothing is to be read just now; the walk then says why."""
    portal = walk.portal
    if portal.state == Portal.State.REMOVED:
        _checkpoint(walk, state=Walk.State.CANCELLED, ended_at=Now(), reason=REMOVED)
    elif not (portal.connected and portal.account.connected):
        _checkpoint(walk, due_at=Now() + timedelta(seconds=REST_SECONDS), reason=RESTS)
    elif presence.catching_up(portal.account):
        _checkpoint(walk, due_at=Now() + timedelta(seconds=settings.SWEEP_SECONDS), reason=CATCHING_UP)
    else:
        return False
    return True


def _step(walk: Walk, learnupon: LearnUpon) -> bool:
    """One page; False when the walk has ended or is no longer ours."""
    if walk.kind == Walk.Kind.LINK:
        return _users_page(walk, learnupon)
    if not walk.courses_total and not _plan(walk, learnupon):
        return False
    # None left: that was the last page, also of a worker that died right after it.
    return _courses_page(walk, learnupon) if walk.courses else _finish(walk)


def _users_page(walk: Walk, learnupon: LearnUpon) -> bool:
    """Link the accounts of one page of the portal's user list."""
    page = learnupon.users(walk.page)
    counts = Counter(walk.counts) + linking.link_page(walk, learnupon, page.rows, Lane.BULK)
    walk.page, walk.counts, walk.rows_seen = walk.page + 1, dict(counts), walk.rows_seen + len(page.rows)
    walk.rows_linked = counts["linked"] + counts["linked_and_updated"] + counts["would_link"]
    kept = _checkpoint(
        walk,
        page=walk.page,
        counts=walk.counts,
        rows_seen=walk.rows_seen,
        rows_linked=walk.rows_linked,
        attempts=0,
        reason="",
    )
    return kept and (page.more or _finish(walk))


def _plan(walk: Walk, learnupon: LearnUpon) -> bool:
    """List the courses to walk: the portal's, and those that only live on in enrollments we hold."""
    course_list.refresh(walk.portal, learnupon)
    listed = {int(row["id"]) for row in learnupon.courses(every=True)}
    held = set(Enrollment.objects.filter(portal=walk.portal).values_list("course_id", flat=True).distinct())
    walk.courses = sorted(listed | held)
    walk.courses_total = len(walk.courses)
    if not walk.courses:
        return _finish(walk)
    return _checkpoint(walk, courses=walk.courses, courses_total=walk.courses_total, attempts=0)


def _courses_page(walk: Walk, learnupon: LearnUpon) -> bool:
    """Read one page, fold it and move on; False when the walk was paused, cancelled or taken over."""
    course_id = walk.courses[0]
    try:
        page = learnupon.enrollments_of_course(course_id, walk.page)
        more, rows, as_of = page.more, page.rows, page.as_of
    except NotFound:  # the course is gone at LearnUpon; its finished enrollments stay as they are
        more, rows, as_of = False, [], timezone.now()
    except Refused as refusal:
        return _skip(walk, course_id, refusal)
    if walk.page == 1:
        walk.course_as_of = as_of
    observations = [seen for row in rows if (seen := from_rest(row, as_of))]
    linked = enrollments.take(walk.portal, observations, bulk=True)
    if linked:
        nudger.wake(walk.account_id, Lane.BULK, "learners.push")
    walk.rows_seen, walk.rows_linked = walk.rows_seen + len(rows), walk.rows_linked + linked
    if more:
        walk.page += 1
    else:
        _find_missing(walk, learnupon, course_id)
        Course.objects.filter(portal=walk.portal, course_id=course_id).update(walked_at=Now())
        walk.courses, walk.page = walk.courses[1:], 1
    return _checkpoint(
        walk,
        courses=walk.courses,
        page=walk.page,
        course_as_of=walk.course_as_of,
        rows_seen=walk.rows_seen,
        rows_linked=walk.rows_linked,
        attempts=0,
        reason="",
    )


def _skip(walk: Walk, course_id: int, refusal: Refused) -> bool:
    """Go on with the next course: one that LearnUpon does not show must not keep those behind it from being read."""
    course = Course.objects.filter(portal=walk.portal, course_id=course_id).first()
    walk.unread[str(course_id)] = f"{course or f'Course {course_id}'}: {refusal.message}"[:200]
    if len(walk.unread) in (walk.courses_total, MOST_UNREAD):
        raise refusal
    walk.courses, walk.page = walk.courses[1:], 1
    changes = {"courses": walk.courses, "page": 1, "unread": walk.unread, "attempts": 0, "reason": ""}
    return _checkpoint(walk, **changes)


def _find_missing(walk: Walk, learnupon: LearnUpon, course_id: int) -> None:
    """Ask for the enrollments the course no longer lists, one by one: a list alone proves nothing, because LearnUpon
    answers a filter it does not know with something else."""
    unseen = Enrollment.objects.filter(
        portal=walk.portal, course_id=course_id, unenrolled=False, read_as_of__lt=walk.course_as_of,
        learner__state=Learner.State.ACTIVE,  # the others' rows are not read, so that they always look unseen
    ).order_by("read_as_of")[:MISSING_A_COURSE]  # fmt: skip
    for row in unseen:
        try:
            seen = from_rest(*learnupon.enrollment(row.enrollment_id))
        except NotFound:
            # Perhaps the account is gone with it: the next comparison asks LearnUpon. This comes first, because no walk
            # comes back to an enrollment that is marked.
            Learner.objects.filter(pk=row.learner_id).update(fingerprint="", checked_at=None)
            Enrollment.objects.filter(pk=row.pk, version=row.version).update(
                unenrolled=True,
                version=F("version") + 1,
                changed_at=Now(),
                due_at=Now(),
                read_as_of=walk.course_as_of,
            )
        except Refused:  # proves nothing; the next walk asks again
            continue
        else:
            enrollments.take(walk.portal, [seen] if seen else [], bulk=True)


def _checkpoint(walk: Walk, **changes: object) -> bool:
    """Write progress down while the walk is still ours."""
    return bool(Walk.objects.filter(pk=walk.pk, claim=walk.claim, state=Walk.State.RUNNING).update(**changes))


def _finish(walk: Walk) -> bool:
    """Write down that the walk is over; False, because there is nothing more to do."""
    if _checkpoint(walk, state=Walk.State.DONE, ended_at=Now(), due_at=None) and walk.kind != Walk.Kind.LINK:
        Portal.objects.filter(pk=walk.portal_id).update(last_walk_at=Now())
    return False


def read_learners(portal: Portal, most: int = 50) -> int:
    """Fetch the enrollments of learners who were just linked, one call each."""
    due = list(
        Learner.objects.filter(portal=portal, read_due_at__lte=Now(), state=Learner.State.ACTIVE).order_by(
            "read_due_at"
        )[:most]
    )
    learnupon = LearnUpon(portal, Lane.LIVE)
    for learner in due:
        # As it was read: who is made due again meanwhile stays due.
        still = Learner.objects.filter(pk=learner.pk, read_due_at=learner.read_due_at)
        try:
            _read_learner(learnupon, portal, learner)
            still.update(read_due_at=None, read_attempts=0)
        except (TryAgain, Refused) as error:  # whoever cannot be read makes room for the others
            attempts = learner.read_attempts + int(error.counts)
            later = Now() + timedelta(seconds=retries.READ.wait(attempts, error))
            still.update(read_due_at=later, read_attempts=attempts)
            if isinstance(error, TryAgain) and error.counts:  # LearnUpon is in trouble: no more of it now
                raise
    if due:
        nudger.wake(portal.account_id, Lane.LIVE, "learners.push")
    return len(due)


def _read_learner(learnupon: LearnUpon, portal: Portal, learner: Learner) -> None:
    if learner.queued_courses:
        with claims.held(learner) as mine:
            training.enroll_queued(learnupon, mine)
    page = learnupon.enrollments_of_user(int(learner.learnupon_user_id or 0))
    enrollments.take(portal, [seen for row in page.rows if (seen := from_rest(row, page.as_of))])
