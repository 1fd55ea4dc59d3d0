"""Circuit breakers: a vendor that keeps failing one account or portal is left alone, and asked again by one call.

One breaker for each HubSpot account, one for each LearnUpon host and one for our mail server, shared by all processes
in Redis, by Redis' clock. When Redis has lost it, it is closed; the next failures open it again. Waiting for it is no
failed attempt.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import redis
from django.conf import settings
from django.utils.module_loading import import_string

from hubsync.flows import ANSWERS_AGAIN
from portals import retries
from portals.clients.errors import TryAgain, VendorError
from portals.clients.limiter import store

FAILURES = 5  # in a row, without an answer in between
FORGET_SECONDS = 120  # failures further apart than this are not the vendor's trouble
KEPT_SECONDS = 3600  # how long an open one that nobody calls is remembered
BUSY_SECONDS = 3.0  # how soon to come back while another call finds out whether the vendor answers again
OPEN = "breakers"  # the names of those that are open


class Vendor(StrEnum):
    HUBSPOT = "hubspot"
    LEARNUPON = "learnupon"
    MAIL = "mail"

    @property
    def called(self) -> str:
        return CALLED[self]


CALLED = {Vendor.HUBSPOT: "HubSpot", Vendor.LEARNUPON: "LearnUpon", Vendor.MAIL: "The mail server"}


# KEYS: a breaker.  ARGV: microseconds a probe may take, microseconds to come back while one is under way.
# Returns {verdict, number}: 0 = stay away for so many microseconds, 1 = call, 2 = call as the probe; the number is then
# how many failures were counted.
_ASK = """
local state = redis.call('HMGET', KEYS[1], 'until', 'probe', 'fails')
local fails = tonumber(state[3] or '0')
if not state[1] then return {1, fails} end
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
if tonumber(state[1]) > now then return {0, tonumber(state[1]) - now} end
if state[2] and tonumber(state[2]) > now then return {0, math.min(tonumber(state[2]) - now, tonumber(ARGV[2]))} end
redis.call('HSET', KEYS[1], 'probe', string.format('%.0f', now + tonumber(ARGV[1])))
return {2, fails}
"""

# KEYS: a breaker, the set of open ones.
# ARGV: 1 for a probe, failures that open it, milliseconds to remember failures, milliseconds to remember it open,
# its name, then the microseconds to stay open: the first time, the second, …
_FAILED = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local function text(n) return string.format('%.0f', n) end
local fails = redis.call('HINCRBY', KEYS[1], 'fails', 1)
redis.call('HSETNX', KEYS[1], 'since', text(now))
local open = redis.call('HEXISTS', KEYS[1], 'until') == 1
if (open and ARGV[1] ~= '1') or (not open and fails < tonumber(ARGV[2])) then
  if not open then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
  return 0
end
local times = redis.call('HINCRBY', KEYS[1], 'times', 1)
local wait = tonumber(ARGV[math.min(5 + times, #ARGV)])
redis.call('HSET', KEYS[1], 'until', text(now + wait))
redis.call('HDEL', KEYS[1], 'probe')
redis.call('PEXPIRE', KEYS[1], math.ceil(wait / 1000) + ARGV[4])
redis.call('SADD', KEYS[2], ARGV[5])
return wait
"""

# KEYS: a breaker, the set of open ones.  ARGV: its name.  Returns 1 when it was open.
_ANSWERED = """
local open = redis.call('HEXISTS', KEYS[1], 'until')
redis.call('DEL', KEYS[1])
redis.call('SREM', KEYS[2], ARGV[1])
return open
"""


@dataclass(frozen=True)
class Trouble:
    """A vendor that does not answer one account or portal."""

    vendor: Vendor
    name: str  # the account's hub_id, the portal's host, or that of the mail server
    since: datetime
    wait: float  # seconds until it is asked again; 0 when the next call does

    @property
    def seconds(self) -> int:
        return math.ceil(self.wait)

    @property
    def resting(self) -> bool:
        """Whether calls are in vain for now."""
        return self.wait > 0


@dataclass(frozen=True)
class _Ticket:
    key: str
    probe: bool
    fails: int


@contextmanager
def guard(vendor: Vendor, name: object) -> Iterator[None]:
    """Make a call inside. Raises TryAgain with the time to come back while the breaker is open, which is no failure."""
    ticket = _ask(vendor, name)
    try:
        yield
    except TryAgain as error:
        if error.vendor_failed:
            _failed(ticket)
        elif error.counts:
            _answered(ticket, vendor, name)
        elif ticket.probe:  # a budget was used up: nobody was asked
            _give_back(ticket)
        raise
    except VendorError:  # a refusal is an answer
        _answered(ticket, vendor, name)
        raise
    except BaseException:
        if ticket.probe:
            _give_back(ticket)
        raise
    _answered(ticket, vendor, name)


def resting(vendor: Vendor) -> str:
    """Why something waits for an open breaker."""
    return f"{vendor.called} does not answer at the moment; it is asked again by itself."


def _key(vendor: str, name: object) -> str:
    return f"breaker:{vendor}:{name}"


def _ask(vendor: Vendor, name: object) -> _Ticket:
    key = _key(vendor, name)
    longest = settings.CALL_DEADLINE + settings.SLICE_SECONDS
    try:
        verdict, number = store().eval(_ASK, 1, key, int(longest * 1e6), int(BUSY_SECONDS * 1e6))
    except redis.RedisError:
        return _Ticket(key, probe=False, fails=0)
    if verdict == 0:
        raise TryAgain(resting(vendor), after=number / 1e6, counts=False)
    return _Ticket(key, probe=verdict == 2, fails=number)


def _failed(ticket: _Ticket) -> None:
    waits = [int(seconds * 1e6) for seconds in retries.BREAKER.delays()]
    memory = [FORGET_SECONDS * 1000, KEPT_SECONDS * 1000]
    try:
        store().eval(_FAILED, 2, ticket.key, OPEN, int(ticket.probe), FAILURES, *memory, ticket.key, *waits)
    except redis.RedisError:
        return


def _answered(ticket: _Ticket, vendor: Vendor, name: object) -> None:
    """Nothing is to be written where nothing was counted: that is nearly every call."""
    if not ticket.fails and not ticket.probe:
        return
    try:
        was_open = store().eval(_ANSWERED, 2, ticket.key, OPEN, ticket.key)
    except redis.RedisError:
        return
    if was_open:
        for path in ANSWERS_AGAIN:
            import_string(path)(str(vendor), str(name))


def _give_back(ticket: _Ticket) -> None:
    """The probe asked nobody after all: the next call is the probe."""
    try:
        store().hdel(ticket.key, "probe")
    except redis.RedisError:
        return


def troubles() -> dict[tuple[str, str], Trouble]:
    """Every open breaker by vendor and name; none when Redis does not answer."""
    try:
        keys = sorted(str(key) for key in store().smembers(OPEN))
        if not keys:
            return {}
        with store().pipeline() as pipe:
            pipe.time()
            for key in keys:
                pipe.hmget(key, "since", "until")
            (seconds, micro), *states = pipe.execute()
    except redis.RedisError:
        return {}
    found = {}
    for key, (since, until) in zip(keys, states, strict=True):
        if since and until:  # else it was forgotten
            _, vendor, name = key.split(":", 2)
            wait = max(0.0, float(until) / 1e6 - seconds - micro / 1e6)
            began = datetime.fromtimestamp(float(since) / 1e6, UTC)
            found[vendor, name] = Trouble(Vendor(vendor), name, began, wait)
    return found


def rests(vendor: Vendor, name: object) -> bool:
    """Whether work that needs this vendor for this account or portal is in vain for now."""
    found = troubles().get((vendor, str(name)))
    return found is not None and found.resting


def counts() -> dict[Vendor, int]:
    """How many breakers are open, by vendor."""
    found = [vendor for vendor, _ in troubles()]
    return {vendor: found.count(vendor) for vendor in Vendor}


def try_now(vendor: Vendor, name: object) -> None:
    """The next call finds out whether the vendor answers again, as a person asked."""
    try:
        if store().hexists(_key(vendor, name), "until"):
            store().hset(_key(vendor, name), mapping={"until": 0, "probe": 0})
    except redis.RedisError:
        return
