"""What a browser is told in production: asked of the application itself, with the settings of a real deployment."""

import json
import subprocess
import sys
from functools import cache
from typing import Any

from django.conf import settings as project

from stack.checks import production_environment

ASK = """
import json, django
django.setup()
from django.conf import settings
from django.test import Client
settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
HOST = "hubsync.example.com"
def ask(**more):
    answer = Client().get("/install/", **({"HTTP_HOST": HOST} | more))
    return {"status": answer.status_code, "headers": dict(answer.headers)}
print(json.dumps({
    "https": ask(HTTP_X_FORWARDED_PROTO="https"), "http": ask(), "other": ask(HTTP_HOST="evil.example"),
    "settings": {name: getattr(settings, name) for name in (
        "SESSION_COOKIE_NAME", "SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY", "SESSION_COOKIE_SAMESITE",
        "SESSION_COOKIE_DOMAIN", "SESSION_COOKIE_PATH", "SESSION_COOKIE_AGE", "CSRF_COOKIE_NAME", "CSRF_COOKIE_SECURE",
        "CSRF_COOKIE_HTTPONLY", "CSRF_COOKIE_DOMAIN", "CSRF_COOKIE_PATH", "DEBUG", "PROXY_COUNT", "USE_X_FORWARDED_HOST")},
}))
"""


@cache
def told() -> dict[str, Any]:
    environment = production_environment() | {"DJANGO_SETTINGS_MODULE": "hubsync.settings"}
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=project.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_browsers_are_kept_on_https() -> None:
    assert told()["https"]["status"] == 200
    policy = told()["https"]["headers"]["Strict-Transport-Security"]
    assert "includeSubDomains" in policy
    assert int(policy.partition("max-age=")[2].partition(";")[0]) >= 31_536_000
    assert told()["http"]["status"] == 301
    assert told()["http"]["headers"]["Location"] == "https://hubsync.example.com/install/"


def test_only_our_host_is_answered() -> None:
    assert told()["other"]["status"] == 400
    assert not told()["settings"]["USE_X_FORWARDED_HOST"]


def test_no_other_host_can_plant_or_read_our_cookies() -> None:
    """What the prefix promises, a browser only keeps with Secure, without a domain and for the whole host."""
    said = told()["settings"]
    for cookie in ("SESSION", "CSRF"):
        assert said[f"{cookie}_COOKIE_NAME"].startswith("__Host-")
        assert said[f"{cookie}_COOKIE_SECURE"]
        assert said[f"{cookie}_COOKIE_HTTPONLY"]
        assert said[f"{cookie}_COOKIE_DOMAIN"] is None
        assert said[f"{cookie}_COOKIE_PATH"] == "/"
    assert said["SESSION_COOKIE_SAMESITE"] == "Lax"
    assert said["SESSION_COOKIE_AGE"] <= 12 * 3600


def test_a_page_says_everything_a_browser_should_obey() -> None:
    headers = told()["https"]["headers"]
    policy = headers["Content-Security-Policy"]
    assert "object-src 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"
    assert "Server" not in headers
    assert not told()["settings"]["DEBUG"]
    assert told()["settings"]["PROXY_COUNT"] == 1
