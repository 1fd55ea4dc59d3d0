"""Circuit breakers: they open on failures in a row, let one call find out, and forget harmlessly."""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from portals.clients import breaker, limiter
from portals.clients.breaker import FAILURES, Vendor
from portals.clients.errors import Disconnected, NotFound, TryAgain, Unclear, VendorError
from tests.flows.worlds import hurry_breakers

HUBSPOT, LEARNUPON = Vendor.HUBSPOT, Vendor.LEARNUPON
ACME = "1001"
BROKEN = [TryAgain("500", vendor_failed=True), Unclear("reset", vendor_failed=True)]
ANSWERS = [NotFound("404"), Disconnected("401"), TryAgain("locked", after=2.5)]


@pytest.fixture(autouse=True)
def closed(clean_limiter: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """No breaker is open. What hears that a vendor answers again is another test's subject."""
    monkeypatch.setattr(breaker, "ANSWERS_AGAIN", ())


def call(result: VendorError | None = None, vendor: Vendor = HUBSPOT, name: str = ACME) -> None:
    """One call through the breaker, which ends so."""
    with breaker.guard(vendor, name):
        if result:
            raise result


def calls(result: VendorError, times: int, vendor: Vendor = HUBSPOT, name: str = ACME) -> None:
    for _ in range(times):
        with pytest.raises(type(result)):
            call(result, vendor, name)


def opened(vendor: Vendor = HUBSPOT, name: str = ACME) -> None:
    calls(BROKEN[0], FAILURES, vendor, name)


def wait() -> float:
    return breaker.troubles()[HUBSPOT, ACME].wait


def stopped(vendor: Vendor = HUBSPOT, name: str = ACME) -> TryAgain:
    """The call is not made; what it raises instead."""
    with pytest.raises(TryAgain) as raised:
        call(AssertionError("the vendor was called"), vendor, name)  # type: ignore[arg-type]
    return raised.value


def meanwhile(holds: Callable[[], object]) -> None:
    """A call that fails in the end, and what is so while it is under way."""
    with suppress(TryAgain), breaker.guard(HUBSPOT, ACME):
        assert holds()
        raise BROKEN[0]


@pytest.mark.parametrize("failure", BROKEN)
def test_failures_in_a_row_stop_all_calls_and_count_as_nobodys(failure: VendorError) -> None:
    calls(failure, FAILURES - 1)
    assert breaker.troubles() == {}
    calls(failure, 1)
    error = stopped()
    assert not error.counts
    assert 0 < error.after <= 15 * 1.2


def test_each_account_and_each_vendor_has_its_own() -> None:
    opened()
    opened(LEARNUPON, "acme.learnupon.com")
    for vendor, name in ((HUBSPOT, "1002"), (LEARNUPON, "globex.learnupon.com"), (LEARNUPON, ACME)):
        call(None, vendor, name)
    assert stopped(LEARNUPON, "acme.learnupon.com").message.startswith("LearnUpon")
    assert breaker.counts() == {HUBSPOT: 1, LEARNUPON: 1, Vendor.MAIL: 0}


@pytest.mark.parametrize("answer", [None, *ANSWERS])
def test_any_answer_between_failures_begins_the_count_anew(answer: VendorError | None) -> None:
    """Would catch: a portal with wrong keys, or a locked record, counted as a vendor that is down."""
    for _ in range(3):
        calls(BROKEN[0], FAILURES - 1)
        if answer:
            calls(answer, 1)
        else:
            call()
    assert breaker.troubles() == {}


def test_a_spent_budget_is_neither_failure_nor_answer() -> None:
    calls(BROKEN[0], FAILURES - 1)
    calls(TryAgain("budget", after=5, counts=False), 10)
    assert breaker.troubles() == {}
    calls(BROKEN[0], 1)
    stopped()


@given(ends=st.lists(st.booleans(), max_size=25))
def test_it_opens_exactly_at_that_many_failures_in_a_row(ends: list[bool]) -> None:
    limiter.store().flushdb()
    in_a_row = 0
    for broken in ends:
        if in_a_row >= FAILURES:
            stopped()
            continue
        in_a_row = in_a_row + 1 if broken else 0
        if broken:
            calls(BROKEN[0], 1)
        else:
            call()
    assert bool(breaker.troubles()) == (in_a_row >= FAILURES)


def test_one_probe_decides_and_the_others_wait_for_it() -> None:
    opened()
    hurry_breakers(60)
    meanwhile(lambda: stopped().after <= breaker.BUSY_SECONDS)
    assert wait() > 30  # longer than the first time
    hurry_breakers(60)
    with breaker.guard(HUBSPOT, ACME):
        stopped()
    call()
    assert breaker.troubles() == {}


def test_a_hundred_threads_at_once_send_one_probe() -> None:
    opened()
    hurry_breakers(60)
    made: list[int] = []
    ready, asked, done = threading.Barrier(20), threading.Barrier(20), threading.Event()

    def worker() -> None:
        ready.wait()
        try:
            with breaker.guard(HUBSPOT, ACME):
                made.append(1)
                asked.wait()
                done.wait()
        except TryAgain:
            asked.wait()

    threads = [threading.Thread(target=worker) for _ in range(20)]
    for thread in threads:
        thread.start()
    done.set()
    for thread in threads:
        thread.join()
    assert len(made) == 1


def test_it_stays_open_longer_each_time_but_never_over_five_minutes() -> None:
    opened()
    waits = [wait()]
    for _ in range(6):
        hurry_breakers(1000)
        calls(BROKEN[0], 1)
        waits.append(wait())
    assert all(15 - 1 < waits[0] <= 18 and 300 - 1 < each <= 360 for each in waits[3:])
    assert waits[0] < waits[1] < waits[2] < waits[3]


def test_a_probe_that_asked_nobody_leaves_its_turn_to_the_next() -> None:
    """Would catch: a probe that met a spent budget, or our own mistake, and blocked the account for half a minute."""
    opened()
    hurry_breakers(60)
    for nothing_learnt in (TryAgain("budget", after=5, counts=False), ValueError("ours")):
        with pytest.raises(type(nothing_learnt)), breaker.guard(HUBSPOT, ACME):
            raise nothing_learnt
    call()
    assert breaker.troubles() == {}


def test_a_probe_whose_worker_died_is_replaced() -> None:
    opened()
    hurry_breakers(60)
    breaker._ask(HUBSPOT, ACME)  # and never heard of again
    stopped()
    limiter.store().hincrbyfloat(f"breaker:hubspot:{ACME}", "probe", -60e6)
    call()
    assert breaker.troubles() == {}


def test_late_failures_of_calls_from_before_do_not_prolong_it() -> None:
    waits: list[float] = []

    def opened_by_others() -> bool:
        opened()
        waits.append(wait())
        return True

    meanwhile(opened_by_others)
    assert wait() <= waits[0]


def test_a_redis_that_lost_everything_or_is_gone_means_closed() -> None:
    opened()
    limiter.store().flushdb()
    call()
    opened()
    limiter.store.cache_clear()
    with override_settings(REDIS_URL="redis://127.0.0.1:1/0"):
        call()
        calls(BROKEN[0], FAILURES + 1)
        assert breaker.troubles() == {}
        breaker.try_now(HUBSPOT, ACME)
    limiter.store.cache_clear()


@pytest.mark.parametrize("minutes", [-4, 4])
def test_a_workers_wrong_clock_changes_nothing(minutes: int) -> None:
    """Would catch: times by the clock of whoever writes them down."""
    opened()
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=minutes)):
        assert 13 < stopped().after <= 18
        hurry_breakers(60)
        call()
    call()


def test_the_scale_shrinks_it() -> None:
    with override_settings(RETRY_SCALE=0.01):
        opened()
    assert wait() <= 0.18


def test_a_person_can_have_it_tried_now() -> None:
    breaker.try_now(HUBSPOT, ACME)  # a closed one stays closed
    call()
    opened()
    breaker.try_now(HUBSPOT, ACME)
    assert not breaker.rests(HUBSPOT, ACME)
    call()
    assert breaker.troubles() == {}


def test_it_says_since_when() -> None:
    before = datetime.now(UTC) - timedelta(seconds=5)
    opened()
    assert before < breaker.troubles()[HUBSPOT, ACME].since < datetime.now(UTC) + timedelta(seconds=5)


def test_who_waits_on_the_ladder_is_told_once_when_it_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, str]] = []
    monkeypatch.setattr(breaker, "ANSWERS_AGAIN", ["a function"])
    monkeypatch.setattr(breaker, "import_string", lambda path: lambda *names: told.append(names))
    calls(BROKEN[0], FAILURES - 1)
    call()
    assert told == []
    opened()
    hurry_breakers(60)
    call()
    call()
    assert told == [("hubspot", ACME)]
