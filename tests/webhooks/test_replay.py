"""`manage.py replay`: exactly what was asked for, once, and nothing whose content is gone."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from portals.models import Portal
from tests.learners.test_pages_activity import delivery, failed
from webhooks import claims
from webhooks.models import Delivery


def replayed(*args: str, **options: Any) -> str:
    out = StringIO()
    call_command("replay", *args, stdout=out, **options)
    return out.getvalue()


def waiting() -> set[str]:
    return set(Delivery.objects.filter(state="waiting").values_list("record_id", flat=True))


@pytest.fixture
def failures(acme_portal: Portal, globex_portal: Portal) -> None:
    now = timezone.now()
    failed(acme_portal, record_id="1", why="refused", done_at=now)
    failed(acme_portal, record_id="2", why="exceeded", done_at=now - timedelta(days=9))
    failed(
        acme_portal,
        record_id="3",
        why="internal",
        done_at=now,
        kind="learnupon.course_completion",
        lane="live",
    )
    failed(acme_portal, record_id="4", why="refused", done_at=now, body=None)
    failed(globex_portal, record_id="5", why="internal", done_at=now)
    delivery(acme_portal, record_id="6", state="done", outcome="created")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--account", "1001"], {"1", "2", "3"}),
        (["--account", "1001", "--kind", "hubspot.action."], {"1", "2"}),
        (["--reason", "internal"], {"3", "5"}),
        (["--account", "1002", "--reason", "refused"], set()),
        (["--account", "1001", "--since", f"{timezone.now() - timedelta(days=2):%Y-%m-%d}"], {"1", "3"}),
        (["--all"], {"1", "2", "3", "5"}),
    ],
)
def test_only_what_was_asked_for(failures: None, options: list[str], expected: set[str]) -> None:
    said = replayed(*options)
    assert waiting() == expected
    assert f"{len(expected)} are worked again." in said


def test_numbers_name_single_ones_and_what_is_blanked_is_refused(failures: None) -> None:
    ids = Delivery.objects.filter(record_id__in=["1", "4", "6"]).values_list("pk", flat=True)
    said = replayed(*(str(pk) for pk in ids))
    assert waiting() == {"1"}
    assert "1 more cannot be worked again" in said


def test_a_dry_run_changes_nothing_and_says_the_same(failures: None) -> None:
    before = list(Delivery.objects.order_by("pk").values())
    said = replayed("--all", "--dry-run")
    assert "4 would be worked again" in said
    assert "hubspot.action.user-add  refused" in said
    assert list(Delivery.objects.order_by("pk").values()) == before


def test_a_second_run_finds_nothing_to_do(failures: None) -> None:
    replayed("--all")
    assert "0 are worked again." in replayed("--all")


@pytest.mark.parametrize("args", [[], ["--account", "4711"]])
def test_nothing_is_done_by_mistake(failures: None, args: list[str]) -> None:
    with pytest.raises(CommandError):
        replayed(*args)
    assert waiting() == set()


def test_an_answer_hubspot_is_still_owed_waits_for_the_new_attempt(acme_portal: Portal) -> None:
    """Would catch: HubSpot told of the failure while the second attempt succeeds."""
    owed = failed(acme_portal, tell="owed", tell_due_at=timezone.now(), callback_id="c")
    told = failed(acme_portal, tell="told")
    replayed("--all")
    owed.refresh_from_db()
    told.refresh_from_db()
    assert (owed.tell, owed.tell_due_at, told.tell, told.tell_due_at) == ("owed", None, "told", None)


def test_what_a_worker_has_in_hand_is_not_given_to_a_second(acme_portal: Portal) -> None:
    delivery(acme_portal, due_at=timezone.now() - timedelta(seconds=1))
    (claimed,) = claims.claim(acme_portal.account_id, "actions", 1)
    assert not claims.retry(claimed)
    assert claims.claim(acme_portal.account_id, "actions", 1) == []
