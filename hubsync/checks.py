"""Start-up checks: what would go wrong later is said now, with what to do."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.http.request import validate_host
from django.utils.module_loading import import_string

from hubsync.flows import ANSWERS_AGAIN, CARDS, FLOWS


@register(Tags.compatibility)
def flows_resolve(**kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for kind, path in (*FLOWS.items(), *CARDS.items(), *(("ANSWERS_AGAIN", path) for path in ANSWERS_AGAIN)):
        try:
            import_string(path)
        except ImportError as error:
            found.append(
                Error(
                    f"{kind} names {path}, which does not exist: {error}",
                    hint="Mend hubsync/flows.py.",
                    id="hubsync.E001",
                )
            )
    return found


@register(Tags.compatibility)
def time_limits_are_ordered(**kwargs: Any) -> list[CheckMessage]:
    """A call must end before its task is stopped, the task before its claim ends, the claim before the broker
    hands the task to somebody else: otherwise one thing is done twice."""
    order = [
        ("CALL_DEADLINE", settings.CALL_DEADLINE + settings.SLICE_SECONDS),
        ("TASK_SECONDS", settings.TASK_SECONDS),
        ("CLAIM_SECONDS", settings.CLAIM_SECONDS),
        ("BROKER_VISIBILITY_SECONDS", settings.BROKER_VISIBILITY_SECONDS),
    ]
    wrong = [
        f"{name} ({value}) must be less than {next_name} ({next_value})"
        for (name, value), (next_name, next_value) in pairwise(order)
        if value >= next_value
    ]
    return [
        Error(text, hint="Put the time limits of settings.py back in order.", id="hubsync.E002")
        for text in wrong
    ]


@register(Tags.compatibility)
def celery_obeys_the_limits(**kwargs: Any) -> list[CheckMessage]:
    told = {
        "CELERY_TASK_TIME_LIMIT": (settings.CELERY_TASK_TIME_LIMIT, settings.TASK_SECONDS),
        "CELERY_BROKER_TRANSPORT_OPTIONS['visibility_timeout']": (
            settings.CELERY_BROKER_TRANSPORT_OPTIONS.get("visibility_timeout"), settings.BROKER_VISIBILITY_SECONDS,
        ),
    }  # fmt: skip
    return [
        Error(f"{name} is {given}, not {wanted}.", hint="Let it follow the time limits.", id="hubsync.E003")
        for name, (given, wanted) in told.items()
        if given != wanted
    ]


@register(Tags.compatibility)
def scopes_are_those_of_the_app(**kwargs: Any) -> list[CheckMessage]:
    """HubSpot grants what hubspot-app/ was uploaded with. The image does not hold that folder."""
    file: Path = settings.BASE_DIR / "hubspot-app/src/app/app-hsmeta.json"
    if not file.exists():
        return []
    from portals.oauth import SCOPES

    auth = json.loads(file.read_text(encoding="utf-8"))["config"]["auth"]
    uploaded = {*auth["requiredScopes"], *auth["conditionallyRequiredScopes"], *auth["optionalScopes"]}
    uploaded = {scope.replace("${APP_ID}", settings.HUBSPOT_APP_ID) for scope in uploaded}
    differing = uploaded ^ {scope.name for scope in SCOPES}
    return [
        Error(
            f"hubspot-app/ and the code differ about {scope}.",
            hint="Run manage.py hubspot_app and upload the project.", id="hubsync.E004",
        )
        for scope in sorted(differing)
    ]  # fmt: skip


@register(Tags.security)
def keys_are_keys(**kwargs: Any) -> list[CheckMessage]:
    """No message quotes a key."""
    found = []
    if len({settings.SECRET_KEY, settings.TOMBSTONE_KEY, *settings.HUBSPOT_CLIENT_SECRETS}) < 2 + len(
        settings.HUBSPOT_CLIENT_SECRETS
    ):
        found.append("SECRET_KEY, TOMBSTONE_KEY and HUBSPOT_CLIENT_SECRET must all differ.")
    if len(set(settings.ENCRYPTION_KEYS)) < len(settings.ENCRYPTION_KEYS):
        found.append("ENCRYPTION_KEYS names a key twice.")
    for name in ("SECRET_KEY", "TOMBSTONE_KEY"):
        if not settings.DEBUG and len(set(getattr(settings, name))) < 10:
            found.append(f"{name} repeats few characters.")
    hint = "Make random ones as .env.example says; never change TOMBSTONE_KEY where people were erased."
    return [Error(text, hint=hint, id="hubsync.E005") for text in found]


@register(Tags.security)
def addresses_fit(**kwargs: Any) -> list[CheckMessage]:
    """settings.py refuses most of this as it is read; here it is held once more, whatever set the values."""
    found = []
    host = urlsplit(settings.PUBLIC_URL).hostname or ""
    if not validate_host(host, settings.ALLOWED_HOSTS):
        found.append((f"ALLOWED_HOSTS does not hold {host}, the host of PUBLIC_URL.", "hubsync.E006"))
    vendors = (settings.HUBSPOT_API_URL, settings.HUBSPOT_APP_URL, settings.LEARNUPON_URL)
    if not settings.DEBUG:
        if "*" in settings.ALLOWED_HOSTS:
            found.append(("ALLOWED_HOSTS holds *, so that any host is believed.", "hubsync.E006"))
        found += [(f"{url} is this machine: a sandbox?", "hubsync.E007") for url in vendors if _is_here(url)]
        if _is_here(settings.PUBLIC_URL):
            found.append((f"PUBLIC_URL is {settings.PUBLIC_URL}, which HubSpot cannot call.", "hubsync.E007"))
    hint = "Mend the environment; .env.example says what each is."
    return [Error(text, hint=hint, id=name) for text, name in found]


def _is_here(url: str) -> bool:
    host = urlsplit(url.replace("{subdomain}", "x").replace("{region}", "y")).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.") or host.endswith(".localhost")
