"""A worker that dies, or whose database does, between any two statements: what it left is taken up where it stood."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.db.models.functions import Now
from django.utils import timezone

from gdpr import steps
from gdpr.models import Erasure, ErasureStep
from learners import enrollments, links, push, push_rows, walks
from learners.models import Enrollment, Learner, Walk
from tests.flows.stage import Stage
from tests.flows.test_erasure import delete_privately
from tests.flows.test_push import linked, seen, tied_to
from tests.flows.test_walks import MARIA, link, walk_on

GONE = """
CREATE FUNCTION gone() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the server is shutting down' USING ERRCODE = '57P01'; END $$
"""


@contextmanager
def database_gone_at(table: str, when: str = "INSERT OR UPDATE", which: str = "STATEMENT") -> Iterator[None]:
    """The next change of this table finds the database gone; or only a change of a `ROW WHEN (…)`."""
    with connection.cursor() as cursor:
        cursor.execute(GONE)
        cursor.execute(
            f"CREATE TRIGGER gone BEFORE {when} ON {table} FOR EACH {which} EXECUTE FUNCTION gone()"
        )
    try:
        with pytest.raises(OperationalError):
            yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION gone CASCADE")


def test_a_walk_that_died_after_its_last_page_ends(stage: Stage) -> None:
    """Would catch: a portal that is never checked again, because its last check runs for ever."""
    link(stage, MARIA)
    walk = walks.start(stage.portals["acme"])
    Walk.objects.filter(pk=walk.pk).update(courses_total=3, courses=[])
    stage.work()
    walk.refresh_from_db()
    assert (walk.state, walk.due_at) == ("done", None)


def test_a_worker_that_dies_over_a_vanished_enrollment_forgets_no_half_of_it(stage: Stage) -> None:
    """Would catch: a learner whose account is gone and of whom nobody asks LearnUpon any more."""
    maria = link(stage, MARIA, stage.contact(MARIA))
    walks.start(stage.portals["acme"])
    stage.work()
    rows = stage.world("enrollments", portal="acme", user_id=maria.learnupon_user_id)
    acme = stage.worlds.sandbox.worlds.learnupon.portals["acme"]
    stage.worlds.do(acme.drop_enrollment, acme.enrollments[rows[0]["id"]])
    Learner.objects.update(checked_at=Now())
    Enrollment.objects.update(read_as_of=timezone.now() - timedelta(hours=1))
    walk = walks.start(stage.portals["acme"])
    with database_gone_at("learners_learner"):
        walk_on(walk)
    assert walk_on(walk)
    maria.refresh_from_db()
    assert Enrollment.objects.get(enrollment_id=rows[0]["id"]).unenrolled
    assert maria.checked_at is None


def test_pausing_is_all_or_nothing(stage: Stage) -> None:
    learner = linked(stage)
    enrollments.take(learner.portal, [seen(1)])
    with database_gone_at("learners_enrollment"):
        links.pause(Learner.objects.filter(pk=learner.pk), links.DELETED)
    learner.refresh_from_db()
    assert learner.state == "active"


def test_resuming_is_all_or_nothing(stage: Stage) -> None:
    """Would catch: what changed during the pause is due nowhere, for ever."""
    learner = linked(stage)
    enrollments.take(learner.portal, [seen(1)])
    theirs = Learner.objects.filter(pk=learner.pk)
    links.pause(theirs, links.DELETED)
    with database_gone_at("learners_enrollment"):
        links.resume(theirs)
    assert theirs.get().state == "paused"
    links.resume(theirs)
    assert Enrollment.objects.get().due_at is not None


def test_an_association_owed_at_the_pause_is_owed_after_it(stage: Stage) -> None:
    """HubSpot refuses to tie to a record that was deleted a moment ago; restored, it has its courses again."""
    learner = linked(stage)
    enrollments.take(learner.portal, [seen(1)])
    stage.fault("hubspot", "/associations/", "status", status=503, when="before")
    stage.work()
    theirs = Learner.objects.filter(pk=learner.pk)
    links.pause(theirs, links.DELETED)
    stage.later(hours=1)
    assert tied_to(stage, learner.record_id) == 0
    links.resume(theirs)
    stage.work()
    assert tied_to(stage, learner.record_id) == 1


@pytest.mark.parametrize("cut", ["paused", "unlinked"])
def test_rows_in_hand_do_not_flow_again_once_the_link_is_cut(stage: Stage, cut: str) -> None:
    """The push had them claimed, and gives them back after the cut."""
    learner = linked(stage)
    enrollments.take(learner.portal, [seen(1)])
    claimed = push_rows.claim(learner.account, 100, bulk=False)
    if cut == "paused":
        links.pause(Learner.objects.filter(pk=learner.pk), links.DELETED)
    else:
        links.unlink(learner, "Unlinked by an admin")
    push_rows.release(claimed, 0.0)
    stage.work()
    assert stage.records() == []


def test_an_erasure_cut_short_after_its_last_step_ends(stage: Stage) -> None:
    """Would catch: a receipt that says "under way" for ever, with nothing left to be done."""
    learner = linked(stage)
    enrollments.take(learner.portal, [seen(1)])
    stage.work()
    stage.fault("hubspot", "/batch/(update|archive)", "status", status=503, times=1)
    delete_privately(stage, learner.record_id)
    ErasureStep.objects.filter(done_at=None).update(due_at=Now())
    with database_gone_at("gdpr_erasure"):
        steps.run(learner.account)
    assert Erasure.objects.get().state == "running"
    for _ in range(2):
        stage.later(hours=1)
    assert Erasure.objects.get().state == "done"
    assert stage.records() == []


def test_retrying_all_leaves_paused_and_unlinked_people_alone(stage: Stage) -> None:
    learner = linked(stage)
    enrollments.take(learner.portal, [seen(1)])
    Enrollment.objects.update(due_at=None, parked_reason="HubSpot refused it.")
    links.pause(Learner.objects.filter(pk=learner.pk), links.DELETED)
    assert push.retry(learner.account) == 0
    stage.work()
    assert stage.records() == []
    links.resume(Learner.objects.filter(pk=learner.pk))
    assert Enrollment.objects.filter(due_at__lte=Now()).exists()


def test_a_walk_our_own_code_fails_on_ends_and_says_so(stage: Stage) -> None:
    """Would catch: a portal that is never checked again, because one page breaks its walk for ever."""
    page = {"user": [{"email": MARIA}]}  # an account without a number
    stage.fault("learnupon", "/users$", "status", status=200, body=page, times=100)
    walk = walks.start(stage.portals["acme"], Walk.Kind.LINK)
    stage.work()
    walk.refresh_from_db()
    assert (walk.state, walk.reason) == ("failed", walks.MISTAKE)
