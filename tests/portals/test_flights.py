"""Calls under way at once: really at once, recorded by the caller's thread, and each error where it belongs."""

import threading
from functools import partial

import pytest
from django.db import OperationalError

from portals.clients.errors import Mistake, TryAgain, VendorError
from portals.clients.flights import Flights

WAIT = 10


def fail(error: VendorError) -> None:
    raise AssertionError(error.message)


def test_calls_are_under_way_together_and_recorded_by_one_thread() -> None:
    """Each call ends only once all three have begun: one after the other, the first would never end."""
    together = threading.Barrier(3, timeout=WAIT)
    threads: set[int] = set()
    recorded: list[tuple[int, int]] = []

    def call(number: int) -> int:
        threads.add(threading.get_ident())
        together.wait()
        return number

    with Flights(3) as flights:
        for number in range(3):
            assert flights.free
            flights.start(
                partial(call, number), lambda brought: recorded.append((brought, threading.get_ident())), fail
            )
        assert not flights.free
        while flights.under_way:
            flights.land()
    assert sorted(recorded) == [(number, threading.get_ident()) for number in range(3)]
    assert len(threads) == 3
    assert threading.get_ident() not in threads


def test_a_vendor_s_error_goes_to_its_own_call_and_costs_the_others_nothing() -> None:
    landed: list[str] = []
    failed: list[str] = []

    def refused() -> str:
        raise TryAgain("busy", after=3)

    with Flights(2) as flights:
        flights.start(refused, landed.append, lambda error: failed.append(error.message))
        flights.start(lambda: "done", landed.append, fail)
        while flights.under_way:
            flights.land()
    assert (landed, failed) == (["done"], ["busy"])


def test_a_mistake_of_ours_is_not_taken_for_the_vendor_s() -> None:
    """Would catch: one row that breaks our code and takes the whole slice with it, or the breaker opened by us."""

    def broken() -> None:
        raise ZeroDivisionError

    failed: list[VendorError] = []
    with Flights(1) as flights:
        flights.start(broken, lambda brought: None, failed.append)
        flights.land()
    assert [type(error) for error in failed] == [Mistake]
    assert failed[0].why == "internal"


def test_a_database_that_is_gone_is_nobodys_mistake() -> None:
    def gone() -> None:
        raise OperationalError

    def take() -> None:
        with Flights(1) as flights:
            flights.start(gone, lambda brought: None, fail)
            flights.land()

    with pytest.raises(OperationalError):
        take()
