"""Traces and error reports as a collector and Sentry get them: with the delivery's number, and with nobody's name."""

import gzip
import logging
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import sentry_sdk
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from pytest_django import Settings

from hubsync import telemetry
from portals import context
from portals.clients import http
from portals.models import HubSpotAccount
from webhooks.models import Delivery
from webhooks.results import Done, settle

PERSON, TOKEN = "ann@acme.example", "pat-na1-secret"


class Receiver:
    """Takes what is sent to it, whoever it stands for."""

    def __init__(self) -> None:
        bodies: list[tuple[str, bytes]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                packed = self.headers.get("Content-Encoding") == "gzip"
                bodies.append((self.path.partition("?")[0], gzip.decompress(body) if packed else body))
                self.send_response(200)
                self.send_header("X-HubSpot-Correlation-Id", "c0ffee-1")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *args: object) -> None:
                return

        self.bodies = bodies
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    found = Receiver()
    settings.HUBSPOT_API_URL = found.address
    yield found
    found.server.shutdown()
    found.server.server_close()
    context.tracer = None
    sentry_sdk.get_client().close()
    sentry_sdk.init(default_integrations=False)


def delivery(account: HubSpotAccount) -> Delivery:
    return Delivery.objects.create(
        account=account, kind="hubspot.action.user-add", lane="actions", key="ap-1-2", body={"email": PERSON}
    )


def called(receiver: Receiver) -> Done:
    http.send("POST", f"{receiver.address}/crm/objects/contacts/4711?email={PERSON}",
              headers={"Authorization": f"Bearer {TOKEN}"}, body=PERSON.encode())  # fmt: skip
    return Done("created")


def test_a_call_is_a_span_of_its_deliverys_trace(
    acme: HubSpotAccount, receiver: Receiver, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OTLP_URL = receiver.address
    telemetry.start("worker")
    worked = delivery(acme)
    with context.within("task webhooks.drain", trace=context.new_trace(), task="webhooks.drain"):
        settle(worked, partial(called, receiver))
    telemetry.flush()
    exported = [body for path, body in receiver.bodies if path == "/v1/traces"]
    request = ExportTraceServiceRequest.FromString(b"".join(exported))
    spans = {s.name: s for r in request.resource_spans for scope in r.scope_spans for s in scope.spans}
    assert set(spans) == {"task webhooks.drain", "work hubspot.action.user-add", "call hubspot"}
    work, call = spans["work hubspot.action.user-add"], spans["call hubspot"]
    known = {pair.key: pair.value for pair in call.attributes}
    assert work.trace_id.hex() == call.trace_id.hex() == context.trace_of("ap-1-2")
    assert call.parent_span_id == work.span_id
    assert known["hubsync.delivery"].int_value == worked.pk
    assert known["hubsync.status"].int_value == 200
    assert known["hubsync.path"].string_value == "/crm/objects/contacts/*"
    assert known["hubsync.correlation_id"].string_value == "c0ffee-1"
    for secret in (PERSON, TOKEN, "4711"):
        assert secret.encode() not in b"".join(exported)


def test_an_error_is_told_with_its_delivery_and_without_anybody(
    acme: HubSpotAccount, receiver: Receiver, settings: Settings
) -> None:
    settings.SENTRY_DSN = receiver.address.replace("//", "//public@") + "/1"
    telemetry.start("worker")
    worked = delivery(acme)

    def break_down() -> Done:
        try:
            raise ValueError(f"Key (email)=({PERSON}) {TOKEN}")
        except ValueError:
            logging.getLogger("learners").exception("flow failed for %s", PERSON, extra={"email": PERSON})
        return Done("refused")

    settle(worked, break_down)
    telemetry.flush()
    ((path, body),) = receiver.bodies
    assert path == "/api/1/envelope/"
    text = body.decode()
    assert f'"delivery":"{worked.pk}"' in text
    assert context.trace_of("ap-1-2") in text
    assert "ValueError" in text
    assert "break_down" in text
    for secret in (PERSON, TOKEN, "Authorization"):
        assert secret not in text


def test_without_addresses_nothing_is_imported_and_nothing_sent(receiver: Receiver) -> None:
    telemetry.start("web")
    assert context.tracer is None
    assert sentry_sdk.get_client().dsn is None


def test_a_calls_log_line_leads_to_the_delivery_and_to_the_vendor(
    acme: HubSpotAccount,
    receiver: Receiver,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    from hubsync.logging import JsonFormatter

    lines: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(JsonFormatter().format(record))

    logger, handler = logging.getLogger("portals.clients.http"), Kept()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        worked = delivery(acme)
        settle(worked, partial(called, receiver))
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
    (line,) = lines
    for part in (
        f'"delivery": {worked.pk}',
        '"correlation_id": "c0ffee-1"',
        '"status": 200',
        context.trace_of("ap-1-2"),
    ):
        assert part in line
    for secret in (PERSON, TOKEN, "4711"):
        assert secret not in line
