"""Charsets and characters that Django or PostgreSQL cannot read cost nobody an error page."""

import io
from typing import Any

import pytest
from django.test import Client, RequestFactory

from hubsync.wsgi import application

NUL = r'"\000\000\000\000\000\000\000\000\000"'


def ask(content_type: str, method: str = "GET", body: bytes = b"") -> str:
    """The status that the web process answers to /install/ with this content type."""
    environ = RequestFactory().generic(method, "/install/?a=%ff").environ
    environ |= {
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    seen: list[str] = []

    def start(status: str, headers: list[Any], error: Any = None) -> Any:
        seen.append(status)

    application(environ, start)
    return seen[0]


@pytest.mark.parametrize("charset", ["hex", "undefined", "rot13", "idna", "utf-16", "no-such", ""])
def test_a_charset_that_is_none(db: None, charset: str) -> None:
    for media in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        for form in (f"charset={charset}", f"charset*=utf-8''{charset}"):
            assert ask(f"{media}; {form}") == "200 OK"
            body = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\r\n--x--\r\n'
            assert ask(f"{media}; {form}", "POST", body)[0] != "5"


@pytest.mark.parametrize("path", ["/install/", "/portals/", "/admin/login/"])
def test_a_cookie_with_a_nul_is_no_cookie(db: None, path: str) -> None:
    for name in ("hubsync_session", "csrftoken", "messages"):
        assert Client().get(path, headers={"Cookie": f"{name}={NUL}"}).status_code in (200, 302)
