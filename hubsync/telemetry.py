"""Traces to a collector (OTLP_URL) and errors to Sentry (SENTRY_DSN), where configured; else nothing is imported.

Neither is told anything about people: a span carries the names below and no exception's text; an error report is made
anew from what may be known, so that no body, header, local variable or message goes along.
"""

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings

from portals import context

SPAN_FIELDS = (
    "request_id",
    "delivery",
    "kind",
    "task",
    "lane",
    "vendor",
    "method",
    "path",
    "status",
    "correlation_id",
)
TAGS = ("trace", "request_id", "delivery", "kind", "task", "account", "vendor")


def start(process: str) -> None:
    """Once in every process that works, after it was forked."""
    if settings.OTLP_URL:
        _start_tracing(process)
    if settings.SENTRY_DSN:
        _start_sentry(process)


def flush() -> None:
    """Send what waits to be sent, before a process ends."""
    if isinstance(context.tracer, _Tracer):
        context.tracer.provider.force_flush(5000)
    if settings.SENTRY_DSN:
        import sentry_sdk

        sentry_sdk.flush(5)


def _start_tracing(process: str) -> None:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource({"service.name": "hubsync", "service.instance.id": process}))
    exporter = OTLPSpanExporter(endpoint=f"{settings.OTLP_URL}/v1/traces", timeout=5)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=2000))
    context.tracer = _Tracer(provider)


class _Tracer:
    def __init__(self, provider: Any) -> None:
        self.provider = provider
        self._tracer = provider.get_tracer("hubsync")

    @contextmanager
    def span(self, name: str, about: dict[str, Any]) -> Iterator[None]:
        attributes = {f"hubsync.{field}": about[field] for field in SPAN_FIELDS if field in about}
        with self._tracer.start_as_current_span(
            name, context=_parent(about), attributes=attributes, record_exception=False, set_status_on_exception=False
        ) as span:  # fmt: skip
            try:
                yield
            except Exception as error:
                span.set_attribute("error.type", type(error).__name__)
                raise

    def note(self, **known: Any) -> None:
        from opentelemetry import trace

        span = trace.get_current_span()
        for field in SPAN_FIELDS:
            if known.get(field) not in (None, ""):
                span.set_attribute(f"hubsync.{field}", known[field])


def _parent(about: dict[str, Any]) -> Any:
    """The present span, unless this one begins another trace: then a parent nobody sent, which stands for the trace
    everybody who works on the same delivery finds by its key."""
    from opentelemetry import trace

    wanted = int(about["trace"], 16)
    if trace.get_current_span().get_span_context().trace_id == wanted:
        return None
    span_id = int(hashlib.sha256(about["trace"].encode()).hexdigest()[:16], 16)
    root = trace.SpanContext(
        wanted, span_id, is_remote=True, trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED)
    )
    return trace.set_span_in_context(trace.NonRecordingSpan(root))


def _start_sentry(process: str) -> None:
    import sentry_sdk
    from sentry_sdk.integrations.logging import LoggingIntegration

    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        default_integrations=False,
        integrations=[LoggingIntegration(level=None, event_level=logging.ERROR)],
        include_local_variables=False,
        max_breadcrumbs=0,
        server_name=process,
        before_send=_told,
    )


def _told(event: Any, hint: dict[str, Any]) -> Any:
    """An error report with what may leave the house and nothing else."""
    kept = ("event_id", "timestamp", "level", "logger", "platform", "release", "environment", "server_name")
    report = {name: event[name] for name in kept if name in event}
    report["message"] = str(
        (event.get("logentry") or {}).get("message", "")
    )  # the pattern, without its values
    report["tags"] = {name: str(context.about()[name]) for name in TAGS if name in context.about()}
    raised = (event.get("exception") or {}).get("values") or []
    report["exception"] = {"values": [_without_text(one) for one in raised]}
    return report


def _without_text(raised: dict[str, Any]) -> dict[str, Any]:
    places = ("filename", "function", "lineno", "module")
    frames = (raised.get("stacktrace") or {}).get("frames") or []
    shown = [{name: frame.get(name) for name in places} for frame in frames]
    return {"type": raised.get("type"), "value": "", "stacktrace": {"frames": shown}}
