"""HubSpot's budget: one rolling log of grants per account in Redis, by Redis' own clock.

HubSpot allows 110 requests in 10 s for each account that installed the app.
https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
The log never grants more than fits into any window. When Redis has lost it, every window counts as full until it
is known again; when Redis does not answer, nobody is granted anything.
"""

import time
import uuid
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from portals.clients.errors import TryAgain
from portals.lanes import RANK

LONG_US = 10_000_000  # HubSpot's window, and how long a fresh Redis counts as full
SHORT_US = 1_000_000  # within it, a window of our own keeps bursts apart
# A grant is stamped when given; used later than this it would sit in another window.
STALE_GRANT_SECONDS = 1.0
PATIENCE_SECONDS = 1.0  # shorter waits are sat out, longer ones free the worker
REDIS_SECONDS = 0.5
FOREIGN_SLACK = 3  # HubSpot's count and ours are a few requests apart while requests are under way


class Budget(StrEnum):
    """Each is a log of its own; search and associations have limits of their own besides the general one."""

    GENERAL = "general"
    SEARCH = "search"
    ASSOCIATIONS = "associations"


# budget -> (grants in any long window, grants in any short one). A call leaves up to a second after its grant, so what
# one window of HubSpot's sees are the grants of such a window and of one second more: 98 and 12 make HubSpot's 110.
LIMITS: dict[Budget, tuple[int, int]] = {
    Budget.GENERAL: (98, 12),
    Budget.SEARCH: (45, 5),
    Budget.ASSOCIATIONS: (88, 12),  # 100 where the account's subscription is a small one
}

# KEYS: log, pause, waiting, epoch, foreign.
# ARGV: rank, most in a long window, most in a short one, member, microseconds of a long window, of a short one.
# Returns {1, 0} when granted, {0, microseconds to wait} when not.
_ACQUIRE = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local function text(n) return string.format('%.0f', n) end
local epoch = redis.call('GET', KEYS[4])
if not epoch then
  redis.call('SET', KEYS[4], text(now))
  epoch = now
end
local age = now - tonumber(epoch)
local long, short = tonumber(ARGV[5]), tonumber(ARGV[6])
if age < long then return {0, long - age} end
local paused = tonumber(redis.call('GET', KEYS[2]) or '0') - now
if paused > 0 then return {0, paused} end
local rank = tonumber(ARGV[1])
for higher = 0, rank - 1 do
  local since = tonumber(redis.call('HGET', KEYS[3], higher) or '0')
  if now - since < short then return {0, short / 10} end
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', text(now - long))
local most_long = math.max(1, tonumber(ARGV[2]) - tonumber(redis.call('GET', KEYS[5]) or '0'))
local most_short = tonumber(ARGV[3])
local wait = 0
local in_long = redis.call('ZCARD', KEYS[1])
if in_long >= most_long then
  local first = redis.call('ZRANGE', KEYS[1], in_long - most_long, in_long - most_long, 'WITHSCORES')
  wait = tonumber(first[2]) + long - now
end
local in_short = redis.call('ZCOUNT', KEYS[1], '(' .. text(now - short), '+inf')
if in_short >= most_short then
  local first = redis.call('ZRANGE', KEYS[1], in_long - most_short, in_long - most_short, 'WITHSCORES')
  wait = math.max(wait, tonumber(first[2]) + short - now)
end
if wait > 0 then
  redis.call('HSET', KEYS[3], rank, text(now))
  redis.call('PEXPIRE', KEYS[3], math.ceil(short / 500))
  return {0, wait}
end
redis.call('ZADD', KEYS[1], text(now), ARGV[4])
redis.call('PEXPIRE', KEYS[1], math.ceil(long / 1000) + 1000)
redis.call('HDEL', KEYS[3], rank)
return {1, 0}
"""

# KEYS: log, foreign.  ARGV: requests HubSpot counted in its window, slack, microseconds of that window.
_FEED = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local ours = redis.call('ZCOUNT', KEYS[1], string.format('(%.0f', now - tonumber(ARGV[3])), '+inf')
local foreign = tonumber(ARGV[1]) - ours - tonumber(ARGV[2])
if foreign > 0 then redis.call('SET', KEYS[2], foreign, 'PX', math.ceil(ARGV[3] / 1000)) end
return foreign
"""

# KEYS: pause.  ARGV: microseconds to stay away. A short wait must not end a long one (429 during a 477).
_PAUSE = """
local t = redis.call('TIME')
local until_us = t[1] * 1000000 + t[2] + tonumber(ARGV[1])
if until_us > tonumber(redis.call('GET', KEYS[1]) or '0') then
  redis.call('SET', KEYS[1], string.format('%.0f', until_us), 'PX', math.ceil(ARGV[1] / 1000))
end
"""


@dataclass(frozen=True)
class Grant:
    key: str
    member: str
    at: float  # monotonic

    @property
    def stale(self) -> bool:
        return time.monotonic() - self.at > STALE_GRANT_SECONDS


@cache
def store() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=REDIS_SECONDS,
        socket_connect_timeout=REDIS_SECONDS,
        decode_responses=True,
        # A broken connection is opened anew once; a Redis that hangs is not asked again (the default waits seconds).
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
    )


def prime() -> None:
    """Begin the epoch at start-up, so that its ten seconds pass while the processes come up."""
    try:
        now_seconds, micro = store().time()
        store().set("limiter:epoch", now_seconds * 1_000_000 + micro, nx=True)
    except redis.RedisError:
        return  # acquire() will find it missing and wait the time itself


def acquire(hub_id: int, lane: str, budget: Budget = Budget.GENERAL) -> Grant:
    """A permission to make one call now. Raises TryAgain with the time to come back, which is no failure."""
    give_up = time.monotonic() + settings.SLICE_SECONDS
    while True:
        grant, wait = _ask(hub_id, lane, budget)
        if grant:
            return grant
        if wait > PATIENCE_SECONDS or time.monotonic() + wait > give_up:
            raise TryAgain("Waiting for HubSpot's request budget.", after=wait, counts=False)
        time.sleep(wait)


def _ask(hub_id: int, lane: str, budget: Budget) -> tuple[Grant | None, float]:
    base = f"limiter:{hub_id}"
    member = uuid.uuid4().hex
    most_long, most_short = LIMITS[budget]
    keys = [
        f"{base}:{budget}",
        f"{base}:pause",
        f"{base}:waiting:{budget}",
        "limiter:epoch",
        f"{base}:foreign",
    ]
    if budget != Budget.GENERAL:
        keys[4] = f"{base}:foreign:{budget}"
    try:
        granted, wait = store().eval(
            _ACQUIRE, len(keys), *keys, RANK[lane], most_long, most_short, member, LONG_US, SHORT_US
        )
    except redis.RedisError:
        raise TryAgain("The request budget could not be asked.", after=2.0, counts=False) from None
    return (Grant(keys[0], member, time.monotonic()) if granted else None), wait / 1_000_000


def hand_back(grant: Grant) -> None:
    """Give up a grant that was not used."""
    try:
        store().zrem(grant.key, grant.member)
    except redis.RedisError:
        return  # it ages out by itself


def spent(hub_id: int) -> dict[Budget, int] | None:
    """How many grants each log of an account holds within HubSpot's window; None when Redis does not answer."""
    try:
        seconds, micro = store().time()
        begin = f"({seconds * 1_000_000 + micro - LONG_US}"
        return {one: int(store().zcount(f"limiter:{hub_id}:{one}", begin, "+inf")) for one in Budget}
    except redis.RedisError:
        return None


def feed(hub_id: int, most: int, remaining: int) -> None:
    """Learn from HubSpot's rate headers how much of the window others (another copy of the app) have used."""
    try:
        store().eval(
            _FEED,
            2,
            f"limiter:{hub_id}:{Budget.GENERAL}",
            f"limiter:{hub_id}:foreign",
            most - remaining,
            FOREIGN_SLACK,
            LONG_US,
        )
    except redis.RedisError:
        return


def pause(hub_id: int, seconds: float) -> None:
    """HubSpot said stop: nobody calls for this account until then."""
    try:
        store().eval(_PAUSE, 1, f"limiter:{hub_id}:pause", int(seconds * 1_000_000))
    except redis.RedisError:
        return
