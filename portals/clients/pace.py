"""LearnUpon's allowance: shared per host, learnt from its headers, and left to the customer's other integrations.

LearnUpon reports what is left of the minute and of the week and publishes no limits
(https://docs.learnupon.com/api/). We stop while less than a third of the highest allowance seen is left;
history and news stop earlier, so that people waiting in a workflow go first.
"""

import time
from typing import Any

import redis

from portals.clients.errors import TryAgain
from portals.clients.limiter import store
from portals.lanes import Lane

# ASSUMPTION(learnupon-limits): observed starting values, used until a portal's own headers are seen.
ASSUMED_MINUTE = 300
MINUTE, WEEK = "minute", "week"
HEADERS = {MINUTE: "X-LU-Rate-Limit-Remaining-Minute", WEEK: "X-LU-Rate-Limit-Remaining-Week"}
KEEP_FREE: dict[str, float] = {Lane.ACTIONS: 1 / 3, Lane.LIVE: 0.4, Lane.BULK: 0.5}
REPORT_SECONDS = {MINUTE: 60, WEEK: 3600}  # how long a report is believed

# KEYS: a hash per host.  ARGV: share to keep free, assumed minute allowance.  Returns the seconds to wait, 0 = go.
_TAKE = """
local now = tonumber(redis.call('TIME')[1])
local keep = tonumber(ARGV[1])
for _, window in ipairs({'minute', 'week'}) do
  local left = tonumber(redis.call('HGET', KEYS[1], window .. ':left') or '-1')
  local most = tonumber(redis.call('HGET', KEYS[1], window .. ':most') or '0')
  local at = tonumber(redis.call('HGET', KEYS[1], window .. ':at') or '0')
  local life = window == 'minute' and 60 or 3600
  if left >= 0 and now - at < life and left <= most * keep then return at + life - now end
end
local paused = tonumber(redis.call('HGET', KEYS[1], 'pause') or '0')
if paused > now then return paused - now end
local at = tonumber(redis.call('HGET', KEYS[1], 'minute:at') or '0')
if now - at >= 60 then
  redis.call('HSET', KEYS[1], 'minute:at', now, 'minute:left',
    math.max(tonumber(redis.call('HGET', KEYS[1], 'minute:most') or '0'), tonumber(ARGV[2])))
  redis.call('HSETNX', KEYS[1], 'minute:most', ARGV[2])
end
redis.call('HINCRBY', KEYS[1], 'minute:left', -1)
redis.call('EXPIRE', KEYS[1], 1209600)
return 0
"""

# KEYS: a hash per host.  ARGV: window, left.  A lower report always counts; a higher one opens a new window.
_REPORT = """
local now = tonumber(redis.call('TIME')[1])
local window, left = ARGV[1], tonumber(ARGV[2])
local known = tonumber(redis.call('HGET', KEYS[1], window .. ':left') or '-1')
local most = tonumber(redis.call('HGET', KEYS[1], window .. ':most') or '0')
if left > most then redis.call('HSET', KEYS[1], window .. ':most', left) end
if known < 0 or left < known or window == 'week' then
  redis.call('HSET', KEYS[1], window .. ':left', left)
end
if window == 'week' or known < 0 then redis.call('HSET', KEYS[1], window .. ':at', now) end
return left
"""


def take(host: str, lane: str) -> None:
    """Ask for one call to `host`. Raises TryAgain with the time to come back, which is no failure."""
    try:
        wait = float(store().eval(_TAKE, 1, f"pace:{host}", KEEP_FREE[lane], ASSUMED_MINUTE))
    except redis.RedisError:
        raise TryAgain("LearnUpon's allowance could not be asked.", after=2.0, counts=False) from None
    if wait > 0:
        raise TryAgain("Waiting for LearnUpon's request allowance.", after=wait, counts=False)


def report(host: str, headers: Any) -> None:
    """Take in what an answer's headers say is left."""
    for window, name in HEADERS.items():
        value = headers.get(name, "")
        if value.isdigit():
            try:
                store().eval(_REPORT, 1, f"pace:{host}", window, int(value))
            except redis.RedisError:
                return


def stop(host: str, seconds: float) -> None:
    """LearnUpon answered 429: nobody calls this host until then."""
    try:
        store().hset(f"pace:{host}", "pause", str(int(time.time() + seconds)))
    except redis.RedisError:
        return
