"""Signatures: HubSpot's own vectors, forgeries, and that any change refuses."""

import hashlib
import hmac
import string
from typing import Any

import pytest
from hubspot.utils.signature import Signature
from hypothesis import given
from hypothesis import strategies as st

from webhooks import signatures
from webhooks.signatures import WINDOW_MS, hubspot_ok, hubspot_v2, hubspot_v3, learnupon_ok

Y = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
W = "https://www.example.com/webhook_uri"
Q = b"{'example_field':'example_value'}"
EV = (
    b'[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,"subscriptionType":'
    b'"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW","appId":54321}]'
)
NOW = 1_693_657_560_000


def v1(signature: str) -> dict[str, str]:
    return {"X-HubSpot-Signature": signature, "X-HubSpot-Signature-Version": "v1"}


def v2(signature: str) -> dict[str, str]:
    return {"X-HubSpot-Signature": signature, "X-HubSpot-Signature-Version": "v2"}


def v3(signature: str, stamp: int | str = NOW) -> dict[str, str]:
    return {"X-HubSpot-Signature-v3": signature, "X-HubSpot-Request-Timestamp": str(stamp)}


# The published vectors, with the clock at the stamp of those that carry one.
VECTORS: list[tuple[int, str, bytes, dict[str, str], int, bool]] = [
    (1, "POST", EV, v1("232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de"), NOW, False),
    (2, "POST", Q, v1("69fc6631a867edd4f9e9e627fc5c1148e3fbdd8b21837b6d2b8901c1fa57f750"), NOW, False),
    (3, "POST", Q, v2("4fe4e3a7d3cf09db53be39d0a58130e2aaba074ec123a9e355b876a689a1c383"), NOW, True),
    (4, "GET", b"", v2("eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e"), NOW, True),
    (5, "POST", b'{"example_field":"example_value"}',
     v2("9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900"), NOW, True),
    (6, "POST", Q, v3("K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y=", 1693657560000), 1693657560000, True),
    (7, "POST", Q, v3("RnbPH7+UMKVkbV32P8bz450N4M56aPmcru1+D3kSDtw=", 1700000300000), 1700000300000, True),
]  # fmt: skip


@pytest.mark.parametrize(("number", "method", "body", "headers", "now", "accepted"), VECTORS)
def test_published_vectors(
    number: int, method: str, body: bytes, headers: dict[str, str], now: int, accepted: bool
) -> None:
    assert hubspot_ok([Y], method, W, body, headers, now) is accepted


def signed(**changes: Any) -> dict[str, str]:
    stamp = str(changes.pop("stamp", NOW))
    return v3(hubspot_v3(changes.pop("secret", Y), "POST", W, Q, stamp), stamp)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(secret="another"),
        v3(""),
        v3("“"),
        v3("\udcff"),
        v3("x" * 100_000),
        {"X-HubSpot-Signature-v3": signed()["X-HubSpot-Signature-v3"]},
        signed(stamp=""),
        signed(stamp="soon"),
        signed(stamp="-1"),
        signed(stamp=f" {NOW}"),
        signed(stamp=f"{NOW}.0"),
        signed(stamp=str(NOW).replace("3", "³")),
        signed(stamp=str(NOW).replace("1", "\u0661")),
        signed(stamp="9" * 5000),
        signed(stamp=NOW - WINDOW_MS - 1),
        signed(stamp=NOW + WINDOW_MS + 1),
        signed(stamp=NOW + 10 * 365 * 86_400_000),
        v3(signed()["X-HubSpot-Signature-v3"], NOW + 1),
        {"X-HubSpot-Signature": hubspot_v2(Y, "POST", W, Q)},
        {"X-HubSpot-Signature": hubspot_v2(Y, "POST", W, Q), "X-HubSpot-Signature-Version": "v1"},
        {"X-HubSpot-Signature": hubspot_v2(Y, "POST", W, Q), "X-HubSpot-Signature-Version": "V2"},
        v2(hubspot_v2(Y, "GET", W, Q)),
        v2(""),
        v2("é"),
    ],
)
def test_forgeries(headers: dict[str, str]) -> None:
    assert hubspot_ok([Y], "POST", W, Q, headers, NOW) is False


def test_a_broken_v3_is_not_saved_by_a_good_v2() -> None:
    """Otherwise an old v2 request could be replayed for ever under any v3 header."""
    headers = v2(hubspot_v2(Y, "POST", W, Q)) | v3("forged")
    assert not hubspot_ok([Y], "POST", W, Q, headers, NOW)
    assert not hubspot_ok([Y], "POST", W, Q, headers | {"X-HubSpot-Signature-v3": ""}, NOW)


@pytest.mark.parametrize("offset", [-WINDOW_MS, 0, WINDOW_MS])
def test_five_minutes_either_way(offset: int) -> None:
    assert hubspot_ok([Y], "POST", W, Q, signed(stamp=NOW + offset), NOW)


@pytest.mark.parametrize("make", [v2, v3])
def test_both_secrets_hold_while_one_is_rotated(make: Any) -> None:
    for secret in ("new", "old"):
        signature = (
            hubspot_v2(secret, "POST", W, Q) if make is v2 else hubspot_v3(secret, "POST", W, Q, str(NOW))
        )
        assert hubspot_ok(["new", "old"], "POST", W, Q, make(signature), NOW)
        assert not hubspot_ok(["newer"], "POST", W, Q, make(signature), NOW)
        assert not hubspot_ok([], "POST", W, Q, make(signature), NOW)


def test_raw_and_decoded_addresses_are_both_accepted() -> None:
    raw = "https://a.example/cards?email=a%40b.c&at=10%3A30&path=%2Fx&space=a%20b&lower=%2f"
    plain = "https://a.example/cards?email=a@b.c&at=10:30&path=/x&space=a%20b&lower=/"
    assert signatures.decoded(raw) == plain
    for signed_uri in (raw, plain):
        headers = v3(hubspot_v3(Y, "GET", signed_uri, b"", str(NOW)))
        assert hubspot_ok([Y], "GET", raw, b"", headers, NOW)
    fully = plain.replace("%20", " ")
    assert not hubspot_ok([Y], "GET", raw, b"", v3(hubspot_v3(Y, "GET", fully, b"", str(NOW))), NOW)


def test_decoding_does_not_happen_twice() -> None:
    """%2540 means the text "%40": turning it into "@" would let one address pass for another."""
    assert signatures.decoded("https://a.example/?q=%2540") == "https://a.example/?q=%2540"


written = st.text(st.characters(codec="utf-8"), max_size=200)
texts = st.text(string.ascii_letters + string.digits + "/?&=%-_.", max_size=40)


@given(
    secret=written.filter(bool),
    path=texts,
    body=st.binary(max_size=200),
    skew=st.integers(-WINDOW_MS, WINDOW_MS),
)
def test_what_was_signed_verifies(secret: str, path: str, body: bytes, skew: int) -> None:
    uri, stamp = f"https://hubsync.example{path}", str(NOW + skew)
    assert hubspot_ok(
        [secret], "POST", uri, body, v3(hubspot_v3(secret, "POST", uri, body, stamp), stamp), NOW
    )
    assert hubspot_ok([secret], "POST", uri, body, v2(hubspot_v2(secret, "POST", uri, body)), NOW)


@given(body=st.binary(min_size=1, max_size=200), position=st.integers(0), flip=st.integers(1, 255))
def test_one_changed_byte_refuses(body: bytes, position: int, flip: int) -> None:
    changed = bytearray(body)
    changed[position % len(body)] ^= flip
    for headers in (v3(hubspot_v3(Y, "POST", W, body, str(NOW))), v2(hubspot_v2(Y, "POST", W, body))):
        assert hubspot_ok([Y], "POST", W, body, headers, NOW)
        assert not hubspot_ok([Y], "POST", W, bytes(changed), headers, NOW)


@given(
    field=st.sampled_from(["method", "uri", "secret", "stamp", "signature"]), extra=st.sampled_from("aZ09")
)
def test_one_changed_character_anywhere_refuses(field: str, extra: str) -> None:
    parts = {"method": "POST", "uri": W, "secret": Y, "stamp": str(NOW)}
    parts["signature"] = hubspot_v3(Y, "POST", W, Q, str(NOW))
    parts[field] += extra
    headers = v3(parts["signature"], parts["stamp"])
    assert not hubspot_ok([parts["secret"]], parts["method"], parts["uri"], Q, headers, NOW)


@given(secret=st.text(string.printable, min_size=1), path=texts, body=written)
def test_ordinary_signatures_are_those_of_hubspots_own_client(secret: str, path: str, body: str) -> None:
    uri = f"https://hubsync.example{path}"
    assert hubspot_v3(secret, "POST", uri, body.encode(), str(NOW)) == Signature.get_signature(
        secret, body, "v3", http_uri=uri, http_method="POST", timestamp=str(NOW)
    )
    assert hubspot_v2(secret, "POST", uri, body.encode()) == Signature.get_signature(
        secret, body, "v2", http_uri=uri, http_method="POST"
    )


# --- LearnUpon ------------------------------------------------------------------------------------------
LU_BODY = b'{"data":[{"courseId":1,"enrollmentId":2,"enrollmentStatus":"completed"}]}'
LU_SIGNATURE = "f3028b2b5fdc91e2fe6df1fdbeef5a2089f84b30867f36d79985984889118e00"


@pytest.mark.parametrize("signature", [LU_SIGNATURE, LU_SIGNATURE.upper(), f" {LU_SIGNATURE}\n"])
def test_learnupon_vector(signature: str) -> None:
    assert learnupon_ok("test-secret", LU_BODY, signature)


@pytest.mark.parametrize(
    ("secret", "body", "signature"),
    [
        ("", LU_BODY, "42b2d6e0ec2c60de4bd35c4ff5d4ff2ab0fb8a8e9f1d0ee1e0d7d0c3a0d5be3e"),
        ("another", LU_BODY, LU_SIGNATURE),
        ("test-secret", LU_BODY + b" ", LU_SIGNATURE),
        ("test-secret", b"", LU_SIGNATURE),
        ("test-secret", LU_BODY, ""),
        ("test-secret", LU_BODY, LU_SIGNATURE[:-1]),
        ("test-secret", LU_BODY, LU_SIGNATURE + "0"),
        ("test-secret", LU_BODY, "é" * 64),
        ("test-secret", LU_BODY, "\udcff"),
    ],
)
def test_learnupon_forgeries(secret: str, body: bytes, signature: str) -> None:
    assert learnupon_ok(secret, body, signature) is False


def test_a_portal_without_a_secret_accepts_nothing() -> None:
    signature = hmac.new(b"", LU_BODY, hashlib.sha256).hexdigest()
    assert not learnupon_ok("", LU_BODY, signature)
