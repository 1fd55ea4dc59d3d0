"""What comes in is read as UTF-8 without NUL characters, whatever the request says."""

from collections.abc import Callable

from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse


class Utf8Request(WSGIRequest):
    """Django reads query and form in the charset that Content-Type names, and Python knows charsets that are none
    (`hex`, `undefined`): before any of our code runs, such a request would end in an error of ours."""

    @property
    def encoding(self) -> str | None:
        return None  # Django's default, which is UTF-8

    @encoding.setter
    def encoding(self, charset: str | None) -> None:
        pass


class CookieMiddleware:
    """Drops cookies with a NUL (a quoted cookie can spell one): the session's is looked up in PostgreSQL, which has
    no such character."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        for name in [name for name, value in request.COOKIES.items() if "\0" in value]:
            del request.COOKIES[name]
        return self.get_response(request)
