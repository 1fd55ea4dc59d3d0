"""Starting, watching and steering a backfill."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from learners.models import Walk
from portals.models import AuditEntry, Portal


@pytest.fixture
def walk(acme_portal: Portal) -> Walk:
    return Walk.objects.create(
        account=acme_portal.account, portal=acme_portal, kind="history", courses=[3, 4], courses_total=5, rows_seen=1200
    )  # fmt: skip


def test_start(as_acme: Client, acme_portal: Portal) -> None:
    assert "Bring in history" in as_acme.get(f"/portals/{acme_portal.pk}/backfill").content.decode()
    as_acme.post(f"/portals/{acme_portal.pk}/backfill/start")
    assert Walk.objects.get(portal=acme_portal).kind == Walk.Kind.HISTORY


def test_rate_and_time_left(as_acme: Client, acme_portal: Portal, walk: Walk) -> None:
    Walk.objects.filter(pk=walk.pk).update(started_at=timezone.now() - timedelta(minutes=6))
    page = as_acme.get(f"/portals/{acme_portal.pk}/backfill").content.decode()
    assert "200 a minute, about 5 minutes left" in page  # three courses took six minutes, two are left


def test_linking_begins_with_a_preview(as_acme: Client, acme_portal: Portal) -> None:
    address = f"/portals/{acme_portal.pk}/backfill"
    assert "Link them now" not in as_acme.get(address).content.decode()
    as_acme.post(f"{address}/start", {"what": "preview"})
    walk = Walk.objects.get(portal=acme_portal)
    assert (walk.kind, walk.preview) == (Walk.Kind.LINK, True)
    counts = {"accounts": 1700, "would_link": 1200, "without_record": 498, "conflicts": 2}
    Walk.objects.filter(pk=walk.pk).update(
        state="done", ended_at=timezone.now(), rows_seen=1700, counts=counts
    )
    page = as_acme.get(address).content.decode()
    assert "about 1,204 requests to LearnUpon" in page
    assert "No HubSpot record with this e-mail; stored nowhere" in page
    as_acme.post(f"{address}/start", {"what": "link"})
    assert not Walk.objects.get(portal=acme_portal, state="running").preview


def test_two_readings_at_once_are_refused_in_words(as_acme: Client, acme_portal: Portal, walk: Walk) -> None:
    address = f"/portals/{acme_portal.pk}/backfill/start"
    assert (
        "another reading is under way"
        in as_acme.post(address, {"what": "link"}, follow=True).content.decode()
    )
    assert Walk.objects.get() == walk
    assert as_acme.post(address, {"what": "nonsense"}).status_code == 404


def test_a_regular_check_under_way_becomes_the_history(
    as_acme: Client, acme_portal: Portal, walk: Walk
) -> None:
    Walk.objects.filter(pk=walk.pk).update(kind=Walk.Kind.POLL)
    address = f"/portals/{acme_portal.pk}/backfill/start"
    page = as_acme.post(address, {"what": "history"}, follow=True).content.decode()
    assert ("Started." in page, "another reading is under way" in page) == (True, False)
    assert AuditEntry.objects.get().action == "history started"
    assert Walk.objects.get().kind == Walk.Kind.HISTORY


def test_progress(as_acme: Client, acme_portal: Portal, walk: Walk) -> None:
    page = as_acme.get(f"/portals/{acme_portal.pk}/backfill").content.decode()
    assert "3 of 5 courses read" in page
    assert "1,200 enrollments read" in page
    part = as_acme.get(f"/portals/{acme_portal.pk}/backfill", headers={"HX-Request": "true"}).content.decode()
    assert "3 of 5" in part
    assert "<html" not in part


def test_the_end_reloads_the_page_of_whoever_watches(as_acme: Client, acme_portal: Portal) -> None:
    answer = as_acme.get(f"/portals/{acme_portal.pk}/backfill", headers={"HX-Request": "true"})
    assert answer["HX-Refresh"] == "true"


@pytest.mark.parametrize("kind", ["poll", "history"])
def test_a_history_started_over_a_reading_that_rests_goes_on(
    as_acme: Client, acme_portal: Portal, walk: Walk, kind: str
) -> None:
    """Would catch: a page that says "Started" about a reading that stays paused."""
    Walk.objects.filter(pk=walk.pk).update(kind=kind, state="paused", due_at=None)
    page = as_acme.post(f"/portals/{acme_portal.pk}/backfill/start", {"what": "history"}, follow=True)
    assert "Started." in page.content.decode()
    walk.refresh_from_db()
    assert (walk.kind, walk.state) == ("history", "running")
    assert walk.due_at


def test_pause_resume_cancel(as_acme: Client, acme_portal: Portal, walk: Walk) -> None:
    for what, state in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        as_acme.post(f"/portals/{acme_portal.pk}/backfill/{walk.pk}/{what}")
        walk.refresh_from_db()
        assert walk.state == state


@pytest.mark.parametrize("what", ["pause", "resume", "cancel", "explode"])
def test_only_its_own_and_only_what_exists(
    as_acme: Client, as_globex: Client, acme_portal: Portal, globex_portal: Portal, walk: Walk, what: str
) -> None:
    assert as_globex.post(f"/portals/{acme_portal.pk}/backfill/{walk.pk}/{what}").status_code == 404
    assert as_globex.post(f"/portals/{globex_portal.pk}/backfill/{walk.pk}/{what}").status_code == 404
    assert as_acme.post(f"/portals/{acme_portal.pk}/backfill/{walk.pk}/explode").status_code == 404
    assert as_acme.get(f"/portals/{acme_portal.pk}/backfill/{walk.pk}/pause").status_code == 405
    walk.refresh_from_db()
    assert walk.state == Walk.State.RUNNING


def test_another_account_cannot_start_one(as_globex: Client, acme_portal: Portal) -> None:
    assert as_globex.post(f"/portals/{acme_portal.pk}/backfill/start").status_code == 404
    assert not Walk.objects.exists()
