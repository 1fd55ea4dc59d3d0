"""`/healthz`: this process answers. `/readyz`: so do the database and the broker, and work is not left lying."""

import logging
from collections.abc import Callable

import redis
from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)
STALE_SECONDS = 60  # a due row this old means that nobody works


class ProbeMiddleware:
    """Answers the probes before host checks, redirects and sessions: an orchestrator calls by address."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path in ("/healthz", "/readyz") and request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        if request.path == "/healthz":
            return HttpResponse("ok\n", content_type="text/plain")
        if request.path == "/readyz":
            return readiness()
        return self.get_response(request)


def readiness() -> JsonResponse:
    parts = {"database": _database(), "broker": _broker()}
    parts["work"] = _work() if parts["database"] == "ok" else "unknown"
    ready = all(value == "ok" for value in parts.values())
    return JsonResponse({"ready": ready, **parts}, status=200 if ready else 503)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:  # InterfaceError too: a connection that was lost before
        connection.close()
        return "unreachable"
    return "ok"


def _broker() -> str:
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0)
        ) as broker:
            broker.ping()
    except redis.RedisError:
        return "unreachable"
    return "ok"


def _work() -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COALESCE(EXTRACT(EPOCH FROM now() - min(due_at)), 0) FROM webhooks_delivery WHERE state = 'waiting'"
        )
        oldest = float(cursor.fetchone()[0])
    return "ok" if oldest < STALE_SECONDS else f"oldest due delivery has waited {oldest:.0f} s"
