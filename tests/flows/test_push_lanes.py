"""News and bulk in one account's push: what a person waits for never stands behind a history."""

from datetime import UTC, datetime

import pytest

from learners import enrollments, push, push_rows
from learners.models import Enrollment
from learners.push_rows import Due
from portals.models import Course
from tests.flows.stage import GLOBEX, Stage
from tests.flows.test_push import by_key, linked, seen, upserts

HISTORY = range(1, 251)


def order(stage: Stage) -> list[str]:
    """The keys in the order in which HubSpot made their records."""
    return [key for key, row in sorted(by_key(stage).items(), key=lambda pair: int(pair[1]["id"]))]


def test_twenty_events_about_one_enrollment_become_one_write(stage: Stage) -> None:
    ours, theirs = linked(stage), linked(stage, "hank.scorpio@globex.example", "globex")
    for number in range(20):
        for learner in (ours, theirs):
            enrollments.take(learner.portal, [seen(1, minutes=number, progress_percent=float(number))])
    stage.work()
    assert upserts(stage) == 2  # one for each account
    assert by_key(stage)["1:1"]["properties"]["progress_percent"] == "19"
    assert set(Enrollment.objects.values_list("version", "pushed_version")) == {(20, 20)}


def test_the_live_lane_leaves_the_history_alone(stage: Stage) -> None:
    learner = linked(stage)
    enrollments.take(learner.portal, [seen(number) for number in HISTORY], bulk=True)
    enrollments.take(learner.portal, [seen(999)])
    assert push.push(learner.account, "live") is None
    assert set(by_key(stage)) == {"1:999"}
    assert push.push(learner.account, "bulk") is None
    assert len(stage.records()) == 251
    assert not Enrollment.objects.filter(bulk=True).exists()


def test_news_overtakes_the_history_of_its_own_account(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both what was there before the turn and what comes in its middle."""
    learner = linked(stage)
    enrollments.take(learner.portal, [seen(number) for number in HISTORY], bulk=True)
    enrollments.take(learner.portal, [seen(999)])
    monkeypatch.setattr(push, "FLIGHTS", 1)
    settle, called = push._settle, []

    def landed(turn: push.Turn, rows: list[Due], lane: str) -> None:
        called.append(lane)
        if called == ["live", "bulk"]:
            enrollments.take(learner.portal, [seen(1000)])
        settle(turn, rows, lane)

    monkeypatch.setattr(push, "_settle", landed)
    assert push.push(learner.account, "bulk") is None
    assert order(stage)[0] == "1:999"
    assert order(stage).index("1:1000") <= 1 + 2 * 100
    assert len(stage.records()) == 252


def test_what_waits_as_news_stays_news_and_the_other_way_round_becomes_news(stage: Stage) -> None:
    learner = linked(stage)
    enrollments.take(learner.portal, [seen(1)])
    enrollments.take(learner.portal, [seen(2)], bulk=True)
    enrollments.take(learner.portal, [seen(1, minutes=1, progress_percent=5.0)], bulk=True)
    enrollments.take(learner.portal, [seen(2, minutes=1, progress_percent=5.0)])
    assert set(Enrollment.objects.values_list("enrollment_id", "bulk")) == {(1, False), (2, False)}
    stage.work()
    enrollments.take(learner.portal, [seen(1, minutes=2, progress_percent=6.0)], bulk=True)
    assert Enrollment.objects.get(enrollment_id=1).bulk


def test_the_sweep_finds_each_lane_of_each_account(stage: Stage) -> None:
    ours, theirs = linked(stage), linked(stage, "hank.scorpio@globex.example", "globex")
    enrollments.take(ours.portal, [seen(1)], bulk=True)
    enrollments.take(ours.portal, [seen(2)])
    enrollments.take(theirs.portal, [seen(1), seen(2)], bulk=True)
    one, other = ours.account_id, theirs.account_id
    assert set(push_rows.lanes_due()) == {(one, "live"), (one, "bulk"), (other, "bulk")}
    Enrollment.objects.filter(account=one).update(due_at=datetime(9999, 1, 1, tzinfo=UTC))
    assert push_rows.lanes_due() == [(other, "bulk")]


def test_a_course_that_webhooks_do_not_name_is_named_from_the_list(stage: Stage) -> None:
    """Known to the list, looked for once where it is not, and never another tenant's."""
    ours, theirs = linked(stage), linked(stage, "hank.scorpio@globex.example", "globex")
    Course.objects.create(portal=theirs.portal, course_id=5, name="Not ours")
    enrollments.take(ours.portal, [seen(1, course_name="")])
    enrollments.take(theirs.portal, [seen(1, course_name="")])
    stage.work()
    names = {row["properties"]["course_name"] for row in stage.records(GLOBEX)}
    assert names == {"Not ours"}
    assert by_key(stage)["1:1"]["properties"]["course_name"] == "Course 5"
    assert len(stage.calls_to("learnupon", "/courses")) == 1
    assert Enrollment.objects.get(portal=theirs.portal).course_name == "Not ours"
