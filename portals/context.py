"""Which request, delivery and trace the present work belongs to: on every log line, span and error report.

A delivery's trace follows from its key, so that whoever records it and whoever works it hours later speak of the same
one, without a column for it.
"""

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any, Protocol


class Tracer(Protocol):
    def span(self, name: str, about: dict[str, Any]) -> AbstractContextManager[None]: ...
    def note(self, **known: Any) -> None: ...


tracer: Tracer | None = None  # hubsync/telemetry.py puts one here, where a collector is configured
_about: ContextVar[dict[str, Any] | None] = ContextVar("about", default=None)


def about() -> dict[str, Any]:
    """`trace`, and `request_id`, `delivery`, `kind`, `task` or `account` where they apply."""
    return _about.get() or {}


@contextmanager
def within(name: str, **known: Any) -> Iterator[None]:
    """For the length of a block, what is done is also about these; a span of this name where there is a collector."""
    token = _about.set(about() | known)
    try:
        with tracer.span(name, about()) if tracer else nullcontext():
            yield
    finally:
        _about.reset(token)


def note(**known: Any) -> None:
    """Add to the present span what is only known at its end."""
    if tracer:
        tracer.note(**known)


def new_trace() -> str:
    return secrets.token_hex(16)


def trace_of(key: str) -> str:
    """The trace of the delivery with this key: 32 hex digits, as https://www.w3.org/TR/trace-context/ has it."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]
