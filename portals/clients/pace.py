"""LearnUpon's allowance: shared per host, learnt from its headers, and left to the customer's other integrations.

LearnUpon reports what is left of the minute and of the week and publishes no limits
(https://docs.learnupon.com/api/). We stop while less than a third of the highest allowance seen is left;
history and news stop earlier, so that people waiting in a workflow go first.

The highest is forgotten when nothing as high was seen for an hour (minute) or eight days (week): an allowance that
LearnUpon lowers must not stop a portal for good.
"""

import math

import redis

from portals.clients.errors import TryAgain
from portals.clients.http import Answer
from portals.clients.limiter import store
from portals.lanes import Lane

# ASSUMPTION(learnupon-limits): an observed value, used until a portal's own headers are seen.
ASSUMED_MINUTE = 300
MINUTE, WEEK = "X-LU-Rate-Limit-Remaining-Minute", "X-LU-Rate-Limit-Remaining-Week"
# Seconds that a highest is believed without being seen again.
# ASSUMPTION(learnupon-week): the week's allowance comes back all at once, so that within eight days it is seen whole.
MINUTE_KEPT, WEEK_KEPT = 3600, 8 * 86_400
KEEP_FREE: dict[str, float] = {Lane.PRIVACY: 1 / 3, Lane.ACTIONS: 1 / 3, Lane.LIVE: 0.4, Lane.BULK: 0.5}

# Whether LearnUpon's minute begins anew all at once or rolls is documented nowhere. Our own calls of the last 60 seconds
# are counted as used either way: that is never less than LearnUpon counts of them. `others` is what its last answer
# reported beyond those.

# KEYS: a hash per host, its calls.  ARGV: share to keep free, assumed minute allowance.  Returns the seconds to wait,
# 0 = go. What is left of the week is believed for an hour; then one call finds out anew.
_TAKE = """
local t = redis.call('TIME')
local now = tonumber(t[1])
local function field(name) return tonumber(redis.call('HGET', KEYS[1], name) or '0') end
local keep, most = tonumber(ARGV[1]), field('minute:most')
if most == 0 then most = tonumber(ARGV[2]) end
if field('pause') > now then return field('pause') - now end
local week_age = now - field('week:at')
if week_age < 3600 and field('week:left') <= field('week:most') * keep then return 3600 - week_age end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', (now - 60) * 1000000 + t[2]))
local ours, others_end = redis.call('ZCARD', KEYS[2]), field('minute:at') + 60
local others = others_end > now and field('minute:others') or 0
if most - ours - others <= most * keep then
  local first = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2]
  local wait = first and math.ceil(first / 1000000) + 60 - now or 60
  if others > 0 then wait = math.min(wait, others_end - now) end
  return math.max(1, wait)
end
redis.call('ZADD', KEYS[2], string.format('%.0f', now * 1000000 + t[2]), redis.call('HINCRBY', KEYS[1], 'calls', 1))
redis.call('EXPIRE', KEYS[2], 120)
redis.call('EXPIRE', KEYS[1], 1209600)
return 0
"""

# KEYS: a hash per host, its calls.  ARGV: left of the minute, left of the week; -1 where the answer did not say; seconds
# that each one's highest is believed. Answers overtake each other, so within a minute only a report of more counts.
# Beside the highest stands the highest since it was last reached: that takes its place when its time is over. What we
# spent ourselves in the last minute was there too.
_REPORT = """
local t = redis.call('TIME')
local now = tonumber(t[1])
local minute, week = tonumber(ARGV[1]), tonumber(ARGV[2])
local function field(name) return tonumber(redis.call('HGET', KEYS[1], name) or '0') end
local function highest(name, left, spent, kept)
  local most, next = field(name .. ':most'), math.max(left, field(name .. ':next'))
  local seen = tonumber(redis.call('HGET', KEYS[1], name .. ':seen') or now)
  if left >= most or now - seen >= kept then
    most, next, seen = next, 0, now
  elseif left + spent >= most then
    next, seen = 0, now
  end
  redis.call('HSET', KEYS[1], name .. ':most', most, name .. ':next', next, name .. ':seen', seen)
  return most
end
if minute >= 0 then
  local ours = redis.call('ZCOUNT', KEYS[2], string.format('(%.0f', (now - 60) * 1000000 + t[2]), '+inf')
  local most = highest('minute', minute, ours, tonumber(ARGV[3]))
  local others = most - minute - ours
  if others > field('minute:others') or now - field('minute:at') >= 60 then
    redis.call('HSET', KEYS[1], 'minute:others', others, 'minute:at', now)
  end
end
if week >= 0 then
  highest('week', week, 0, tonumber(ARGV[4]))
  redis.call('HSET', KEYS[1], 'week:left', week, 'week:at', now)
end
"""

# KEYS: a hash per host.  ARGV: seconds. A short wait must not end a long one.
_STOP = """
local till = tonumber(redis.call('TIME')[1]) + tonumber(ARGV[1])
if till > tonumber(redis.call('HGET', KEYS[1], 'pause') or '0') then
  redis.call('HSET', KEYS[1], 'pause', till)
  redis.call('EXPIRE', KEYS[1], 1209600)
end
"""


def take(host: str, lane: str) -> None:
    """Ask for one call to `host`. Raises TryAgain with the time to come back, which is no failure."""
    try:
        wait = float(
            store().eval(_TAKE, 2, f"pace:{host}", f"pace:{host}:calls", KEEP_FREE[lane], ASSUMED_MINUTE)
        )
    except redis.RedisError:
        raise TryAgain("LearnUpon's allowance could not be asked.", after=2.0, counts=False) from None
    if wait > 0:
        raise TryAgain("Waiting for LearnUpon's request allowance.", after=wait, counts=False)


def per_minute(host: str, lane: str) -> float:
    """About how many calls a minute we make to `host` at most: the share that is not left free."""
    try:
        most = float(store().hget(f"pace:{host}", "minute:most") or 0)
    except redis.RedisError:
        most = 0.0
    return max(1.0, (most or ASSUMED_MINUTE) * (1 - KEEP_FREE[lane]))


def report(host: str, answer: Answer) -> None:
    """Take in what an answer's headers say is left."""
    minute, week = answer.number(MINUTE), answer.number(WEEK)
    if minute is None and week is None:
        return
    left = [-1 if value is None else value for value in (minute, week)]
    try:
        keys = (f"pace:{host}", f"pace:{host}:calls")
        store().eval(_REPORT, 2, *keys, *left, MINUTE_KEPT, WEEK_KEPT)
    except redis.RedisError:
        return


def stop(host: str, seconds: float) -> None:
    """LearnUpon answered 429: nobody calls this host until then."""
    try:
        store().eval(_STOP, 1, f"pace:{host}", math.ceil(seconds))
    except redis.RedisError:
        return
