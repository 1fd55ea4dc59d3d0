"""JSON in and out of the webhook addresses, and what a failed request is answered."""

from typing import Any

import orjson
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, JsonResponse
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions, status
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_handler

from portals.clients.http import without_nul


class TooLarge(exceptions.APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The body is larger than 1 MB."
    default_code = "too_large"


class Unavailable(exceptions.APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "The database does not answer. Send the request again."
    default_code = "unavailable"


def raw_body(request: HttpRequest) -> bytes:
    """The body as it came, read once, at most BODY_LIMIT bytes."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length.isdigit() and int(length) > settings.BODY_LIMIT:
        raise TooLarge
    try:
        return request.body
    except RequestDataTooBig:
        raise TooLarge from None
    except UnreadablePostError:
        raise exceptions.ParseError("The body ended too early.") from None


def read_json(body: bytes) -> Any:
    """The body as JSON that can be written down again: orjson reads deeper nesting than it writes."""
    try:
        parsed = orjson.loads(without_nul(body))
        orjson.dumps(parsed)
    except orjson.JSONDecodeError:
        raise exceptions.ParseError("The body is not JSON.") from None
    except orjson.JSONEncodeError:
        raise exceptions.ParseError("The body is nested too deeply.") from None
    return parsed


class OrjsonParser(BaseParser):
    """Reads the body whatever its content type says: it was signed, and only JSON is understood."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        return read_json(raw_body((parser_context or {})["request"]._request))


class OnlyJson(BaseContentNegotiation):
    """Answers JSON whatever the request would like: refusing a signed event for its Accept header would lose it."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Any, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class OrjsonRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        return b"" if data is None else orjson.dumps(data, default=str)


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Every failed request answers `{"error": code, "message": …}`, with the fields at fault where there are any."""
    if isinstance(error, OperationalError | InterfaceError):
        error = Unavailable()
    response = drf_handler(error, context)
    if response is None:
        return None
    code = getattr(error, "default_code", "error")
    body: dict[str, Any] = {"error": code}
    if isinstance(error, exceptions.ValidationError):
        body |= {"message": "Some fields are missing or wrong.", "fields": response.data}
    else:
        body["message"] = str(getattr(error, "detail", "The request failed."))
    response.data = body
    return response


@csrf_exempt
def no_such_address(request: HttpRequest) -> JsonResponse:
    """The last address under /webhooks/: programs are answered in JSON, and a page of HTML would help none."""
    return JsonResponse({"error": "not_found", "message": "There is no such address."}, status=404)
