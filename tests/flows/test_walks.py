"""Reading a portal's enrollments: page by page, resumable, stoppable, and quiet about people who are not linked."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from django.utils import timezone
from django.utils.html import escape

from learners import tasks, walks
from learners.models import Enrollment, Learner, Walk
from portals import connecting
from portals.clients.errors import TryAgain
from portals.models import Portal
from tests.conftest import signed_in
from tests.flows.stage import ACME, Stage

MARIA, YUKI = "maria.lopez@acme.example", "yuki.tanaka@acme.example"


def link(stage: Stage, email: str, record_id: str = "4242", portal: str = "acme") -> Learner:
    """Somebody who is in LearnUpon already, linked without a word to LearnUpon."""
    user = stage.user(email, portal)
    assert user is not None
    where = stage.portals[portal]
    return Learner.objects.create(
        account=where.account, portal=where, record_type="contact", record_id=record_id, state="active",
        learnupon_user_id=user["id"], email=email, checked_at=timezone.now(),
    )  # fmt: skip


def pages(stage: Stage) -> int:
    return len(stage.calls_to("learnupon", "/enrollments/search"))


def walk_on(walk: Walk) -> bool:
    """One turn of a worker; whether it took the walk."""
    Walk.objects.filter(pk=walk.pk).update(due_at=timezone.now())
    taken = walks.claim(walk.pk)
    if taken:
        walks.run(taken)
    return taken is not None


def test_a_walk_brings_in_the_linked_and_nobody_else(stage: Stage) -> None:
    maria = link(stage, MARIA, stage.contact(MARIA))
    walk = walks.start(stage.portals["acme"])
    stage.work()
    walk.refresh_from_db()
    there = stage.world("enrollments", portal="acme")
    hers = {row["id"] for row in there if row["user_id"] == maria.learnupon_user_id}
    assert (walk.state, walk.rows_seen, walk.rows_linked) == ("done", len(there), len(hers))
    assert set(Enrollment.objects.values_list("enrollment_id", flat=True)) == hers
    assert len(stage.records()) == len(hers)
    finished = next(row for row in there if row["id"] in hers and row["status"] == "passed")
    row = Enrollment.objects.get(enrollment_id=finished["id"])
    assert (row.status, row.result, row.score_percent) == ("completed", "passed", finished["percentage"])
    assert Portal.objects.get(subdomain="acme").last_walk_at is not None


def test_a_walk_reads_every_page_and_goes_on_where_it_stopped(stage: Stage) -> None:
    seeded = {"portal": "acme", "users": 1200, "courses": 1, "enrollments": 1200}
    stage.control("POST", "seed-bulk", seeded)
    link(stage, MARIA)
    walk = walks.start(stage.portals["acme"])
    stage.fault("learnupon", "/enrollments/search", "status", status=503, times=1000, rate=0.3)
    for _ in range(60):
        if Walk.objects.get(pk=walk.pk).state == "done":
            break
        walk_on(walk)
    walk.refresh_from_db()
    total = len(stage.world("enrollments", portal="acme"))
    assert (walk.state, walk.rows_seen) == ("done", total)
    courses = walk.courses_total
    answered = [row for row in stage.calls_to("learnupon", "/enrollments/search") if row["status"] == 200]
    assert len(answered) <= courses + total // 500 + 3  # nothing was read twice


def test_a_crashed_worker_s_walk_is_taken_over_and_its_late_word_ignored(stage: Stage) -> None:
    link(stage, MARIA)
    walk = walks.start(stage.portals["acme"])
    dead = walks.claim(walk.pk)
    assert dead is not None
    assert walks.claim(walk.pk) is None  # claimed is claimed
    assert walk_on(walk)  # after the claim's end
    before = pages(stage)
    dead.courses, dead.courses_total = [1], 1
    walks.run(dead)
    assert pages(stage) <= before + 1
    assert Walk.objects.get(pk=walk.pk).state == "done"
    assert Walk.objects.get(pk=walk.pk).courses == []


def test_pause_resume_and_cancel(stage: Stage) -> None:
    link(stage, MARIA)
    walk = walks.start(stage.portals["acme"])
    running = walks.claim(walk.pk)
    assert running is not None
    walks.pause(walk)
    walks.run(running)  # it notices at its next checkpoint
    assert Walk.objects.get(pk=walk.pk).state == "paused"
    assert pages(stage) <= 1
    stage.work()
    assert pages(stage) <= 1
    walks.resume(walk)
    stage.work()
    assert Walk.objects.get(pk=walk.pk).state == "done"
    second = walks.start(stage.portals["acme"])
    walks.cancel(second)
    stage.work()
    walks.resume(second)
    assert Walk.objects.get(pk=second.pk).state == "cancelled"
    assert Enrollment.objects.exists()  # what was read stays


def test_a_walk_rests_while_its_portal_is_paused_and_ends_when_it_is_removed(stage: Stage) -> None:
    """Would catch: a history that goes on reading a portal from which no data is to flow."""
    link(stage, MARIA)
    portal = stage.portals["acme"]
    walk = walks.start(portal)
    connecting.pause(portal)
    assert walk_on(walk)
    walk.refresh_from_db()
    assert (walk.state, walk.reason, pages(stage)) == ("running", walks.RESTS, 0)
    connecting.resume(portal)
    stage.later(minutes=2)
    walk.refresh_from_db()
    assert (walk.state, walk.reason) == ("done", "")
    before, second = pages(stage), walks.start(portal)
    connecting.remove(portal)
    stage.work()
    second.refresh_from_db()
    assert (second.state, second.reason, pages(stage)) == ("cancelled", walks.REMOVED, before)


def test_a_portal_has_one_walk_at_a_time(stage: Stage) -> None:
    first = walks.start(stage.portals["acme"], Walk.Kind.POLL)
    assert walks.start(stage.portals["acme"], Walk.Kind.HISTORY).pk == first.pk
    assert walks.start(stage.portals["globex"]).pk != first.pk


def test_a_course_that_is_gone_does_not_stop_the_walk_and_loses_nothing(stage: Stage) -> None:
    maria = link(stage, MARIA, stage.contact(MARIA))
    orphan = Enrollment.objects.create(
        account=maria.account, portal=maria.portal, learner=maria, enrollment_id=999_999, course_id=888_888,
        course_name="A course of old", status="completed", result="passed", completed_at=datetime(2024, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    walk = walks.start(stage.portals["acme"])
    stage.work()
    walk.refresh_from_db()
    assert walk.state == "done"
    orphan.refresh_from_db()
    assert (orphan.status, orphan.unenrolled) == ("completed", False)
    assert "A course of old" in {row["properties"]["course_name"] for row in stage.records()}


def test_a_course_learnupon_refuses_is_passed_over_and_said(stage: Stage) -> None:
    """Would catch: one course that fails every walk at the same place, so that those behind it are never read."""
    maria = link(stage, MARIA, stage.contact(MARIA))
    there = stage.world("enrollments", portal="acme")
    hers = {row["course_id"] for row in there if row["user_id"] == maria.learnupon_user_id}
    first = min(row["id"] for row in stage.world("courses", portal="acme"))
    stage.fault(
        "learnupon", "/enrollments/search", "status", status=403
    )  # the first call, for the first course
    walk = walks.start(stage.portals["acme"])
    stage.work()
    walk.refresh_from_db()
    assert (walk.state, walk.reason, list(walk.unread)) == ("done", "", [str(first)])
    assert set(Enrollment.objects.values_list("course_id", flat=True)) == hers - {first}
    page = signed_in(stage.accounts[ACME]).get(f"/portals/{walk.portal_id}/backfill").content.decode()
    assert "1 course could not be read" in page
    assert escape(walk.unread[str(first)]) in page


def test_a_portal_that_refuses_every_course_ends_the_walk(stage: Stage) -> None:
    link(stage, MARIA)
    stage.fault("learnupon", "/enrollments/search", "status", status=403, times=1000)
    walk = walks.start(stage.portals["acme"])
    stage.work()
    walk.refresh_from_db()
    assert walk.state == "failed"
    assert walk.reason == "LearnUpon said: a fault"


def test_an_orphaned_course_lives_on_by_its_enrollments(stage: Stage) -> None:
    """LearnUpon lists a deleted course no more, but its enrollments can still be read."""
    maria = link(stage, MARIA, stage.contact(MARIA))
    stage.work()
    walks.start(stage.portals["acme"])
    stage.work()
    row = Enrollment.objects.filter(learner=maria).first()
    assert row is not None
    portal = stage.worlds.sandbox.worlds.learnupon.portals["acme"]
    course = stage.worlds.do(portal.courses.pop, row.course_id)
    stage.worlds.do(setattr, portal.enrollments[row.enrollment_id], "percentage_complete", 77)
    walks.start(stage.portals["acme"])
    stage.work()
    row.refresh_from_db()
    assert row.progress_percent == 77
    assert row.course_name == course.name


def test_the_withdrawn_leave_hubspot_and_the_finished_stay(stage: Stage) -> None:
    maria = link(stage, MARIA, stage.contact(MARIA))
    walks.start(stage.portals["acme"])
    stage.work()
    rows = stage.world("enrollments", portal="acme", user_id=maria.learnupon_user_id)
    before = len(rows)
    unfinished = next(row for row in rows if row["status"] == "not_started")
    finished = next(row for row in rows if row["status"] == "passed")
    enrollments = stage.worlds.sandbox.worlds.learnupon.portals["acme"].enrollments
    for row in (unfinished, finished):
        stage.worlds.do(setattr, enrollments[row["id"]], "unenrolled", True)
    walks.start(stage.portals["acme"])
    stage.later(seconds=1)
    keys = {row["properties"]["enrollment_key"] for row in stage.records()}
    assert len(keys) == before - 1
    assert f"1:{finished['id']}" in keys
    assert f"1:{unfinished['id']}" not in keys


def test_dead_keys_end_the_walk_once_and_are_said(stage: Stage) -> None:
    """A poll that fails must not be begun again by every sweep."""
    link(stage, MARIA)
    Portal.objects.filter(subdomain="acme").update(api_secret="revoked")
    stage.later(hours=1)
    for _ in range(5):
        tasks.sweep()
    portal = Portal.objects.get(subdomain="acme")
    assert portal.state == "disconnected"
    assert Walk.objects.filter(portal=portal).count() <= 1


def test_a_walk_that_failed_or_was_cancelled_is_not_begun_again_at_once(stage: Stage) -> None:
    link(stage, MARIA)
    stage.fault("learnupon", "/courses", "status", status=403, times=1000)
    stage.later(hours=1)
    for _ in range(5):
        tasks.sweep()
    assert Walk.objects.get().state == "failed"
    stage.mend()
    stage.later(hours=1)
    assert Walk.objects.count() == 2
    assert Walk.objects.latest("pk").state == "done"


def test_polls_keep_their_distance(stage: Stage) -> None:
    link(stage, MARIA)
    stage.later(hours=1)
    assert Walk.objects.count() == 1
    for _ in range(3):
        stage.later(minutes=4)
    assert Walk.objects.count() == 1
    stage.later(minutes=4)
    assert Walk.objects.count() == 2
    assert Walk.objects.filter(portal__subdomain="globex").count() == 0  # nobody to check there


def test_a_just_linked_learner_s_progress_comes_in_one_call(stage: Stage) -> None:
    stage.add(stage.contact(MARIA))
    assert pages(stage) == 1
    assert len(stage.records()) == 3


def test_a_filter_learnupon_ignores_does_not_mix_people(stage: Stage) -> None:
    """LearnUpon answers a filter it does not know with everybody's enrollments."""
    maria, yuki = stage.contact(MARIA), stage.new_contact(email=YUKI)
    stage.add(maria, yuki)
    users = {email: stage.user(email) for email in (MARIA, YUKI)}
    for row in Enrollment.objects.select_related("learner"):
        user = users[row.learner.email]
        assert user is not None
        assert row.learner.learnupon_user_id == user["id"]
    assert len(stage.records()) == 5


def test_what_is_asked_for_singly_is_as_of_learnupon_s_clock(stage: Stage) -> None:
    """Ours may be minutes ahead, and would make old news of what LearnUpon says meanwhile. Its `Date` has no parts of
    a second."""
    maria = link(stage, MARIA, stage.contact(MARIA))
    walks.start(stage.portals["acme"])
    stage.work()
    row = Enrollment.objects.filter(learner=maria).order_by("course_id")[0]
    enrollments = stage.worlds.sandbox.worlds.learnupon.portals["acme"].enrollments
    elsewhere = next(e.course for e in enrollments.values() if e.course.id > row.course_id)
    stage.worlds.do(setattr, enrollments[row.enrollment_id], "course", elsewhere)  # no longer where it was
    long_ago = timezone.now() - timedelta(days=1)
    Enrollment.objects.update(read_as_of=long_ago)
    walks.start(stage.portals["acme"])
    stage.work()
    row.refresh_from_db()
    assert row.read_as_of is not None
    assert row.read_as_of > long_ago
    assert row.read_as_of.microsecond == 0


def about(rungs: tuple[int, ...], waits: list[float]) -> bool:
    return all(rung * 0.9 < wait < rung * 1.25 for rung, wait in zip(rungs, waits, strict=True))


def test_a_page_that_cannot_be_read_is_asked_for_less_and_less_often(stage: Stage) -> None:
    """Would catch: a course that LearnUpon always fails on, asked for every 15 seconds for ever."""
    walk = walks.start(stage.portals["acme"])
    stage.fault("learnupon", "/enrollments/search", "status", status=503, times=1000)
    waits = []
    for _ in range(7):
        stage.fresh_limits()  # other calls are answered, so that the breaker does not open
        assert walk_on(walk)
        walk.refresh_from_db()
        assert walk.due_at
        waits.append((walk.due_at - timezone.now()).total_seconds())
    assert about((15, 45, 120, 300, 900, 900, 900), waits)
    stage.mend()
    stage.fresh_limits()
    stage.later(minutes=18)
    walk.refresh_from_db()
    assert (walk.state, walk.attempts) == ("done", 0)


def test_a_learner_who_cannot_be_read_is_asked_for_less_and_less_often(stage: Stage) -> None:
    """Would catch: ten thousand learners whom LearnUpon refuses, each asked for every 45 seconds for ever."""
    maria = link(stage, MARIA)
    for status, rungs in ((503, (45, 120, 300)), (400, (900, 1800, 3600, 7200, 14_400, 14_400))):
        stage.mend()
        stage.fault("learnupon", "/enrollments/search", "status", status=status, times=1000)
        waits = []
        for _ in rungs:
            stage.fresh_limits()
            Learner.objects.update(read_due_at=timezone.now())
            with suppress(TryAgain):
                walks.read_learners(stage.portals["acme"])
            maria.refresh_from_db()
            assert maria.read_due_at
            waits.append((maria.read_due_at - timezone.now()).total_seconds())
        assert about(rungs, waits)
    stage.mend()
    stage.later(hours=5)
    maria.refresh_from_db()
    assert (maria.read_due_at, maria.read_attempts) == (None, 0)
