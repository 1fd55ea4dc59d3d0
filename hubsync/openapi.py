"""`/api/schema/`: the OpenAPI document of every address that programs call, made once and kept."""

from functools import cache
from threading import Lock
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator

Json = dict[str, Any]


_making = Lock()  # drf-spectacular cannot make two documents at once in one process


def document() -> Json:
    with _making:
        return _document()


@cache
def _document() -> Json:
    made: Json = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return made


@cache
def _content() -> bytes:
    return orjson.dumps(document(), option=orjson.OPT_INDENT_2)


@csrf_exempt  # another method is answered 405, like everywhere
@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    return HttpResponse(_content(), content_type="application/json")


def add_operators(result: Json, generator: object, request: object, public: bool) -> Json:
    """The addresses of operators, which are plain views and a middleware, not REST framework's."""
    ready = {
        "type": "object",
        "required": ["ready"],
        "properties": {"ready": {"type": "boolean"}},
        "additionalProperties": {"type": "string", "description": "`ok`, or what is wrong with this part."},
    }
    result["paths"] |= {
        "/healthz": _get("healthz", "Whether this process answers.", _answers("text/plain")),
        "/readyz": _get(
            "readyz",
            "Whether database, broker and workers do their part.",
            _answers("application/json", ready)
            | _answers("application/json", ready, 503, "Something does not."),
        ),
        "/metrics": _get("metrics", "Figures for Prometheus.", _answers("text/plain")),
        "/api/schema/": _get("schema", "This document.", _answers("application/json", {"type": "object"})),
    }
    return result


def _answers(media: str, shape: Json | None = None, status: int = 200, text: str = "") -> Json:
    content = {media: {"schema": shape or {"type": "string"}}}
    return {str(status): {"description": text, "content": content}}


def _get(name: str, text: str, responses: Json) -> Json:
    return {"get": {"operationId": name, "description": text, "tags": ["operators"], "responses": responses}}
