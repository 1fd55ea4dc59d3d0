"""How often one address, one account or one name may try what is worth guessing: signing in, connecting, admin login.

Counted in Redis, so for all processes together. While Redis does not answer each process counts by itself: signing in
goes on, and so does the limit. Addresses and names are counted under a keyed hash, never as they are.
"""

import hashlib
import hmac
import ipaddress
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portals.clients import limiter

PREFIX = "throttle"
# A Redis that did not answer is left alone for so long, so that nobody waits for it in a row.
AWAY_SECONDS = 5.0
MOST_REMEMBERED = 10_000

_COUNT = """
local n = redis.call('INCR', KEYS[1])
if n == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return {n, redis.call('TTL', KEYS[1])}
"""


@dataclass(frozen=True)
class Limit:
    most: int
    seconds: int


@dataclass(frozen=True)
class Rule:
    """What is counted together under one name, and how much of it there may be by each measure."""

    bucket: str
    address: Limit
    account: Limit | None = None
    name: Limit | None = None


_SIGN_IN = Rule("sign-in", address=Limit(60, 60))
_KEYS = Rule("keys", address=Limit(60, 600), account=Limit(20, 600))
_ADMIN = Rule("admin", address=Limit(10, 300), name=Limit(30, 900))
_LINKS = Rule("links", address=Limit(60, 60))
RULES: dict[tuple[str, str], Rule] = {
    ("GET", "portals:start"): _SIGN_IN,
    ("GET", "portals:callback"): _SIGN_IN,
    ("POST", "portals:connect"): _KEYS,
    ("POST", "portals:keys"): _KEYS,
    ("POST", "admin:login"): _ADMIN,
    ("POST", "admin:password_change"): _ADMIN,  # it asks for the old one, so it can be guessed there too
    ("GET", "portals:unsubscribe"): _LINKS,
    ("POST", "portals:unsubscribe"): _LINKS,
    ("GET", "learners:silence"): _LINKS,
    ("POST", "learners:silence"): _LINKS,
}
# Requests to LearnUpon's webhook addresses that nobody signed (webhooks/authentication.py).
UNSIGNED = Rule("unsigned", address=Limit(300, 60))


class ThrottleMiddleware:
    """Answers 429 with a plain page when a rule is used up; it stands behind the middleware that knows the account."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *view: Any) -> HttpResponse | None:
        name = request.resolver_match.view_name if request.resolver_match else ""
        rule = RULES.get((request.method or "", name))
        wait = spend(rule, request) if rule else 0
        if not wait:
            return None
        answer = render(request, "429.html", {"minutes": -(-wait // 60)}, status=429)
        answer["Retry-After"] = str(wait)
        return answer


def spend(rule: Rule, request: HttpRequest) -> int:
    """Count this request; the seconds to stay away when there were too many, else 0."""
    account = getattr(request, "account", None)
    measures: list[tuple[str, object, Limit | None]] = [
        ("address", client_address(request), rule.address),
        ("account", account.pk if account else None, rule.account),
        ("name", _whose_password(request) if rule.name else None, rule.name),
    ]
    waits = [
        _over(f"{rule.bucket}:{kind}:{who}", limit)
        for kind, who, limit in measures
        if limit and who is not None
    ]
    return max(waits)


def _whose_password(request: HttpRequest) -> str | None:
    """The name at the login, as Django's login reads it: a space or a wide letter more would else be a name of its own.
    Behind the login it is whoever is signed in; what is posted there as a name counts for nothing."""
    if request.resolver_match and request.resolver_match.view_name == "admin:login":
        name = request.POST.get("username", "")
    else:
        name = request.user.get_username()
        if not name:
            return None  # nobody's password can be tried
    return unicodedata.normalize("NFKC", name.strip()).strip().casefold()[:200]


def client_address(request: HttpRequest) -> str:
    """Who is at the other end: the peer, or what the outermost of our own PROXY_COUNT proxies saw. What stands further
    left in X-Forwarded-For was written by the caller. An IPv6 network of one customer (/64) counts as one."""
    seen = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
    count = int(settings.PROXY_COUNT)
    peer = str(request.META.get("REMOTE_ADDR", ""))
    return _network(seen[-count]) or peer if 0 < count <= len(seen) else _network(peer) or peer


def _network(text: str) -> str:
    if text.count(":") == 1 or text.startswith("["):  # some proxies add the port
        text = text.rpartition(":")[0].strip("[]")
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and not address.ipv4_mapped:
        return str(ipaddress.ip_network((address, 64), strict=False).network_address)
    return str(getattr(address, "ipv4_mapped", None) or address)


# --- counting -----------------------------------------------------------------------------------------
_away_until = 0.0
_here: dict[str, tuple[int, float]] = {}  # key -> how many, and the monotonic end of the window


def _over(subject: str, limit: Limit) -> int:
    key = hmac.new(settings.SECRET_KEY.encode(), subject.encode(), hashlib.sha256).hexdigest()[:32]
    count, left = _shared(f"{PREFIX}:{key}", limit) or _own(f"{PREFIX}:{key}", limit)
    return max(left, 1) if count > limit.most else 0


def _shared(key: str, limit: Limit) -> tuple[int, int] | None:
    """How many within the window and the seconds it lasts; None while Redis does not answer."""
    global _away_until
    if time.monotonic() < _away_until:
        return None
    try:
        count, left = limiter.store().eval(_COUNT, 1, key, limit.seconds)
    except redis.RedisError:
        _away_until = time.monotonic() + AWAY_SECONDS
        return None
    return int(count), int(left)


def _own(key: str, limit: Limit) -> tuple[int, int]:
    """The same, counted by this process alone; the oldest are forgotten when there are very many."""
    now = time.monotonic()
    count, end = _here.pop(key, (0, 0.0))
    if end <= now:
        count, end = 0, now + limit.seconds
    _here[key] = (count + 1, end)
    if len(_here) > MOST_REMEMBERED:
        _here.pop(next(iter(_here)), None)
    return count + 1, int(end - now) + 1
