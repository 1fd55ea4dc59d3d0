"""One HTTP call, bounded as a whole: allow-listed host, no redirect, no cookie, a deadline from first byte to last."""

import io
import logging
import re
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import orjson
import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from portals import context, counters
from portals.clients.errors import Refused, TryAgain, Unclear

logger = logging.getLogger(__name__)
ANSWER_LIMIT = 32 * 1024 * 1024
CONNECT_SECONDS = 5
_local = threading.local()  # .deadline: the monotonic end of the call this thread is making


class _BoundedReader(io.RawIOBase):
    """Reads a socket until the call's deadline. A read time-out alone bounds only each read: a server that drips
    a byte a second would hold a worker for ever."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = getattr(_local, "deadline", time.monotonic() + settings.CALL_DEADLINE) - time.monotonic()
        if left <= 0:
            raise TimeoutError("the call's deadline has passed")
        self._sock.settimeout(left)
        return int(self._sock.recv_into(buffer))


class _BoundedSocket:
    """A connected socket whose file for reading obeys the deadline; everything else is the socket's own."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def makefile(self, mode: str, *args: Any, **kwargs: Any) -> io.BufferedReader:
        # The socket must outlive `close()` for as long as the response reads from it, as socket.makefile sees to.
        self._sock._io_refs += 1
        reader = _BoundedReader(self._sock)
        reader_close = reader.close

        def close() -> None:
            if not reader.closed:
                reader_close()
                self._sock._decref_socketios()

        reader.close = close  # type: ignore[method-assign]
        return io.BufferedReader(reader)


class _BoundedHTTP(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        self.sock = _BoundedSocket(self.sock)


class _BoundedHTTPS(HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        self.sock = _BoundedSocket(self.sock)


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _BoundedHTTP


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _BoundedHTTPS


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}


def _session() -> requests.Session:
    """One session a process: its pools are safe to share, and it keeps no cookies and reads no proxy settings."""
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = _Adapter(pool_connections=16, pool_maxsize=32, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


session = _session()


_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NUMBER = re.compile(r"/\d+(?=/|$)")
_NUL = re.compile(rb"\\\\|\\u0000")


def without_nul(body: bytes) -> bytes:
    """JSON whose texts hold no NUL character, because PostgreSQL cannot. An escaped backslash before `u0000` is no
    NUL, only text that looks like one."""
    if b"\\u0000" not in body:
        return body
    return _NUL.sub(lambda found: b"" if found[0] == b"\\u0000" else found[0], body)


@dataclass(frozen=True)
class Answer:
    """What came back. `at` is the vendor's clock (its Date header), ours where it sent none."""

    status: int
    headers: Any
    body: bytes

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def at(self) -> datetime:
        with suppress(KeyError, TypeError, ValueError):
            moment = parsedate_to_datetime(self.headers["Date"])
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return datetime.now(UTC)

    @property
    def correlation_id(self) -> str:
        """What the vendor calls this call in its own logs."""
        given = self.headers.get("X-HubSpot-Correlation-Id") or self.headers.get("X-Request-Id") or ""
        return given if re.fullmatch(r"[\w-]{1,64}", given, re.ASCII) else ""

    def number(self, header: str) -> int | None:
        """A header that is a whole number of sane size; int() would also take other scripts' digits, or choke."""
        text = self.headers.get(header) or ""
        return int(text) if re.fullmatch(r"[0-9]{1,12}", text) else None

    def json(self) -> Any:
        """The body as JSON; anything else counts as no usable answer."""
        try:
            return orjson.loads(without_nul(self.body))
        except orjson.JSONDecodeError:
            raise Unclear("The answer was not JSON.") from None

    def error(self) -> dict[str, Any]:
        """The body of a failed call as an object, empty where it is none."""
        with suppress(orjson.JSONDecodeError):
            parsed = orjson.loads(without_nul(self.body))
            if isinstance(parsed, dict):
                return parsed
        return {}


def send(
    method: str,
    url: str,
    *,
    headers: dict[str, str],
    body: bytes | None = None,
    auth: tuple[str, str] | None = None,
) -> Answer:
    """Make one call. Raises TryAgain when nothing was sent, Unclear when the answer is missing or incomplete."""
    if not _allowed(url):
        raise Refused("This address is not one Hubsync may call.", code="host_not_allowed")
    vendor = "hubspot" if url.startswith(f"{settings.HUBSPOT_API_URL}/") else "learnupon"
    path = _NUMBER.sub("/*", urlsplit(url).path)  # without the query, where e-mails are
    began, answer = time.monotonic(), None
    with context.within(f"call {vendor}", vendor=vendor, method=method, path=path):
        try:
            answer = _call(method, url, headers, body, auth)
            return answer
        finally:
            _tell(vendor, time.monotonic() - began, answer)


def _tell(vendor: str, seconds: float, answer: Answer | None) -> None:
    """One log line, span and count for each call; the vendor's own id leads to their logs."""
    status = _status_class(answer.status) if answer else "none"
    known = {
        "status": answer.status if answer else 0,
        "correlation_id": answer.correlation_id if answer else "",
    }
    context.note(**known)
    logger.info("called", extra=known | {"seconds": round(seconds, 3)})
    counters.count("hubsync_vendor_calls", vendor, status)
    counters.observe("hubsync_vendor_seconds", seconds, vendor)


def _status_class(status: int) -> str:
    """What operators look at; 207 and 429 mean something of their own, the rest goes by its first digit."""
    return str(status) if status in (207, 429) else f"{status // 100}xx"


def _call(
    method: str, url: str, headers: dict[str, str], body: bytes | None, auth: tuple[str, str] | None
) -> Answer:
    _local.deadline = time.monotonic() + settings.CALL_DEADLINE
    # As bytes, because requests writes text as Latin-1 and a pasted key may hold any character.
    credentials = HTTPBasicAuth(auth[0].encode(), auth[1].encode()) if auth else None
    try:
        response = session.request(
            method, url, headers=headers, data=body, auth=credentials, allow_redirects=False, stream=True,
            timeout=(min(CONNECT_SECONDS, settings.CALL_DEADLINE), settings.CALL_DEADLINE),
        )  # fmt: skip
        with response:
            return Answer(response.status_code, response.headers, _read(response))
    except requests.ConnectTimeout:
        raise TryAgain("The server could not be reached in time.", vendor_failed=True) from None
    except requests.ConnectionError as error:
        if _never_sent(error):
            raise TryAgain("The server could not be reached.", vendor_failed=True) from None
        raise Unclear("The connection broke before the answer was complete.", vendor_failed=True) from None
    except (requests.RequestException, OSError):
        raise Unclear("The answer did not come in time or was cut short.", vendor_failed=True) from None
    finally:
        del _local.deadline


def _read(response: requests.Response) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(64 * 1024):
        body += chunk
        if len(body) > ANSWER_LIMIT:
            raise Unclear("The answer was too large.")
    return bytes(body)


def _never_sent(error: requests.ConnectionError) -> bool:
    """True where no connection came about (refused, unknown host), so that nothing can have been done."""
    cause = error.args[0] if error.args else None
    cause = getattr(cause, "reason", cause)
    return type(cause).__name__ in ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError")


def _allowed(url: str) -> bool:
    """HubSpot's API, and LearnUpon's hosts as LEARNUPON_URL writes them: nothing else is ever called.

    Read by the parser that connects: `https://evil.example\\@acme.learnupon.com` is LearnUpon's for Python's own."""
    try:
        parts = parse_url(url)
    except LocationParseError:
        return False
    if parts.auth is not None or not url.isascii():
        return False
    for allowed in (settings.HUBSPOT_API_URL, settings.LEARNUPON_URL):
        base = urlsplit(allowed)
        if parts.scheme != base.scheme:
            continue
        if "{subdomain}" in base.netloc:
            label, _, region = (parts.host or "").partition(".")
            if region in settings.LEARNUPON_REGIONS and _LABEL.fullmatch(label) and parts.port is None:
                return True
        elif (parts.host, parts.port) == (base.hostname, base.port):
            return True
    return False
