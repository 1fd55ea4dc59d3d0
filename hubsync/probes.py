"""`/healthz`, `/readyz` and `/metrics`: answered before host checks, redirects and sessions, because orchestrators and
Prometheus call by address."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from hubsync.health import readiness
from hubsync.metrics import metrics


def alive(request: HttpRequest) -> HttpResponse:
    """This process answers; it asks nobody."""
    return HttpResponse("ok\n", content_type="text/plain")


def ready(request: HttpRequest) -> HttpResponse:
    return readiness(request.GET.get("only", ""))


PROBES: dict[str, Callable[[HttpRequest], HttpResponse]] = {
    "/healthz": alive,
    "/readyz": ready,
    "/metrics": metrics,
}


class ProbeMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        probe = PROBES.get(request.path)
        return require_safe(probe)(request) if probe else self.get_response(request)
