"""LearnUpon's allowance against the real Redis: a third of the highest seen is left to the customer."""

import time
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from portals.clients import limiter, pace
from portals.clients.errors import TryAgain
from portals.clients.http import Answer
from portals.clients.pace import ASSUMED_MINUTE, KEEP_FREE, MINUTE, WEEK
from portals.lanes import Lane

ACME, GLOBEX = "acme.learnupon.com", "globex.learnupon.com"

pytestmark = pytest.mark.usefixtures("clean_limiter")


def answered(minute: object = None, week: object = None, host: str = ACME) -> None:
    given = {MINUTE: minute, WEEK: week}
    pace.report(host, Answer(200, {k: str(v) for k, v in given.items() if v is not None}, b""))


def take(lane: str = Lane.ACTIONS, host: str = ACME) -> float:
    """Seconds to wait, 0 when the call may be made."""
    try:
        pace.take(host, lane)
    except TryAgain as error:
        return error.after
    return 0.0


def age(seconds: float, *names: str) -> None:
    """Let time pass for what was noted."""
    for name in names:
        limiter.store().hincrby(f"pace:{ACME}", name, -int(seconds))
    calls = f"pace:{ACME}:calls"
    made: Any = limiter.store().zrange(calls, 0, -1, withscores=True)
    for member, at in made:
        limiter.store().zadd(calls, {member: at - seconds * 1e6})


def calls_until_stopped(lane: str, remaining: int, host: str = ACME) -> int:
    """Calls made while LearnUpon counts down from `remaining` and says so."""
    made = 0
    while not take(lane, host):
        remaining -= 1
        made += 1
        answered(minute=remaining, host=host)
    return made


@hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(allowance=st.integers(3, 600), lane=st.sampled_from(list(Lane)))
def test_a_share_of_any_allowance_is_left_free(allowance: int, lane: Lane) -> None:
    """Also of one smaller than what is assumed before the first answer: it must not stop us for good."""
    limiter.store().delete(f"pace:{ACME}", f"pace:{ACME}:calls")
    assert take() == 0
    answered(minute=allowance)
    made = calls_until_stopped(lane, allowance)
    assert allowance - made <= allowance * KEEP_FREE[lane] < allowance - made + 1


def test_a_third_is_left_and_bulk_stops_before_live_before_actions() -> None:
    assert KEEP_FREE[Lane.ACTIONS] == pytest.approx(1 / 3)
    assert take() == 0
    answered(minute=300)
    assert calls_until_stopped(Lane.BULK, 300) == 150
    assert calls_until_stopped(Lane.LIVE, 150) == 30
    assert calls_until_stopped(Lane.ACTIONS, 120) == 20
    assert take() > 0


def test_before_the_first_answer_the_assumed_allowance_is_kept() -> None:
    made = 0
    while not take():
        made += 1
    assert made == pytest.approx(ASSUMED_MINUTE * 2 / 3, abs=1)


def test_the_next_minute_starts_anew() -> None:
    take()
    answered(minute=300)
    answered(minute=10)
    assert 0 < take() <= 60
    age(61, "minute:at")
    assert take() == 0


def test_the_new_minute_is_as_large_as_the_highest_seen_not_as_assumed() -> None:
    take()
    answered(minute=30)
    age(61, "minute:at")
    made = 0
    while not take():
        made += 1
    assert made == 20


def test_what_other_programs_use_counts() -> None:
    take()
    answered(minute=300)
    answered(minute=99)
    assert take() > 0


def test_an_older_answer_that_arrives_late_does_not_raise_what_is_left() -> None:
    take()
    answered(minute=300)
    answered(minute=99)
    answered(minute=250)
    assert take() > 0


@pytest.mark.parametrize("rolls", [True, False])
def test_the_share_is_used_all_the_time_whether_the_minute_rolls_or_begins_anew(*, rolls: bool) -> None:
    """Would catch: a rolling minute's report taken for a whole minute's, so that every second minute is idle. Five
    minutes in steps of five seconds, in each as many calls of a history as may be."""
    theirs: list[int] = []
    for second in range(0, 300, 5):
        while not take(Lane.BULK):
            theirs.append(second)
            since = second - 60 if rolls else second // 60 * 60 - 1
            used = sum(one > since for one in theirs)
            assert 300 - used >= 149
            answered(minute=300 - used)
        age(5, "minute:at")
    assert len(theirs) >= 5 * 140


def test_a_raised_allowance_counts_at_once() -> None:
    """Else the little that was left of the smaller one would be too little of the larger one, and all would wait."""
    take()
    answered(minute=290)
    answered(minute=6000)
    assert take() == 0


def test_the_week_is_kept_too_and_asked_again_after_an_hour() -> None:
    answered(week=9000)
    assert take() == 0
    answered(week=3000)
    assert 3500 < take() <= 3600
    assert take(host=GLOBEX) == 0
    age(3601, "week:at")
    assert take() == 0
    answered(week=9000)
    assert take() == 0


def test_a_lowered_week_stops_the_portal_for_eight_days_at_most() -> None:
    """Would catch: everything of a portal stopped for ever, because LearnUpon gives it a fourth of what it had."""
    answered(week=9000)
    answered(week=2000)
    assert take() > 0
    age(7 * 86_400, "week:seen", "week:at")
    answered(week=2200)
    assert take() > 0
    age(86_400, "week:seen", "week:at")
    answered(week=1900)
    assert take() == 0
    answered(week=700)
    assert take() > 0  # a third of 2,200, the highest since


def test_a_lowered_minute_counts_after_an_hour() -> None:
    take()
    answered(minute=300)
    age(61, "minute:at")
    answered(minute=60)
    assert take() > 0
    age(3600, "minute:seen", "minute:at")
    answered(minute=60)
    assert take() == 0
    assert pace.per_minute(ACME, Lane.ACTIONS) == pytest.approx(40)


def test_an_allowance_that_is_seen_again_and_again_is_kept() -> None:
    for _ in range(5):
        answered(minute=300, week=9000)
        age(3000, "minute:seen", "minute:at", "week:seen", "week:at")
        answered(minute=100, week=3100)
    assert take() > 0
    assert pace.per_minute(ACME, Lane.ACTIONS) == pytest.approx(200)


def test_the_week_stops_bulk_first() -> None:
    answered(week=9000)
    answered(week=4000)
    assert take(Lane.BULK) > 0
    assert take(Lane.ACTIONS) == 0


def test_hosts_have_allowances_of_their_own() -> None:
    take()
    answered(minute=300)
    answered(minute=0)
    assert take() > 0
    assert take(host=GLOBEX) == 0


def test_waiting_for_the_allowance_is_nobodys_failure() -> None:
    pace.stop(ACME, 45)
    with pytest.raises(TryAgain) as caught:
        pace.take(ACME, Lane.ACTIONS)
    assert not caught.value.counts


def test_429_stops_every_lane_of_the_host_for_as_long_as_it_says() -> None:
    pace.stop(ACME, 45)
    for lane in Lane:
        assert 43 <= take(lane) <= 45
    assert take(host=GLOBEX) == 0
    age(46, "pause")
    assert take() == 0


def test_a_shorter_stop_does_not_end_a_longer_one() -> None:
    pace.stop(ACME, 600)
    pace.stop(ACME, 5)
    assert take() > 500


def test_the_stop_goes_by_redis_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker whose clock is wrong must not stop everybody for hours, or nobody at all."""
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 86_400)
    pace.stop(ACME, 30)
    assert 0 < take() <= 30


@pytest.mark.parametrize("headers", [{}, {MINUTE: ""}, {MINUTE: "²"}, {MINUTE: "-5"}, {WEEK: "9" * 5000}])
def test_headers_that_say_nothing_change_nothing(headers: Mapping[str, str]) -> None:
    pace.report(ACME, Answer(200, headers, b""))
    assert limiter.store().hgetall(f"pace:{ACME}") == {}


def test_without_redis_nobody_calls(settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    limiter.store.cache_clear()
    try:
        with pytest.raises(TryAgain):
            pace.take(ACME, Lane.ACTIONS)
        answered(minute=1)
        pace.stop(ACME, 1)
    finally:
        limiter.store.cache_clear()
