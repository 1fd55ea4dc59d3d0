"""One thing wrong with a request that was made from the document: strategies of changes to apply before it is signed."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from requests import PreparedRequest
from urllib3 import HTTPHeaderDict

from stack.fuzz import values

HERE = "@here@"  # stands in JSON for what only raw bytes can say


@dataclass(frozen=True)
class Twist:
    name: str
    apply: Callable[[PreparedRequest], None] = field(default=lambda request: None, repr=False)
    also: frozenset[int] = frozenset()  # statuses from before an address is reached


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every place of a JSON value that can hold another one: the container and the key."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    here = [(value, key) for key in keys]
    return here + [place for key in keys for place in _places(value[key])]


def set_body(request: PreparedRequest, body: bytes) -> None:
    request.body = body
    request.headers["Content-Length"] = str(len(body))


def _one_value(number: int, raw: bytes) -> Twist:
    def apply(request: PreparedRequest) -> None:
        try:
            read = json.loads(request.body or b"")
        except ValueError:
            return
        places = _places(read)
        if places:
            container, key = places[number % len(places)]
            container[key] = HERE
        written = json.dumps(read if places else HERE).encode()
        set_body(request, written.replace(f'"{HERE}"'.encode(), raw))

    return Twist(f"value {raw[:30]!r}", apply)


def _doubled(number: int, raw: bytes) -> Twist:
    """The same name twice in one object."""

    def apply(request: PreparedRequest) -> None:
        body = request.body if isinstance(request.body, bytes) else b""
        names = [
            name for name in (b"origin", b"object", b"callbackId", b"data", b"portal") if b'"' + name in body
        ]
        if names and body.lstrip().startswith(b"{"):
            name = names[number % len(names)]
            set_body(request, b'{"' + name + b'":' + raw + b"," + body.lstrip()[1:])

    return Twist(f"doubled {raw[:30]!r}", apply)


def _cut(number: int, put: bytes) -> Twist:
    def apply(request: PreparedRequest) -> None:
        body = request.body if isinstance(request.body, bytes) else b""
        at = number % (len(body) + 1)
        set_body(request, body[:at] + put + (body[at:] if put else b""))

    return Twist(f"cut {put!r}", apply)


def _encoded(codec: str) -> Twist:
    def apply(request: PreparedRequest) -> None:
        body = request.body if isinstance(request.body, bytes) else b""
        set_body(request, body.decode("utf-8", "replace").encode(codec, "replace"))

    return Twist(f"encoded {codec}", apply)


def _body(body: bytes) -> Twist:
    return Twist(f"body {body[:30]!r}", lambda request: set_body(request, body))


def _headers(pairs: tuple[tuple[str, str], ...], also: frozenset[int] = frozenset()) -> Twist:
    def apply(request: PreparedRequest) -> None:
        kept = HTTPHeaderDict()
        names = {name.lower() for name, _ in pairs}
        for name, value in [(n, v) for n, v in request.headers.items() if n.lower() not in names] + list(
            pairs
        ):
            kept.add(name, value)
        request.headers = kept  # type: ignore[assignment]  # it can hold a name twice, and requests only hands it on

    return Twist(f"header {pairs[0][0]}: {pairs[0][1][:40]!r}", apply, also)


def _query(text: str) -> Twist:
    def apply(request: PreparedRequest) -> None:
        url = request.url or ""
        request.url = url + ("&" if "?" in url else "?") + text

    return Twist(f"query {text[:40]!r}", apply, frozenset({414}))


def _path(text: str) -> Twist:
    def apply(request: PreparedRequest) -> None:
        path, mark, query = (request.url or "").partition("?")
        request.url = path + text + mark + query

    return Twist(f"path {text[:40]!r}", apply, frozenset({404, 414}))


def _method(method: str) -> Twist:
    def apply(request: PreparedRequest) -> None:
        request.method = method

    return Twist(f"method {method}", apply, frozenset({404, 405}))


NONE = Twist("none")
NUMBERS = st.integers(0, 10_000)
FOR_BODIES = (
    st.builds(_one_value, NUMBERS, st.sampled_from(values.JSON_VALUES))
    | st.builds(_doubled, NUMBERS, st.sampled_from(values.JSON_VALUES))
    | st.builds(_cut, NUMBERS, st.sampled_from([b"", b"\x00", b"\xff", b"\\", b'"', b"{", b"\xed\xa0\x80"]))
    | st.builds(_encoded, st.sampled_from(["utf-16", "utf-32", "latin-1", "utf-8-sig", "utf-7"]))
    | st.builds(_body, st.sampled_from(values.BODIES))
    | st.builds(_body, st.binary(max_size=200))
)
FOR_ADDRESSES = (
    st.builds(_headers, st.sampled_from(values.HEADERS))
    | st.builds(_headers, st.sampled_from(values.OUTSIDE), st.just(frozenset({400, 431})))
    | st.builds(_query, st.sampled_from(values.QUERIES))
    | st.builds(_path, st.sampled_from(values.PATHS))
    | st.builds(_method, st.sampled_from(values.METHODS))
)
