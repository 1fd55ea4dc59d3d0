"""No request body larger than BODY_LIMIT is read, whatever it is: a form's files would otherwise go to disk unbounded,
even of somebody who is not signed in."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from hubsync.direct import PROGRAMS


class BodyLimitMiddleware:
    """Without a Content-Length, Django reads no body at all, so the length that is given is the one that counts."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        too_large = length.isdecimal() and int(length[:19]) > settings.BODY_LIMIT
        if too_large and not request.path.startswith(PROGRAMS):  # those answer in JSON by themselves
            return render(request, "413.html", status=413)
        return self.get_response(request)
