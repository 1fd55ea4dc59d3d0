"""An HTTP server between our client and HubSpot's sandbox that keeps the bytes of both directions."""

import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import requests

ONE_HOP = {"connection", "content-length", "host", "transfer-encoding", "content-encoding"}
WAIT = 10


@dataclass(frozen=True)
class Exchange:
    method: str
    target: str
    content_type: str
    body: bytes
    status: int
    answer: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)

    @property
    def form(self) -> dict[str, str]:
        fields = parse_qs(self.body.decode(), keep_blank_values=True, strict_parsing=True)
        assert all(len(values) == 1 for values in fields.values()), "a form field twice"
        return {name: values[0] for name, values in fields.items()}

    @property
    def answered(self) -> Any:
        return orjson.loads(self.answer) if self.answer else None


class Recorder:
    """Passes everything on to `target` and remembers it."""

    def __init__(self, target: str) -> None:
        self.exchanges: list[Exchange] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(target, self.exchanges))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _handler(target: str, exchanges: list[Exchange]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def passed_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in ONE_HOP}
            answer = requests.request(
                self.command,
                target + self.path,
                data=body,
                headers=headers,
                allow_redirects=False,
                timeout=WAIT,
            )
            kind = self.headers.get("Content-Type", "")
            exchanges.append(
                Exchange(self.command, self.path, kind, body, answer.status_code, answer.content)
            )
            self.send_response_only(answer.status_code)
            for name, value in answer.headers.items():
                if name.lower() not in ONE_HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = passed_on

    return Handler
