"""Every request and every task gets an id for its log lines and spans, and is counted."""

import re
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from celery import Task
from celery.signals import task_postrun, task_prerun
from django.http import HttpRequest, HttpResponse

from portals import context, counters

# The beginning of an address -> who calls. The rest are people.
SOURCES = {
    "/webhooks/hubspot/actions/": "actions",
    "/webhooks/hubspot/events": "events",
    "/webhooks/hubspot/options/": "options",
    "/webhooks/hubspot/cards/": "cards",
    "/webhooks/learnupon/": "learnupon",
}
PEOPLE = "people"
GIVEN_ID = re.compile(r"[\w-]{8,64}", re.ASCII)


class RequestMiddleware:
    """Takes the proxy's X-Request-ID, or makes one, and sends it back."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.META.get("HTTP_X_REQUEST_ID", "")  # request.headers would copy all of them
        trace = context.new_trace()
        name = given if GIVEN_ID.fullmatch(given) else trace
        source = source_of(request.path)
        began = time.monotonic()
        with context.within(f"request {source}", trace=trace, request_id=name):
            response = self.get_response(request)
            context.note(status=response.status_code)
        counters.count("hubsync_requests", source, f"{response.status_code // 100}xx")
        counters.observe("hubsync_request_seconds", time.monotonic() - began, source)
        response["X-Request-ID"] = name
        return response


def source_of(path: str) -> str:
    return next((source for begin, source in SOURCES.items() if path.startswith(begin)), PEOPLE)


_running: dict[str, ExitStack] = {}  # task id -> what ends with it; a worker process runs one at a time


@task_prerun.connect
def _begun(task_id: str, task: Task[Any, Any], **kwargs: Any) -> None:
    _running[task_id] = ExitStack()
    _running[task_id].enter_context(
        context.within(f"task {task.name}", trace=context.new_trace(), task=task.name)
    )


@task_postrun.connect
def _ended(task_id: str, **kwargs: Any) -> None:
    _running.pop(task_id, ExitStack()).close()
