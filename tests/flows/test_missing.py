"""Enrollments that LearnUpon no longer lists: asked for one by one, and only what is really gone leaves HubSpot."""

from datetime import timedelta

from django.db.models import F

from learners import walks
from learners.models import Enrollment, Learner
from tests.flows.stage import Row, Stage
from tests.flows.test_training import linked

MARIA, YUKI = "maria.lopez@acme.example", "yuki.tanaka@acme.example"


def walk(stage: Stage) -> None:
    """LearnUpon tells the time in whole seconds: what was read before was read a while ago."""
    Enrollment.objects.update(read_as_of=F("read_as_of") - timedelta(minutes=15))
    walks.start(stage.portals["acme"])
    stage.later(seconds=1)


def theirs(stage: Stage, *statuses: str) -> list[Row]:
    """Maria's enrollments at LearnUpon with one of these states."""
    user = Learner.objects.get(email=MARIA).learnupon_user_id
    rows = stage.world("enrollments", portal="acme", user_id=user)
    return [row for row in rows if row["status"] in statuses]


def drop(stage: Stage, number: int) -> None:
    """Deleted at LearnUpon with its history, without a word."""
    portal = stage.worlds.sandbox.worlds.learnupon.portals["acme"]
    stage.worlds.do(portal.drop_enrollment, portal.enrollments[number])


def keys(stage: Stage) -> set[str]:
    return {row["properties"]["enrollment_key"] for row in stage.records()}


def test_deleted_at_learnupon_the_unfinished_is_archived_and_the_finished_kept(stage: Stage) -> None:
    linked(stage)
    walk(stage)
    unfinished, finished = theirs(stage, "not_started")[0]["id"], theirs(stage, "passed")[0]["id"]
    before = keys(stage)
    drop(stage, unfinished)
    drop(stage, finished)
    walk(stage)
    assert before - keys(stage) == {f"1:{unfinished}"}
    assert not Enrollment.objects.filter(enrollment_id=unfinished).exists()
    (kept,) = [row for row in stage.records() if row["properties"]["enrollment_key"] == f"1:{finished}"]
    assert (kept["properties"]["status"], kept["properties"]["result"]) == ("completed", "passed")
    asked = len(stage.calls_to("learnupon", f"/enrollments/{finished}"))
    walk(stage)
    assert len(stage.calls_to("learnupon", f"/enrollments/{finished}")) == asked  # known, not asked again


def test_not_listed_but_still_there_is_kept(stage: Stage) -> None:
    """A list alone proves nothing: LearnUpon answers what it does not understand with something else."""
    linked(stage)
    walk(stage)
    before = keys(stage)
    row = theirs(stage, "not_started")[0]
    portal = stage.worlds.sandbox.worlds.learnupon.portals["acme"]
    enrollment = portal.enrollments[row["id"]]
    stage.worlds.do(portal.by_course[row["course_id"]].pop, row["id"])
    stage.worlds.do(setattr, enrollment, "percentage_complete", 12)
    walk(stage)
    assert keys(stage) == before
    known = Enrollment.objects.get(enrollment_id=row["id"])
    assert (known.unenrolled, known.progress_percent) == (False, 12)


def test_an_outage_while_asking_takes_nothing_away(stage: Stage) -> None:
    linked(stage)
    walk(stage)
    before = keys(stage)
    gone = theirs(stage, "not_started")[0]["id"]
    drop(stage, gone)
    stage.fault("learnupon", f"/enrollments/{gone}$", "status", status=503, times=3)
    walk(stage)
    assert keys(stage) == before
    for _ in range(4):
        stage.later(minutes=5)
    assert before - keys(stage) == {f"1:{gone}"}


def test_another_portal_s_enrollment_with_the_same_number_stays(stage: Stage) -> None:
    """Numbers are a portal's own: what acme lost, acme-partners keeps."""
    linked(stage)
    walk(stage)
    gone = theirs(stage, "not_started")[0]["id"]
    partners = stage.portals["acme-partners"]
    learner = Learner.objects.create(
        account=partners.account, portal=partners, record_type="contact", record_id=stage.contact(MARIA),
        state="active", learnupon_user_id=1, checked_at=Learner.objects.get().checked_at,
    )  # fmt: skip
    Enrollment.objects.create(
        account=partners.account, portal=partners, learner=learner, enrollment_id=gone, course_id=7,
        course_name="C", due_at=None,
    )  # fmt: skip
    drop(stage, gone)
    walk(stage)
    assert list(Enrollment.objects.filter(enrollment_id=gone).values_list("portal_id", flat=True)) == [
        partners.pk
    ]
