"""What came in, what became of it, trying again, and the spreadsheet."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from learners.models import Enrollment
from learners.views.spreadsheet import cell
from portals.models import Portal
from tests.learners.test_pages_people import enrollment, learner
from webhooks.models import Delivery


def delivery(of: Portal, **fields: object) -> Delivery:
    known = {"account": of.account, "portal": of, "kind": "hubspot.action.user-add", "lane": "actions"}
    known |= {
        "key": f"key-{Delivery.objects.count()}",
        "body": {},
        "record_type": "contact",
        "record_id": "501",
    }
    return Delivery.objects.create(**(known | fields))


def failed(of: Portal, **fields: object) -> Delivery:
    return delivery(of, state="failed", outcome="realm_clash", reason="Has an account elsewhere.", **fields)


def test_an_empty_page_says_what_will_stand_here(as_acme: Client, acme_portal: Portal) -> None:
    assert "Nothing has come in yet" in as_acme.get(f"/portals/{acme_portal.pk}/activity").content.decode()


def test_failing_and_waiting_stand_first_with_reason_and_next_try(
    as_acme: Client, acme_portal: Portal
) -> None:
    delivery(acme_portal, state="done", outcome="created")
    failed(acme_portal, correlation_id="corr-1")
    delivery(acme_portal, attempts=3, reason="LearnUpon did not answer.", due_at=timezone.now())
    page = as_acme.get(f"/portals/{acme_portal.pk}/activity").content.decode()
    assert page.index("Failing") < page.index("Waiting") < page.index("Everything, newest first")
    assert "Account elsewhere in the realm" in page
    assert "corr-1" in page
    assert "Tried 3 times; next try" in page
    assert "record/0-1/501" in page


def test_what_concerns_the_whole_account_is_shown_too(as_acme: Client, acme_portal: Portal) -> None:
    delivery(acme_portal, portal=None, kind="hubspot.contact.privacyDeletion", state="done", outcome="erased")
    assert "Privacy deletion" in as_acme.get(f"/portals/{acme_portal.pk}/activity").content.decode()


def test_the_other_accounts_deliveries_are_not(
    as_acme: Client, acme_portal: Portal, globex_portal: Portal
) -> None:
    failed(globex_portal, record_id="66600001")
    delivery(globex_portal, portal=None, record_id="66600002")
    page = as_acme.get(f"/portals/{acme_portal.pk}/activity").content.decode()
    assert "66600001" not in page
    assert "66600002" not in page


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({"state": "failed"}, {"2"}),
        ({"kind": "learnupon."}, {"3"}),
        ({"q": "900"}, {"3"}),
        ({"q": "corr-1"}, {"2"}),
        ({"q": "1"}, {"1"}),
        ({"state": "nonsense"}, {"1", "2", "3"}),
    ],
)
def test_filters(as_acme: Client, acme_portal: Portal, query: dict[str, str], shown: set[str]) -> None:
    delivery(acme_portal, record_id="1", state="done")
    failed(acme_portal, record_id="2", correlation_id="corr-1")
    delivery(acme_portal, record_id="3", kind="learnupon.course_completion", learnupon_user_id=900)
    rows = as_acme.get(f"/portals/{acme_portal.pk}/activity", query).context["log"]
    assert {row.delivery.record_id for row in rows} == shown


def test_pages_of_the_log_meet(as_acme: Client, acme_portal: Portal) -> None:
    at_once = timezone.now()
    everything = {delivery(acme_portal, received_at=at_once).pk for _ in range(60)}
    first = as_acme.get(f"/portals/{acme_portal.pk}/activity").context["page"]
    second = as_acme.get(f"/portals/{acme_portal.pk}/activity", {"before": first.older}).context["page"]
    seen = [row.pk for row in (*first.rows, *second.rows)]
    assert seen == sorted(everything, reverse=True)
    back = as_acme.get(f"/portals/{acme_portal.pk}/activity", {"after": second.newer}).context["page"]
    assert [row.pk for row in back.rows] == [row.pk for row in first.rows]


def test_picked_ones_are_tried_again(as_acme: Client, acme_portal: Portal) -> None:
    picked, left = failed(acme_portal), failed(acme_portal)
    as_acme.post(f"/portals/{acme_portal.pk}/activity/retry", {"delivery": [str(picked.pk), "x", "9" * 30]})
    picked.refresh_from_db()
    left.refresh_from_db()
    assert picked.state == Delivery.State.WAITING
    assert left.state == Delivery.State.FAILED


def test_all_are_tried_again(as_acme: Client, acme_portal: Portal, globex_portal: Portal) -> None:
    mine, theirs = failed(acme_portal), failed(globex_portal)
    row = enrollment(learner(acme_portal), parked_reason="HubSpot refused the score.", due_at=None)
    page = as_acme.get(f"/portals/{acme_portal.pk}/activity").content.decode()
    assert "HubSpot refused the score." in page
    said = as_acme.post(
        f"/portals/{acme_portal.pk}/activity/retry", {"all": "1"}, follow=True
    ).content.decode()
    assert "2 tried again" in said
    mine.refresh_from_db()
    theirs.refresh_from_db()
    assert mine.state == Delivery.State.WAITING
    assert theirs.state == Delivery.State.FAILED
    assert Enrollment.objects.get(pk=row.pk).due_at is not None


def test_another_accounts_failures_cannot_be_tried(
    as_globex: Client, acme_portal: Portal, globex_portal: Portal
) -> None:
    row = failed(acme_portal)
    assert as_globex.post(f"/portals/{acme_portal.pk}/activity/retry", {"all": "1"}).status_code == 404
    as_globex.post(f"/portals/{globex_portal.pk}/activity/retry", {"delivery": str(row.pk)})
    row.refresh_from_db()
    assert row.state == Delivery.State.FAILED


def test_all_that_match_the_filter_are_tried_again_and_no_others(
    as_acme: Client, acme_portal: Portal
) -> None:
    clash = failed(acme_portal)
    other = delivery(acme_portal, state="failed", outcome="no_email")
    row = enrollment(learner(acme_portal), parked_reason="HubSpot refused the score.", due_at=None)
    page = as_acme.get(f"/portals/{acme_portal.pk}/activity", {"outcome": "realm_clash"}).content.decode()
    assert "Try all that fail and match the filter again" in page
    assert '<input type="hidden" name="outcome" value="realm_clash">' in page
    as_acme.post(f"/portals/{acme_portal.pk}/activity/retry", {"all": "1", "outcome": "realm_clash"})
    states = dict(Delivery.objects.values_list("pk", "state"))
    assert states == {clash.pk: "waiting", other.pk: "failed"}
    assert Enrollment.objects.get(pk=row.pk).due_at is None


def test_a_filter_with_a_mistake_retries_nothing(as_acme: Client, acme_portal: Portal) -> None:
    row = failed(acme_portal)
    as_acme.post(f"/portals/{acme_portal.pk}/activity/retry", {"all": "1", "day": "yesterday"})
    row.refresh_from_db()
    assert row.state == Delivery.State.FAILED


def test_what_a_worker_may_hold_or_has_no_content_cannot_be_picked(
    as_acme: Client, acme_portal: Portal
) -> None:
    soon = delivery(acme_portal, due_at=timezone.now() + timedelta(seconds=30), attempts=3)
    far = delivery(acme_portal, due_at=timezone.now() + timedelta(hours=2), attempts=3)
    blank = failed(acme_portal, body=None)
    picked = {"delivery": [soon.pk, far.pk, blank.pk]}
    page = as_acme.get(f"/portals/{acme_portal.pk}/activity", {"q": "501"}).content.decode()
    assert f'value="{far.pk}"' in page
    assert f'value="{soon.pk}"' not in page
    assert f'value="{blank.pk}"' not in page
    said = as_acme.post(f"/portals/{acme_portal.pk}/activity/retry", picked, follow=True).content.decode()
    assert "1 tried again" in said
    far.refresh_from_db()
    assert far.attempts == 0


def test_a_day_is_a_day_of_the_account(as_acme: Client, acme_portal: Portal) -> None:
    """The account reads New York's time: 03:00 UTC on the 2nd is still the 1st there."""
    delivery(acme_portal, record_id="1", received_at=datetime(2026, 3, 2, 3, tzinfo=UTC))
    delivery(acme_portal, record_id="2", received_at=datetime(2026, 3, 2, 6, tzinfo=UTC))
    rows = as_acme.get(f"/portals/{acme_portal.pk}/activity", {"day": "2026-03-01"}).context["log"]
    assert [row.delivery.record_id for row in rows] == ["1"]


def test_waiting_for_learnupons_allowance_is_said_with_minutes(as_acme: Client, acme_portal: Portal) -> None:
    assert as_acme.get(f"/portals/{acme_portal.pk}/activity").context["allowance"] is None
    due = timezone.now() + timedelta(seconds=50)
    for _ in range(3):
        delivery(acme_portal, reason="Waiting for LearnUpon's request allowance.", due_at=due)
    page = as_acme.get(f"/portals/{acme_portal.pk}/activity").content.decode()
    assert "3 things wait for LearnUpon's allowance, about 1 minute;" in page


def test_the_spreadsheet_follows_the_filter(as_acme: Client, acme_portal: Portal) -> None:
    delivery(acme_portal, state="done", record_id="1")
    failed(acme_portal, record_id="2")
    answer = as_acme.get(f"/portals/{acme_portal.pk}/activity.csv", {"state": "failed"})
    assert answer["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))  # type: ignore[attr-defined]
    assert [row["Record id"] for row in rows] == ["2"]
    assert rows[0]["Result"] == "Account elsewhere in the realm"


@pytest.mark.parametrize("text", ["=1+1", "+353", "-2", "@SUM(A1)", "\t1", "\r1", "  =1", "\uff1d1"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("value", "text"), [("Ada", "Ada"), (None, ""), (-3, "-3"), ("", ""), ("a=b", "a=b")]
)
def test_other_cells_stay_as_they_are(value: object, text: str) -> None:
    assert cell(value) == text


def test_what_failed_is_filtered_by_why_and_says_what_to_do(
    as_acme: Client, acme_portal: Portal, globex_portal: Portal
) -> None:
    failed(acme_portal, record_id="700001", why="internal")
    failed(acme_portal, record_id="700002", why="configuration")
    failed(globex_portal, record_id="700003", why="internal")
    address = f"/portals/{acme_portal.pk}/activity"
    page = as_acme.get(address, {"why": "internal"}).content.decode()
    assert "700001" in page
    assert not {"700002", "700003"} & set(page.split())
    assert "700002" not in page
    assert "Our mistake" in page
    assert "Once it is mended, try it again." in page
    rows = list(
        csv.DictReader(
            io.StringIO(
                as_acme.get(f"{address}.csv", {"why": "configuration"}).getvalue().decode("utf-8-sig")
            )
        )
    )
    assert [(row["Why"], row["Record id"]) for row in rows] == [("Set-up needed", "700002")]


def test_progress_set_aside_says_what_to_do(as_acme: Client, acme_portal: Portal) -> None:
    enrollment(learner(acme_portal), parked_reason="HubSpot said no.", why="refused", due_at=None)
    page = as_acme.get(f"/portals/{acme_portal.pk}/activity").content.decode()
    assert "Mend what the reason names" in page
