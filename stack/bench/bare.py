"""The least that a server of signed actions can do: check the signature, one INSERT through a cursor, commit. What
intake is measured against, on the same web server with the same processes and threads."""

import hashlib
import hmac
import os
import threading
from base64 import b64encode
from collections.abc import Callable, Iterable
from typing import Any

import psycopg2

ANSWER = b'{"outputFields":{"hs_execution_state":"BLOCK","hs_expiration_duration":"P7D"}}'
# A table with nothing but what makes a repeat the same row.
TABLE = """
CREATE TABLE bench_bare (
    id bigserial PRIMARY KEY, key varchar(64) UNIQUE, body jsonb, received_at timestamptz NOT NULL DEFAULT now()
)
"""
INSERT = "INSERT INTO bench_bare (key, body) VALUES (%s, %s) ON CONFLICT (key) DO NOTHING"
_own = threading.local()


def _connection() -> Any:
    if not hasattr(_own, "connection"):
        _own.connection = psycopg2.connect(os.environ["DATABASE_URL"])
    return _own.connection


def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    if environ["REQUEST_METHOD"] == "GET":  # are you there?
        start("200 OK", [("Content-Length", "0")])
        return [b""]
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    signature = environ["HTTP_X_HUBSPOT_SIGNATURE_V3"]
    message = b"POST" + os.environ["PUBLIC_URL"].encode() + environ["PATH_INFO"].encode() + body
    message += environ["HTTP_X_HUBSPOT_REQUEST_TIMESTAMP"].encode()
    wanted = b64encode(
        hmac.new(os.environ["HUBSPOT_CLIENT_SECRET"].encode(), message, hashlib.sha256).digest()
    ).decode()
    if not hmac.compare_digest(signature, wanted):
        start("401 Unauthorized", [("Content-Length", "0")])
        return [b""]
    connection = _connection()
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [hashlib.sha256(body).hexdigest(), body.decode()])
    connection.commit()
    start("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(ANSWER)))])
    return [ANSWER]
