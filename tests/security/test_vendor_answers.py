"""A vendor that was taken over, or somebody in between: no address leads elsewhere, no answer fills the memory."""

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from portals import connecting
from portals.clients import http
from portals.clients.errors import LONGEST, Refused, Unclear, VendorError
from portals.clients.hubspot import HubSpot
from portals.clients.learnupon import LearnUpon
from portals.lanes import Lane
from portals.models import HubSpotAccount, Portal
from tests.portals.sockets import Peer, Script, SocketServer

Serve = Callable[[Script], SocketServer]
REGIONS = ("learnupon.com", "learnuponau.com")


def answering(body: bytes, head: bytes = b"") -> Script:
    def script(peer: Peer) -> None:
        while peer.read_request():
            peer.send(b"HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s" % (head, len(body), body))

    return script


def once(answer: bytes) -> Script:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(answer)

    return script


# --- where calls go -------------------------------------------------------------------------------------
HOSTILE = [
    "evil.example", "acme.evil.example", "acme.learnupon.com.evil.example", "127.0.0.1", "169.254.169.254", "[::1]",
    "::1", "0x7f000001", "2130706433", "localhost:5432", "user:pass@evil.example", "acme.learnupon.com@evil.example",
    "evil.example/.learnupon.com", "evil.example#.learnupon.com", "evil.example?.learnupon.com",
    "evil.example\\@acme.learnupon.com", "evil.example\\.learnupon.com", "a.b.learnupon.com", "..learnupon.com",
    "-acme", "acme-", "ac me", "acme\r\nHost: evil.example", "acme\x00", "acmé", "\u0430cme", "acme。learnupon。com",
    "acme%2eevil", "x" * 64, "", ".", "//", "file:///etc/passwd", "gopher://evil.example", "http://[::1",
    "{subdomain}", "acme.learnupon.com:8443@evil.example", "ⓔvil", "xn--", "a_b",
]  # fmt: skip


def read(text: str) -> tuple[str, str] | None:
    try:
        return connecting.read_address(text)
    except connecting.ConnectError:
        return None


@pytest.mark.parametrize("text", HOSTILE)
def test_no_pasted_address_becomes_another_host(text: str, settings: Settings) -> None:
    """It is either refused, or one plain label under a host of LearnUpon's."""
    settings.LEARNUPON_URL = "https://{subdomain}.{region}"
    if found := read(text):
        name, region = found
        assert connecting.SUBDOMAIN.fullmatch(name)
        assert region in REGIONS
        assert http._allowed(f"https://{name}.{region}/api/v1/users")


@given(text=st.text(st.sampled_from("acme.learnupon:/?#@\\[]%0 \t\n-_éа。"), max_size=60))
def test_no_text_at_all_becomes_another_host(text: str) -> None:
    if found := read(text):
        name, region = found
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
        assert region in REGIONS


def test_a_hostile_address_is_told_and_nobody_is_called(
    as_acme: Client, serve: Serve, settings: Settings, acme: HubSpotAccount
) -> None:
    server = serve(answering(b"{}"))
    settings.LEARNUPON_URL = server.url + "/{subdomain}"
    refused = [text for text in HOSTILE if text and read(text) is None]
    assert len(refused) > 20
    for text in refused[:20]:
        form = {"subdomain": text, "api_key": "k", "api_secret": "s", "record_type": "contact", "sso": "none"}
        answer = as_acme.post("/portals/connect/", form)
        assert answer.status_code == 200
        assert answer.context["form"].errors["subdomain"]
    assert server.accepted == 0
    assert Portal.objects.filter(account=acme).count() == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example\\@acme.learnupon.com/",  # Python's parser and the one that connects disagree here
        "https://user:password@acme.learnupon.com/",
        "https://api.hubapi.com@evil.example/",
        "https://api.hubapi.com:443@evil.example/",
        "https://.learnupon.com/",
        "https://-a.learnupon.com/",
        "https://acme.learnupon.com./",
        "https://evil.example%2f.learnupon.com/",
        "https://evil。example.learnupon.com/",
        "https://acme.learnupon.com:80/",
        "http://acme.learnupon.com/",
        "https://127.0.0.1/",
        "https://[::ffff:7f00:1]/",
        "unix:///var/run/docker.sock",
    ],
)
def test_the_wire_itself_refuses_other_hosts(settings: Settings, url: str) -> None:
    settings.HUBSPOT_API_URL = "https://api.hubapi.com"
    settings.LEARNUPON_URL = "https://{subdomain}.{region}"
    with pytest.raises(Refused) as caught:
        http.send("GET", url, headers={})
    assert caught.value.code == "host_not_allowed"


@pytest.mark.parametrize(
    "callback", ["../../../oauth/2026-09/token", "x?y=z", "x#y", "//evil.example/", "a\r\nX: y"]
)
def test_a_callback_s_name_stays_a_name(
    serve: Serve, callback: str, clean_limiter: None, acme: HubSpotAccount
) -> None:
    """It comes from outside and becomes part of an address."""
    seen: list[bytes] = []

    def script(peer: Peer) -> None:
        while request := peer.read_request():
            seen.append(request.split(b"\r\n")[0])
            peer.send(b"HTTP/1.1 204 No Content\r\n\r\n")

    serve(script)
    HubSpot(acme, Lane.ACTIONS).complete_one(callback, {})
    (line,) = seen
    path = line.split(b" ")[1]
    assert path.startswith(b"/automation/actions/callbacks/2026-09/")
    assert path.endswith(b"/complete")
    assert path.count(b"/") == 6
    assert b"?" not in path
    assert b"#" not in path


@pytest.mark.parametrize(
    "location", ["http://169.254.169.254/latest/meta-data/", "http://127.0.0.1:{port}/inside"]
)
def test_a_vendor_s_redirect_leads_nowhere(
    serve: Serve, settings: Settings, location: str, clean_limiter: None, acme_portal: Portal
) -> None:
    inside = SocketServer(answering(b"{}"))
    target = location.format(port=inside.port).encode()
    server = serve(
        once(b"HTTP/1.1 307 Temporary Redirect\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % target)
    )
    settings.LEARNUPON_URL = server.url + "/{subdomain}"
    with pytest.raises(VendorError):
        LearnUpon(acme_portal, Lane.LIVE).fields()
    assert (server.accepted, inside.accepted) == (1, 0)
    inside.stop()


def test_a_vendor_s_next_page_is_a_word_and_not_an_address(
    serve: Serve, clean_limiter: None, acme: HubSpotAccount
) -> None:
    """HubSpot's lists name the next page and also give a whole link; only the name is used, and only as a value."""
    seen: list[bytes] = []
    after = "http://evil.example/?x=1&limit=9"

    def script(peer: Peer) -> None:
        while request := peer.read_request():
            seen.append(request.split(b"\r\n")[0])
            more = b'{"results": [], "paging": {"next": {"after": "%s", "link": "%s"}}}' % (
                (after.encode(),) * 2
            )
            body = more if len(seen) == 1 else b'{"results": []}'
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    serve(script)
    assert list(HubSpot(acme, Lane.LIVE).owners()) == []
    assert len(seen) == 2
    assert seen[1].startswith(b"GET /crm/owners/2026-09?")
    assert b"after=http%3A%2F%2Fevil.example%2F%3Fx%3D1%26limit%3D9" in seen[1]


# --- how much comes back --------------------------------------------------------------------------------
MB = 1024 * 1024


def bomb(size: int, layers: int = 1) -> bytes:
    pack = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = b"".join(pack.compress(b"\0" * MB) for _ in range(size // MB)) + pack.flush()
    for _ in range(layers - 1):
        packed = gzip.compress(packed)
    return packed


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_a_decompression_bomb_is_dropped_before_it_fills_the_memory(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, layers: int
) -> None:
    """256 MB packed into some kilobytes, or bytes."""
    monkeypatch.setattr(http, "ANSWER_LIMIT", 2 * MB)
    coding = b"Content-Encoding: " + b", ".join([b"gzip"] * layers) + b"\r\n"
    server = serve(answering(bomb(256 * MB, layers), coding))
    tracemalloc.start()
    with pytest.raises(Unclear):
        http.send("GET", server.url, headers={})
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 16 * MB


def test_a_body_without_end_is_dropped(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "ANSWER_LIMIT", 2 * MB)
    sent = [0]

    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            peer.send(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
            sent[0] += 0x10000

    with pytest.raises(Unclear):
        http.send("GET", serve(script).url, headers={})
    assert sent[0] < 64 * MB


@pytest.mark.parametrize("head", [b"X: " + b"y" * 10**6 + b"\r\n", b"X: y\r\n" * 10_000])
def test_endless_headers_are_dropped(serve: Serve, head: bytes) -> None:
    with pytest.raises(Unclear):
        http.send("GET", serve(answering(b"{}", head)).url, headers={})


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000, b'{"a":' * 100_000, b'"\\ud800"', b"\xff\xfe", b"NaN", b"1e999", b'"' + b"x" * MB, b"",
        b"\xef\xbb\xbf{}", b"{} {}", b'{"a": 01}',
    ],
)  # fmt: skip
def test_an_answer_that_is_no_plain_json_is_no_answer(body: bytes) -> None:
    with pytest.raises(Unclear):
        http.Answer(200, {}, body).json()
    assert http.Answer(400, {}, body).error() == {}


def test_a_vendor_s_reason_can_be_written_down(
    serve: Serve, clean_limiter: None, acme: HubSpotAccount
) -> None:
    """PostgreSQL takes no NUL: an error that quotes one would break the writing down of every row it is about."""
    body = b'{"message": "bad\\u0000name \\\\u0000", "correlationId": "a\\u0000b"}'
    head = b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n" % len(body)
    serve(once(head + body))
    with pytest.raises(Refused) as caught:
        HubSpot(acme, Lane.LIVE).details()
    assert "\0" not in caught.value.message + caught.value.correlation_id
    HubSpotAccount.objects.filter(pk=acme.pk).update(configuration_problem=caught.value.message)


def test_a_long_answer_of_a_vendor_is_cut_before_it_is_searched() -> None:
    """Would catch: a search for addresses that takes half an hour over a megabyte without one."""
    assert len(VendorError("a" * 200_000).message) == LONGEST
    assert "someone@x.example" not in VendorError("someone@x.example " + "a" * 200_000).message
