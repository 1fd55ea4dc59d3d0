"""REST framework's view without what a vendor's request has no use for: it is posted JSON, from one caller, answered
in JSON. Checks, errors and the description at /api/schema/ stay REST framework's."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from rest_framework import exceptions
from rest_framework.views import APIView

from webhooks.wire import OrjsonRenderer, exception_handler, raw_body, read_json


class Headers(Mapping[str, str]):
    """Request headers by their names; Django's own mapping copies all of them first."""

    def __init__(self, meta: Mapping[str, Any]) -> None:
        self._meta = meta

    def __getitem__(self, name: str) -> str:
        return str(self._meta["HTTP_" + name.upper().replace("-", "_")])

    def __iter__(self) -> Any:
        return (name for name in self._meta if name.startswith("HTTP_"))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Posted:
    """As much of REST framework's Request as authentication and views ask for."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self.headers = Headers(request.META)
        self.user: Any = None

    @cached_property
    def data(self) -> Any:
        return read_json(raw_body(self._request))


class LeanView(APIView):
    """A subclass has `post(asked, ...)`, which gives what is answered, 200; None is an empty body."""

    post: Callable[..., Any]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method != "POST":
            return super().dispatch(request, *args, **kwargs)
        asked: Any = Posted(request)
        (authenticator,) = self.get_authenticators()
        try:
            asked.user, _ = authenticator.authenticate(asked) or (None, None)
            return _answer(self.post(asked, *args, **kwargs))
        except exceptions.AuthenticationFailed as error:
            error.auth_header = authenticator.authenticate_header(asked)  # type: ignore[attr-defined]
            return _refusal(error)
        except Exception as error:
            return _refusal(error)


def _refusal(error: Exception) -> HttpResponse:
    refused = exception_handler(error, {})
    if refused is None:
        raise error
    headers = {name: value for name, value in refused.items() if name != "Content-Type"}
    return _answer(refused.data, refused.status_code, headers)


def _answer(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    body = b"" if content is None else orjson.dumps(content, default=str)
    return HttpResponse(body, OrjsonRenderer.media_type, status, headers=headers)
