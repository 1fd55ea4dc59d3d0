"""Hostile pieces: JSON values, whole bodies, headers, queries and paths that have broken other programs."""

import gzip

# JSON as it stands on the wire: most of these no JSON library of ours would write.
JSON_VALUES: tuple[bytes, ...] = (
    b"null", b"true", b"0", b"-0", b"-1", b"0.1", b"1001.0", b'"1001"', b"1e3", b"1e400", b"-1e400", b"NaN",
    b"Infinity", b"9223372036854775807", b"9223372036854775808", b"-9223372036854775809", b"18446744073709551616",
    b"9" * 5000, b"01", b"{}", b"[]", b"[null]", b'""', b'" "', b'"\\u0000"', b'"a\\u0000b"', b'"\\ud800"',
    b'"\\udc00\\ud800"', b'"\xff"', b'"\xed\xa0\x80"', b'"\\u202e"', '"٣"'.encode(), '"²"'.encode(),
    b'"' + b"x" * 200_000 + b'"', b'"' + "學".encode() * 10_000 + b'"', b"[" * 200 + b"]" * 200,
    b"[" * 2_000 + b"]" * 2_000, b'{"a":' * 900 + b"1" + b"}" * 900, b"[" + b"1," * 50_000 + b"1]",
    b'{"value":{"value":[]}}', b'{"__proto__":{"x":1}}', b'{"":""}', b'"0001-01-01T00:00:00+23:59"',
    b'"9999-12-31T23:59:59-12:00"', b'"2026-02-30T00:00:00Z"', b'"2026-W01-1"', b"253402300800000", b"-62135596800001",
    b'"=1+1"', b'"%s%n{0}{{7*7}}"', b'"\';DROP TABLE webhooks_delivery;--"', b'"../../etc/passwd"',
    b'"a@b.c\\r\\nBcc: d@e.f"', b'"x"x', b",", b"'x'", b"undefined",
)  # fmt: skip

BODIES: tuple[bytes, ...] = (
    b"", b" ", b"\x00", b"\xff\xfe", b"null", b"0", b'""', b"[]", b"{}", b"[[]]", b"[null]", b"[{}]", b'{"data":[{}]}',
    b'{"data":{}}', b'{"data":[null,1,"x",[]]}', b"[" * 100_000, b"[" * 1_500 + b"]" * 1_500, b'{"a":' * 100_000,
    b"[" + b"{}," * 20_000 + b"{}]", b"{" + b'"a":1,' * 20_000 + b'"a":2}', b'{"portalId":' + b"1" * 100_000 + b"}",
    b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", b"a=b&c=d", b"--x\r\n\r\n1\r\n--x--",
    b" " * 1_000_000, b"x" * (1024 * 1024 + 1), b'"' + b"x" * (1024 * 1024) + b'"', b"\xef\xbb\xbf[]",
    "[]".encode("utf-16"), "{}".encode("utf-32"), gzip.compress(b"[]"), gzip.compress(b"[" + b" " * 10_000_000 + b"]"),
)  # fmt: skip

CODECS = ("hex", "rot13", "zlib", "bz2", "base64", "undefined", "idna", "punycode", "utf-7", "utf-16", "utf-8-sig",
          "unicode_escape", "raw_unicode_escape", "mbcs", "no-such", "", '"', "utf-8;q=1", "x" * 500)  # fmt: skip
CONTENT_TYPES = (
    "", "text/plain", "text/html", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data",
    "multipart/form-data; boundary=", "multipart/form-data; boundary=x", "application/json; charset", "json", "/", ";",
    "application/json, text/plain", "application/octet-stream", "application/json;" * 100,
    *(f"application/json; charset={codec}" for codec in CODECS),
    *(f"application/x-www-form-urlencoded; charset={codec}" for codec in CODECS),
)  # fmt: skip
NUL_COOKIE = r'"\000\000\000\000\000\000\000\000\000"'
# Name and value; the same name more than once is sent more than once.
HEADERS: tuple[tuple[tuple[str, str], ...], ...] = (
    *((("Content-Type", value),) for value in CONTENT_TYPES),
    (("Accept", "text/html"),), (("Accept", "*/*;q=0"),), (("Accept", "rubbish"),), (("Accept", "a/b;" * 500),),
    (("Accept-Language", "zz-ZZ,*;q=nan"),), (("Accept-Encoding", "gzip;q=0, identity;q=0"),),
    (("Content-Encoding", "gzip"),), (("Content-Encoding", "br, br, br"),), (("Content-Language", "\xff"),),
    (("Cookie", f"hubsync_session={NUL_COOKIE}"),), (("Cookie", f"csrftoken={NUL_COOKIE}; messages={NUL_COOKIE}"),),
    (("Cookie", "hubsync_session=" + "x" * 3000),), (("Cookie", "=;=;;,\xff\xfe"),), (("Cookie", "a=b"), ("Cookie", "c=d")),
    (("X-HTTP-Method-Override", "DELETE"),), (("X-Forwarded-Proto", "http"),), (("X-Forwarded-Host", "evil.example"),),
    (("X-Forwarded-For", "1.2.3.4, \xff"),), (("Forwarded", "for=\"[::1]\";host=evil"),), (("HX-Request", "true"),),
    (("HX-Current-URL", "http://[::1"),), (("HX-Current-URL", "%ff%00"), ("HX-Current-URL-URI-AutoEncoded", "true")),
    (("HX-Prompt", "\xff"),), (("HX-Triggering-Event", "{"),), (("X-Webhook-Type", ""),),
    (("X-Webhook-Type", "course_completion"), ("X-Webhook-Type", "course_completion")), (("X-Webhook-Type", "x" * 5000),),
    (("X-Webhook-Type", "\xe9\x80"),), (("Range", "bytes=0-1"),), (("If-Modified-Since", "yesterday"),),
    (("If-None-Match", "*"),), (("Expect", "100-continue"),), (("Origin", "null"),), (("Referer", "\xff"),),
    (("Authorization", "Bearer " + "x" * 2000),), (("User-Agent", ""),), (("X" * 300, "y"),), (("traceparent", "00-0-0-zz"),),
    (("Upgrade", "websocket"), ("Connection", "Upgrade")),
)  # fmt: skip
# What the web server or the host check refuses before it reaches an address.
OUTSIDE: tuple[tuple[tuple[str, str], ...], ...] = (
    (("Host", "evil.example"),), (("Host", "127.0.0.1:1@evil"),), (("Host", ""),), (("Host", "a/b"),), (("Host", "\xff"),),
    (("Big", "x" * 9000),), tuple((f"Many-{n}", "x") for n in range(120)), (("Under_Score", "x"),),
)  # fmt: skip

QUERIES: tuple[str, ...] = (
    "&", "&&==&=", "?", "a", "=", "%00", "x=%00", "x=%ff", "x=%zz", "x=%", "x=%ed%a0%80", "x=%u0041", "format=xml",
    "format=api", "_method=DELETE", "portalId=1001", "portalId=1002", "userEmail=a%00b", "userEmail=%ff", "userId=%00",
    "contactId=%00", "contactId=٣", "appId=1&appId=2", "x=" + "y" * 3000, "a=1&" * 900, "a[]=1&a[b]=2", "x='\"<>\\^`{|}~",
    "x=é", "x=%C3%A9&y=%c3%a9", "x=a+b%20c", "x=#frag", "lang=xx", "version=%0d%0aX:y", ";a=b;c=d", "x=%2540%3a%2F",
)  # fmt: skip
PATHS: tuple[str, ...] = (
    "/", "//", "%00", "%ff", "%2e%2e/", "é", "%C3%A9", "x" * 2000, ".json", "%2F", ";a=b", "'\"<>", "%0d%0aX:y", "%20",
)  # fmt: skip
METHODS = ("PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "PROPFIND", "GET", "POST")
