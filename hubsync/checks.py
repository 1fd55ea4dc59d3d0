"""Start-up checks: what would go wrong later is said now, with what to do."""

from itertools import pairwise
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
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
