"""The wire against servers that misbehave: every call ends, and says whether it may have been done."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
import requests
from pytest_django import Settings

from portals.clients import http
from portals.clients.errors import Refused, TryAgain, Unclear
from portals.clients.http import Answer
from tests.portals.sockets import Peer, Script, SocketServer

Serve = Callable[[Script], SocketServer]
DEADLINE = 0.4
LONG = b"x" * 400  # dripped at 0.02 s a byte: far longer than the deadline, and it ends by itself


@pytest.fixture(autouse=True)
def short_deadline(settings: Settings) -> None:
    settings.CALL_DEADLINE = DEADLINE


def get(server: SocketServer, path: str = "/") -> Answer:
    return http.send("GET", server.url + path, headers={})


def plain(peer: Peer, body: bytes = b"{}", head: bytes = b"200 OK") -> None:
    peer.read_request()
    peer.send(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (head, len(body), body))


def test_an_answer_comes_back_whole(serve: Serve) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(b'HTTP/1.1 207 Multi-Status\r\nContent-Length: 8\r\nX-A: b\r\n\r\n{"a": 1}')

    answer = get(serve(script))
    assert (answer.status, answer.headers["x-a"], answer.json()) == (207, "b", {"a": 1})


def test_a_dripped_head_ends_at_the_deadline(serve: Serve) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Slow: ")
        peer.drip(LONG, 0.02)
        peer.send(b"\r\n\r\n")

    with pytest.raises(Unclear):
        get(serve(script))


def test_a_dripped_body_ends_at_the_deadline(serve: Serve) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n")
        peer.drip(LONG, 0.02)

    with pytest.raises(Unclear):
        get(serve(script))


def test_a_dripped_chunked_body_ends_at_the_deadline(serve: Serve) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        peer.drip(b"1\r\nx\r\n" * 100 + b"0\r\n\r\n", 0.01)

    with pytest.raises(Unclear):
        get(serve(script))


def test_silence_ends_at_the_deadline(serve: Serve) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.hang()

    with pytest.raises(Unclear):
        get(serve(script))


def test_the_deadline_of_one_call_is_not_that_of_the_next(serve: Serve) -> None:
    """A connection kept alive is used again after the first call's deadline has passed."""
    calls: list[bytes] = []

    def script(peer: Peer) -> None:
        while request := peer.read_request():
            calls.append(request)
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    server = serve(script)
    end = time.monotonic() + 2 * DEADLINE
    while time.monotonic() < end:
        assert get(server).status == 200
    assert server.accepted == 1
    assert len(calls) > 1


@pytest.mark.parametrize("promise", [b"Content-Length: 100", b"Transfer-Encoding: chunked"])
def test_a_body_cut_short_is_unclear(serve: Serve, promise: bytes) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\n" + promise + b"\r\n\r\n5\r\n{}{}{")

    with pytest.raises(Unclear):
        get(serve(script))


def test_a_reset_after_the_request_is_unclear(serve: Serve) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.reset()

    with pytest.raises(Unclear):
        get(serve(script))


def test_a_server_that_hangs_up_without_a_word_is_unclear(serve: Serve) -> None:
    with pytest.raises(Unclear):
        get(serve(lambda peer: None))


def test_bytes_that_are_not_http_are_unclear(serve: Serve) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")

    with pytest.raises(Unclear):
        get(serve(script))


def test_a_compressed_body_that_is_broken_is_unclear(serve: Serve) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nxxxx")

    with pytest.raises(Unclear):
        get(serve(script))


def test_a_refused_connection_was_never_sent(serve: Serve) -> None:
    server = serve(plain)
    server.stop()
    with pytest.raises(TryAgain) as caught:
        get(server)
    assert not isinstance(caught.value, Unclear)


def test_a_redirect_is_an_answer_and_is_not_followed(serve: Serve) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")

    server = serve(script)
    assert get(server).status == 302
    assert server.accepted == 1


@pytest.mark.parametrize("status", [b"400 Bad Request", b"500 Oops"])
def test_a_failed_call_is_made_once(serve: Serve, status: bytes) -> None:
    """No library may repeat a POST on its own."""
    server = serve(lambda peer: plain(peer, b"{}", status))
    answer = http.send("POST", server.url, headers={}, body=b"{}")
    assert answer.status == int(status[:3])
    assert server.accepted == 1


def test_an_answer_that_is_too_large_is_dropped(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "ANSWER_LIMIT", 1000)
    assert len(get(serve(lambda peer: plain(peer, b"x" * 1000))).body) == 1000
    with pytest.raises(Unclear):
        get(serve(lambda peer: plain(peer, b"x" * 1001)))


def test_cookies_are_not_kept(serve: Serve) -> None:
    """One session serves all tenants: a cookie of one account must not go out with another's call."""
    seen: list[bytes] = []

    def script(peer: Peer) -> None:
        while request := peer.read_request():
            seen.append(request.lower())
            peer.send(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n")

    server = serve(script)
    get(server)
    get(server)
    assert len(seen) == 2
    assert not any(b"\r\ncookie:" in request for request in seen)


def test_proxies_and_netrc_of_the_machine_are_not_used(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert get(serve(plain)).status == 200


def test_keys_of_any_characters_can_be_sent(serve: Serve) -> None:
    """A pasted key may hold a typographic quote; the call must end in a 401, not in an error of ours."""
    seen: list[bytes] = []

    def script(peer: Peer) -> None:
        seen.append(peer.read_request())
        peer.send(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")

    server = serve(script)
    assert http.send("GET", server.url, headers={}, auth=("“key”", "sécret")).status == 401
    expected = requests.auth._basic_auth_str("“key”".encode(), "sécret".encode())
    assert expected.encode() in seen[0]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}0/", "http://localhost:{port}/", "https://127.0.0.1:{port}/", "ftp://127.0.0.1:{port}/",
        "http://127.0.0.1/", "http://127.0.0.1:{port}@evil.example/", "http://evil.example/127.0.0.1:{port}", "",
        "//127.0.0.1:{port}/", "http://127.0.0.1:x/", "http://[::1/",
    ],
)  # fmt: skip
def test_no_other_host_is_called(serve: Serve, url: str) -> None:
    server = serve(plain)
    with pytest.raises(Refused) as caught:
        http.send("GET", url.format(port=server.port), headers={})
    assert caught.value.code == "host_not_allowed"
    assert server.accepted == 0


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://api.hubapi.com/crm", True),
        ("https://acme.learnupon.com/api/v1/users", True),
        ("https://acme.learnuponau.com/api", True),
        ("http://api.hubapi.com/crm", False),
        ("https://api.hubapi.com:8443/", False),
        ("https://acme.learnupon.com.evil.example/", False),
        ("https://evil.example/.learnupon.com", False),
        ("https://a.b.learnupon.com/", False),
        ("https://acme.learnupon.com:8443/", False),
        ("https://notlearnupon.com/", False),
        ("https://learnupon.com/", False),
    ],
)
def test_the_real_hosts(settings: Settings, url: str, allowed: bool) -> None:
    settings.HUBSPOT_API_URL = "https://api.hubapi.com"
    settings.LEARNUPON_URL = "https://{subdomain}.{region}"
    assert http._allowed(url) is allowed


@pytest.mark.parametrize(
    ("header", "moment"),
    [
        ("Sun, 22 Nov 2026 11:00:00 GMT", datetime(2026, 11, 22, 11, tzinfo=UTC)),
        ("Sun, 22 Nov 2026 11:00:00 +0200", datetime(2026, 11, 22, 11, tzinfo=timezone(timedelta(hours=2)))),
        ("Sun, 22 Nov 2026 11:00:00 -0000", datetime(2026, 11, 22, 11, tzinfo=UTC)),
        ("Sun, 22 Nov 2026 11:00:00", datetime(2026, 11, 22, 11, tzinfo=UTC)),
    ],
)
def test_the_vendors_clock_always_has_a_zone(header: str, moment: datetime) -> None:
    """Times are compared with the database's, and a naive one cannot be."""
    assert Answer(200, {"Date": header}, b"").at == moment


@pytest.mark.parametrize("header", ["", "yesterday", "Sun, 99 Nov 2026 11:00:00 GMT"])
def test_our_clock_stands_in_for_a_broken_one(header: str) -> None:
    assert abs(Answer(200, {"Date": header}, b"").at - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'"text"', b"\xff"])
def test_an_error_body_of_any_shape_is_an_object(body: bytes) -> None:
    assert Answer(500, {}, body).error() == {}


@pytest.mark.parametrize("value", ["²", "-1", "1.5", "", "9" * 5000, "٣", "1 "])
def test_only_plain_numbers_are_read_from_headers(value: str) -> None:
    assert Answer(429, {"Retry-After": value}, b"").number("Retry-After") is None


def test_a_plain_number_is_read_from_a_header() -> None:
    answer = Answer(429, requests.structures.CaseInsensitiveDict({"retry-after": "30"}), b"")
    assert answer.number("Retry-After") == 30
    assert answer.number("X-Missing") is None
