"""HubSpot's budget against the real Redis: no window is ever overfull, whoever asks and whatever Redis forgets."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from portals.clients import limiter
from portals.clients.errors import TryAgain
from portals.clients.limiter import LIMITS, LONG_US, SHORT_US, Budget, Grant
from portals.lanes import Lane
from tests.portals.sockets import Peer, Script, SocketServer

ACME, GLOBEX = 1001, 1002
LOG = f"limiter:{ACME}:general"

pytestmark = pytest.mark.usefixtures("clean_limiter")


def redis_us() -> int:
    seconds, micro = limiter.store().time()
    return int(seconds) * 1_000_000 + int(micro)


def wait_for(hub_id: int = ACME, lane: str = Lane.LIVE, budget: Budget = Budget.GENERAL) -> float:
    """Seconds until a grant, 0 when it was granted."""
    grant, wait = limiter._ask(hub_id, lane, budget)
    return 0.0 if grant else wait


MOST = LIMITS[Budget.GENERAL][0]


def granted_before(*ages_us: int, log: str = LOG) -> int:
    """Put grants of the past into the log; the moment they are counted from."""
    now = redis_us()
    limiter.store().delete(log)
    if ages_us:
        limiter.store().zadd(log, {f"{number}": now - age for number, age in enumerate(ages_us)})
    return now


# --- the arithmetic -------------------------------------------------------------------------------------
def due(stamps: list[int], now: int) -> int:
    """The first moment, from `now` on, at which one more grant overfills no window: a plain search."""
    most_long, most_short = LIMITS[Budget.GENERAL]
    moments = sorted({now, *(stamp + window for stamp in stamps for window in (LONG_US, SHORT_US))})
    return next(
        moment
        for moment in moments
        if moment >= now
        and sum(moment - LONG_US < stamp for stamp in stamps) < most_long
        and sum(moment - SHORT_US < stamp for stamp in stamps) < most_short
    )


@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    old=st.lists(st.integers(SHORT_US, LONG_US + SHORT_US), max_size=110),
    fresh=st.lists(st.integers(0, SHORT_US), max_size=14),
)
@example(old=[LONG_US // 2] * MOST, fresh=[])
@example(old=[LONG_US // 2] * (MOST - 1), fresh=[])
@example(old=[], fresh=[SHORT_US // 2] * 12)
@example(old=[], fresh=[SHORT_US // 2] * 11)
def test_a_grant_comes_at_the_first_moment_no_window_is_overfull(old: list[int], fresh: list[int]) -> None:
    now = granted_before(*old, *fresh)
    limiter.store().delete(f"limiter:{ACME}:waiting:general")
    stamps = [now - age for age in (*old, *fresh)]
    before = redis_us()
    wait = wait_for()
    after = redis_us()
    if wait:
        assert due(stamps, before) - after - 1 <= wait * 1_000_000 <= due(stamps, before) - before
    else:
        assert due(stamps, after) == after


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """A hundredth of a minute instead of ten seconds, so that the simulation sees many windows."""
    monkeypatch.setattr(limiter, "LONG_US", 600_000)
    monkeypatch.setattr(limiter, "SHORT_US", 60_000)
    return 600_000, 60_000


def test_many_callers_never_overfill_a_window(small_windows: tuple[int, int]) -> None:
    stamps: list[float] = []

    def caller(number: int) -> None:
        for _ in range(32):
            grant = patient(ACME, list(Lane)[number % 3])
            if number % 4 == 0 and len(stamps) % 5 == 0:
                limiter.hand_back(grant)
                continue
            stamp = limiter.store().zscore(grant.key, grant.member)
            if isinstance(stamp, float):  # else this thread stood still for longer than the log reaches back
                stamps.append(stamp)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(caller, range(8)))
    assert len(stamps) > 200
    stamps.sort()
    for window, most in zip(small_windows, LIMITS[Budget.GENERAL], strict=True):
        for first, beyond in zip(stamps, stamps[most:], strict=False):
            assert beyond - first >= window


def patient(hub_id: int, lane: str) -> Grant:
    """As callers do: come back when told."""
    while True:
        try:
            return limiter.acquire(hub_id, lane)
        except TryAgain as error:
            threading.Event().wait(error.after)


# --- rules ----------------------------------------------------------------------------------------------
def test_accounts_have_budgets_of_their_own() -> None:
    granted_before(*[SHORT_US * 2] * MOST)
    assert wait_for(ACME) > 0
    assert wait_for(GLOBEX) == 0


def test_grants_used_a_second_late_fit_into_hubspots_window() -> None:
    """Would catch: 100 grants and 12 that left late, which are 112 calls in one of HubSpot's windows of 110."""
    for allowed, (most_long, most_short) in (
        (110, LIMITS[Budget.GENERAL]),
        (100, LIMITS[Budget.ASSOCIATIONS]),
    ):
        assert most_long + most_short * limiter.STALE_GRANT_SECONDS <= allowed


def test_search_and_associations_are_counted_apart() -> None:
    for budget in (Budget.SEARCH, Budget.ASSOCIATIONS):
        for _ in range(LIMITS[budget][1]):
            assert wait_for(budget=budget) == 0
        assert wait_for(budget=budget) > 0
    assert wait_for() == 0


@pytest.mark.parametrize("lane", list(Lane))
def test_a_higher_lane_goes_first(lane: Lane) -> None:
    """While actions wait, news and history may not take the next place; actions and privacy deletions still may."""
    granted_before(*[SHORT_US // 2] * 12)
    assert wait_for(lane=Lane.ACTIONS) > 0
    granted_before()
    assert (wait_for(lane=lane) == 0) is (lane in (Lane.PRIVACY, Lane.ACTIONS))


def test_a_lower_lane_never_holds_a_higher_one_back() -> None:
    granted_before(*[SHORT_US // 2] * 12)
    assert wait_for(lane=Lane.BULK) > 0
    granted_before()
    assert wait_for(lane=Lane.LIVE) == 0


def test_the_lane_opens_again_when_the_higher_one_was_served() -> None:
    granted_before(*[SHORT_US // 2] * 12)
    assert wait_for(lane=Lane.ACTIONS) > 0
    granted_before()
    assert wait_for(lane=Lane.ACTIONS) == 0
    assert wait_for(lane=Lane.BULK) == 0


def test_a_grant_that_is_handed_back_frees_its_place() -> None:
    granted_before(*[SHORT_US * 2] * (MOST - 1))
    grant = limiter.acquire(ACME, Lane.LIVE)
    assert wait_for() > 0
    limiter.hand_back(grant)
    limiter.hand_back(grant)
    assert wait_for() == 0
    assert wait_for() > 0


def test_what_another_copy_of_the_app_uses_is_left_out_of_our_share() -> None:
    granted_before(*[SHORT_US * 2] * 40)
    limiter.feed(ACME, 110, 110 - 40 - 55 - limiter.FOREIGN_SLACK)  # HubSpot counted 55 that were not ours
    for _ in range(MOST - 40 - 55):
        assert wait_for() == 0
    assert wait_for() > 0
    assert wait_for(GLOBEX) == 0


def test_our_own_use_is_not_taken_for_anothers() -> None:
    granted_before(*[SHORT_US * 2] * 50)
    limiter.feed(ACME, 110, 60)
    assert limiter.store().get(f"limiter:{ACME}:foreign") is None


def test_however_much_others_use_one_call_can_find_out() -> None:
    limiter.feed(ACME, 500, 0)
    assert wait_for() == 0
    assert wait_for() > 0


def test_a_pause_stops_one_account() -> None:
    limiter.pause(ACME, 30)
    assert 29 < wait_for() <= 30
    assert wait_for(GLOBEX) == 0


def test_a_short_pause_does_not_end_a_long_one() -> None:
    """A 429 that was under way when the account began to move (477) must not wake it after ten seconds."""
    limiter.pause(ACME, 3600)
    limiter.pause(ACME, 10)
    assert wait_for() > 3500
    limiter.pause(ACME, 7200)
    assert wait_for() > 7100


# --- losing Redis ---------------------------------------------------------------------------------------
def test_after_a_loss_every_window_counts_as_full() -> None:
    limiter.store().flushdb()
    assert wait_for(ACME) == pytest.approx(10, abs=0.5)
    assert wait_for(GLOBEX) == pytest.approx(10, abs=0.5)
    limiter.store().set("limiter:epoch", redis_us() - LONG_US)
    assert wait_for(ACME) == 0


def test_priming_starts_the_wait_and_does_not_prolong_it() -> None:
    limiter.store().flushdb()
    limiter.prime()
    begun = limiter.store().get("limiter:epoch")
    limiter.prime()
    wait_for()
    assert limiter.store().get("limiter:epoch") == begun


def test_flushing_in_the_midst_never_overfills_a_window(small_windows: tuple[int, int]) -> None:
    """Redis forgets everything twice while callers go on; what it forgot still happened."""
    long, short = small_windows
    stamps: list[float] = []
    for _ in range(3):
        for _ in range(30):
            grant = patient(ACME, Lane.LIVE)
            stamps.append(float(limiter.store().zscore(grant.key, grant.member) or 0))
        limiter.store().flushdb()
    for first, beyond in zip(stamps, stamps[LIMITS[Budget.GENERAL][0] :], strict=False):
        assert beyond - first >= long
    for first, beyond in zip(stamps, stamps[LIMITS[Budget.GENERAL][1] :], strict=False):
        assert beyond - first >= short
    assert all(
        later - earlier >= long for earlier, later in zip(stamps[29::30], stamps[30::30], strict=False)
    )


@pytest.mark.parametrize(
    "script", [Peer.hang, Peer.reset, lambda peer: peer.send(b"HTTP/1.1 200 OK\r\n\r\n")]
)
def test_a_broken_redis_grants_nothing_and_answers_at_once(settings: Settings, script: Script) -> None:
    server = SocketServer(script)
    settings.REDIS_URL = f"redis://127.0.0.1:{server.port}/0"
    limiter.store.cache_clear()
    try:
        with pytest.raises(TryAgain) as caught:
            limiter.acquire(ACME, Lane.ACTIONS)
        assert caught.value.after > 0
        assert not caught.value.counts
        assert (
            server.accepted <= 2
        )  # asked once, or once more where the connection broke; never again and again
        limiter.pause(ACME, 1)
        limiter.feed(ACME, 110, 1)
        limiter.hand_back(Grant("key", "member", 0.0))
        limiter.prime()
    finally:
        server.stop()
        limiter.store.cache_clear()


def test_a_redis_that_is_down_grants_nothing(settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    limiter.store.cache_clear()
    try:
        with pytest.raises(TryAgain):
            limiter.acquire(ACME, Lane.ACTIONS)
    finally:
        limiter.store.cache_clear()


def test_a_connection_that_was_lost_is_opened_anew(settings: Settings) -> None:
    """Every worker holds one open; a restart of Redis must not cost each of them a failed call."""
    assert wait_for() == 0
    own = limiter.store().client_id()
    with redis.Redis.from_url(settings.REDIS_URL) as other:
        assert other.client_kill_filter(_id=own) == 1
    assert wait_for() == 0
