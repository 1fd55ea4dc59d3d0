"""What programs send goes straight to its view: sessions, cookies, static files and browser policies are for people,
and cost more than writing down what arrived."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.urls import resolve

PROGRAMS = "/webhooks/"


class DirectMiddleware:
    """Stands behind everything that is for all requests and before everything that is for pages."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(PROGRAMS):
            return self.get_response(request)
        match = request.resolver_match = resolve(request.path_info)
        response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
        render = getattr(response, "render", None)
        answer: HttpResponseBase = render() if callable(render) else response
        answer["Cache-Control"] = "no-store"
        return answer
