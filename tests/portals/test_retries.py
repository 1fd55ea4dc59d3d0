"""The ladder: how long it lasts whatever chance draws, and what is never shortened."""

import random
from dataclasses import dataclass
from itertools import pairwise

import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from portals import retries
from portals.retries import ACTION_ATTEMPTS, JITTER, LADDER, PROGRESS_ATTEMPTS

HOUR = 3600
draws = st.floats(0, 1)


@dataclass(frozen=True)
class Trouble:
    after: float = 0.0
    counts: bool = True


def drawn(monkeypatch: pytest.MonkeyPatch, share: float) -> None:
    """Chance draws this share of its range."""
    monkeypatch.setattr(random, "uniform", lambda low, high: low + share * (high - low))


def lasts(attempts: int) -> float:
    """Seconds from the first attempt to the last."""
    return sum(retries.delay(failed) for failed in range(1, attempts))


@given(share=draws)
def test_actions_are_tried_for_72_hours_whatever_the_jitter(share: float) -> None:
    """Would catch: jitter that shortens, or a miscounted rung, so that a workflow is given up early."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        drawn(monkeypatch, share)
        assert 72 * HOUR <= lasts(ACTION_ATTEMPTS) <= (72 + 4) * (1 + JITTER) * HOUR
        assert lasts(PROGRESS_ATTEMPTS) >= 14 * 24 * HOUR
        assert lasts(ACTION_ATTEMPTS - 1) <= 72 * (1 + JITTER) * HOUR  # and no attempt more than it takes


def test_the_ladder_never_outlasts_hubspots_patience() -> None:
    assert 76 * (1 + JITTER) < retries.BLOCK_DAYS * 24


@given(attempts=st.integers(-5, 10_000))
def test_every_wait_is_on_its_rung(attempts: int) -> None:
    rung = LADDER[min(max(attempts, 1), len(LADDER)) - 1]
    assert rung <= retries.delay(attempts) <= rung * (1 + JITTER)


@given(attempts=st.integers(1, 50), scale=st.floats(0.001, 1), share=draws)
def test_the_scale_shrinks_the_ladder_in_proportion(attempts: int, scale: float, share: float) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        drawn(monkeypatch, share)
        with override_settings(RETRY_SCALE=1.0):
            full = retries.delay(attempts)
        with override_settings(RETRY_SCALE=scale):
            assert retries.delay(attempts) == pytest.approx(full * scale)


@given(attempts=st.integers(1, 50), after=st.floats(0, 86_400), counts=st.booleans())
def test_what_a_vendor_asks_for_is_never_shortened(attempts: int, after: float, counts: bool) -> None:
    wait = retries.wait(attempts, Trouble(after, counts))
    assert wait >= after
    if not counts:
        assert wait == after


def test_failures_with_a_short_wait_of_their_own_climb_all_the_same() -> None:
    """Would catch: HubSpot's sign-in service down, each attempt "in 5 seconds", and 72 hours over in two minutes."""
    assert retries.wait(ACTION_ATTEMPTS - 1, Trouble(after=5.0)) >= LADDER[-1]


@pytest.mark.parametrize(
    ("climb", "first", "last"),
    [
        (retries.WHOLE, 2, 4 * HOUR),
        (retries.BREAKER, 15, 300),
        (retries.CALLBACK, 2, 300),
        (retries.WALK, 15, 900),
        (retries.READ, 45, 4 * HOUR),
        (retries.DECLINED_MAIL, 300, 4 * HOUR),
    ],
)
def test_whoever_fails_again_and_again_climbs_to_where_its_part_ends(
    climb: retries.Climb, first: int, last: int
) -> None:
    """Would catch: a rung that stands still, so that what is down for hours is asked every few seconds."""
    waits = [climb.rung(attempts) for attempts in range(1, 15)]
    assert (waits[0], waits[-1]) == (first, last)
    assert all(wait < following for wait, following in pairwise(waits) if wait < last)
    assert len(climb.delays()) == waits.index(last) + 1


def test_a_declined_mail_is_tried_for_72_hours() -> None:
    waits = [retries.DECLINED_MAIL.rung(failed) for failed in range(1, retries.MAIL_ATTEMPTS)]
    assert 72 * HOUR <= sum(waits) < 77 * HOUR
