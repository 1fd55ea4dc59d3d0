"""The card's and the settings page's addresses: who may ask, what they are told, what the buttons leave behind."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import ANY

import orjson
import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from learners.models import Enrollment, Learner
from portals import tombstones
from portals.models import AuditEntry, Course, HubSpotAccount, Portal
from tests.conftest import make_portal
from webhooks import nudger, signatures
from webhooks.models import Delivery

CONTACT = "501"
ME = "&userId=7&userEmail=admin%40acme.example&appId=12345"
CLIENT = Client()
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def woken(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What workers would be waked for; the broker is not part of these tests."""
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr(nudger, "wake", lambda *arguments: calls.append(arguments))
    return calls


def send(method: str, path: str, body: Any = None, secret: str = "", accept: str = "*/*") -> Any:
    """As HubSpot's proxy sends it."""
    content = orjson.dumps(body) if body is not None else b""
    stamp = str(int(time.time() * 1000))
    uri = settings.PUBLIC_URL + path
    key = secret or settings.HUBSPOT_CLIENT_SECRETS[0]
    signed = {
        "X-HubSpot-Signature-v3": signatures.hubspot_v3(key, method, uri, content, stamp),
        "X-HubSpot-Request-Timestamp": stamp,
        "Accept": accept,
    }
    return CLIENT.generic(method, path, content, "application/json", headers=signed)


def get(name: str, account: HubSpotAccount, more: str = f"&contactId={CONTACT}") -> Any:
    answer = send("GET", f"/webhooks/hubspot/cards/{name}?portalId={account.hub_id}{ME}{more}")
    assert answer.status_code == 200, answer.content
    return orjson.loads(answer.content)


def press(name: str, portal: Portal, contact: str = CONTACT, account: HubSpotAccount | None = None) -> Any:
    whose = account or portal.account
    path = f"/webhooks/hubspot/cards/{name}?portalId={whose.hub_id}{ME}"
    answer = send("POST", path, {"contactId": contact, "portal": portal.pk})
    assert answer.status_code == 200, answer.content
    return orjson.loads(answer.content)


def learner(portal: Portal, **changes: object) -> Learner:
    values = {"record_type": "contact", "record_id": CONTACT, "state": "active", "learnupon_user_id": 31}
    return Learner.objects.create(account=portal.account, portal=portal, **(values | changes))


def enrollment(of: Learner, number: int, **changes: object) -> Enrollment:
    values = {"course_id": number, "course_name": f"Course {number}", "status": "in_progress"}
    return Enrollment.objects.create(
        account=of.account, portal=of.portal, learner=of, enrollment_id=number, **(values | changes)
    )


# --- who may ask ----------------------------------------------------------------------------------------
def test_only_hubspot_may_ask(acme_portal: Portal) -> None:
    path = f"/webhooks/hubspot/cards/enrollments?portalId=1001&contactId={CONTACT}"
    assert Client().get(path).status_code == 401
    assert send("GET", path, secret="another").status_code == 401
    assert send("GET", path).status_code == 200


def test_an_account_we_do_not_know_and_an_address_there_is_not(acme_portal: Portal) -> None:
    assert send("GET", f"/webhooks/hubspot/cards/enrollments?portalId=77{ME}").status_code == 404
    for method, name in (("GET", "add"), ("POST", "settings"), ("GET", "grades")):
        assert send(method, f"/webhooks/hubspot/cards/{name}?portalId=1001{ME}").status_code == 404


@pytest.mark.parametrize(
    "query",
    ["contactId=1", "portalId=", "portalId=x", "portalId=1002&portalId=1001", f"portalId=1001&portalId=1002{ME}",
     "portalId=1001&userEmail=a&userEmail=b", "portalId=1001&contactId=1%00", "portalId=1001&contactId=-1",
     "portalId=" + "9" * 30],
)  # fmt: skip
def test_whose_request_it_is_must_be_beyond_doubt(
    acme_portal: Portal, globex: HubSpotAccount, query: str
) -> None:
    """What a card wrote into its own address stands beside what HubSpot appended: neither is believed."""
    assert send("GET", f"/webhooks/hubspot/cards/enrollments?{query}").status_code == 400


@pytest.mark.parametrize(
    "body", [[], "x", {"portal": "x"}, {"portal": -1}, {"contactId": "a"}, {"contactId": {}}]
)
def test_a_body_that_is_none_is_refused(acme_portal: Portal, body: Any) -> None:
    answer = send("POST", f"/webhooks/hubspot/cards/add?portalId=1001{ME}", body)
    assert answer.status_code == 400
    assert not Delivery.objects.exists()


def test_the_account_is_hubspot_s_word_never_the_card_s(acme_portal: Portal, globex_portal: Portal) -> None:
    learner(acme_portal)
    enrollment(learner(globex_portal, learnupon_user_id=9), 1, course_name="Theirs")
    seen = get("enrollments", acme_portal.account)
    assert [portal["id"] for portal in seen["portals"]] == [acme_portal.pk]
    assert seen["enrollments"] == []
    for name in ("add", "invite", "resend"):
        assert press(name, globex_portal, account=acme_portal.account)["error"] == "portal_not_connected"
    assert not Delivery.objects.exists()


# --- what the card shows --------------------------------------------------------------------------------
def test_everything_about_one_contact(acme_portal: Portal) -> None:
    one = learner(acme_portal, linked_at=NOW)
    Course.objects.create(portal=acme_portal, course_id=2, name="Security", required=True)
    enrollment(one, 1, status="completed", result="passed", score_percent=91.5, completed_at=NOW,
               certificate_name="Diver", certificate_expires_on="2027-01-02")  # fmt: skip
    enrollment(one, 2, overdue=True, due_on="2026-10-01", progress_percent=40)
    enrollment(one, 3, status="not_started", due_on="2026-12-01")
    enrollment(one, 4, unenrolled=True)
    enrollment(one, 5, unenrolled=True, status="completed")
    enrollment(one, 6, withdrawn=True)
    seen = get("enrollments", acme_portal.account)
    assert [row["id"] for row in seen["enrollments"]] == ["2", "3", "5", "1"]
    late, _, _, done = seen["enrollments"]
    assert late == {
        "id": "2", "course": "Course 2", "portal": acme_portal.pk, "portal_name": "acme", "status": "in_progress",
        "result": "", "required": True, "progress_percent": 40.0, "score_percent": None, "overdue": True,
        "due_on": "2026-10-01", "enrolled_at": "", "completed_at": "", "certificate_name": "",
        "certificate_expires_on": "",
    }  # fmt: skip
    assert (done["score_percent"], done["certificate_name"]) == (91.5, "Diver")
    assert (done["completed_at"], done["required"]) == ("2026-11-01T12:00:00+00:00", False)
    assert seen["counts"] == {"not_started": 1, "in_progress": 1, "completed": 2, "overdue": 1}
    (portal,) = seen["portals"]
    assert portal["learner"]["page"].startswith(settings.PUBLIC_URL)
    assert (portal["learner"]["state"], portal["can"]) == ("active", ["refresh"])
    assert (seen["more"], seen["notice"]) == (False, "")


@pytest.mark.parametrize(
    ("state", "invitation", "can"),
    [
        ("new", "no", ["add", "invite"]),
        ("pending", "sent", ["resend", "refresh"]),
        ("new", "unconfirmed", ["resend", "refresh"]),
        ("paused", "no", []),
        ("unlinked", "sent", ["add", "invite"]),
    ],
)
def test_the_buttons_fit_the_state(acme_portal: Portal, state: str, invitation: str, can: list[str]) -> None:
    learner(acme_portal, state=state, invitation=invitation, learnupon_user_id=None)
    assert get("enrollments", acme_portal.account)["portals"][0]["can"] == can


def test_a_contact_nobody_has_added_yet_in_two_portals(acme_portal: Portal) -> None:
    make_portal(acme_portal.account, "acme-partners", number=2)
    make_portal(acme_portal.account, "acme-staff", number=3, record_type="user")
    seen = get("enrollments", acme_portal.account)
    assert [(row["name"], row["learner"], row["can"]) for row in seen["portals"]] == [
        ("acme", None, ["add", "invite"]),
        ("acme-partners", None, ["add", "invite"]),
    ]


def test_what_can_be_expected_is_said_in_words(acme: HubSpotAccount) -> None:
    assert get("enrollments", acme)["error"] == "no_portal"
    portal = make_portal(acme, "acme")
    assert get("enrollments", acme, "")["error"] == "no_contact"
    tombstones.bury(acme, "contact", CONTACT, set())
    assert get("enrollments", acme)["error"] == "erased"
    assert press("add", portal)["error"] == "erased"
    assert press("refresh", portal, "9")["error"] == "not_linked"
    assert press("resend", portal, "9")["error"] == "no_invitation"
    assert not Delivery.objects.exists()


def test_an_account_that_hubspot_cut_off_still_shows_what_is_known(acme_portal: Portal) -> None:
    HubSpotAccount.objects.update(state="disconnected")
    enrollment(learner(acme_portal), 1)
    seen = get("enrollments", acme_portal.account)
    assert "Install it again" in seen["notice"]
    assert len(seen["enrollments"]) == 1


def test_a_request_that_failed_shows_its_reason(acme_portal: Portal) -> None:
    press("add", acme_portal)
    assert get("enrollments", acme_portal.account)["portals"][0]["latest"] == {
        "what": "Add learner", "state": "waiting", "became": "", "reason": "", "at": ANY,
    }  # fmt: skip
    Delivery.objects.update(state="failed", outcome="no_email", reason="The record has no e-mail.")
    latest = get("enrollments", acme_portal.account)["portals"][0]["latest"]
    assert (latest["state"], latest["became"]) == ("failed", "No usable e-mail")
    assert latest["reason"] == "The record has no e-mail."


def shape(value: Any) -> Any:
    """The names, whatever the values; null stands for anything."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value and isinstance(value[0], dict) else None


@pytest.mark.parametrize("name", ["enrollments", "settings"])
def test_the_card_s_own_tests_use_answers_of_this_shape(acme_portal: Portal, name: str) -> None:
    """hubspot-app/tests plays these answers to the card, and its types name what they hold."""
    enrollment(learner(acme_portal), 1)
    press("add", acme_portal)
    if name == "settings":
        Portal.objects.update(state="disconnected")
    played = orjson.loads((settings.BASE_DIR / f"hubspot-app/tests/answers/{name}.json").read_bytes())
    assert shape(get(name, acme_portal.account)) == shape(played)


# --- its buttons ----------------------------------------------------------------------------------------
def test_add_and_invite_go_the_road_of_workflows(acme_portal: Portal) -> None:
    assert "acme" in press("add", acme_portal)["message"]
    assert "acme" in press("invite", acme_portal)["message"]
    rows = list(Delivery.objects.order_by("pk").values("kind", "record_id", "portal", "tell", "body"))
    assert [row["kind"] for row in rows] == ["hubspot.action.user-add", "hubspot.action.user-invite"]
    assert {(row["record_id"], row["portal"], row["tell"]) for row in rows} == {
        (CONTACT, acme_portal.pk, "nothing")
    }
    assert [(row["body"] or {})["actor"] for row in rows] == ["admin@acme.example"] * 2


def test_resend_is_a_person_s_decision(acme_portal: Portal) -> None:
    one = learner(acme_portal, state="new", invitation="unconfirmed", learnupon_user_id=None)
    assert "message" in press("resend", acme_portal)
    one.refresh_from_db()
    assert one.invitation == "no"
    assert Delivery.objects.get().kind == "hubspot.action.user-invite"
    assert AuditEntry.objects.get().actor == "admin@acme.example"


@pytest.mark.parametrize("resting", ["portal", "account"])
@pytest.mark.parametrize("button", ["add", "refresh"])
def test_a_button_of_a_connection_that_rests_says_that_it_waits(
    acme_portal: Portal, button: str, resting: str
) -> None:
    learner(acme_portal)
    if resting == "portal":
        Portal.objects.update(state=Portal.State.PAUSED)
    else:
        HubSpotAccount.objects.update(state=HubSpotAccount.State.DISCONNECTED)
    assert "as soon as this portal works again" in press(button, acme_portal)["message"]


def test_refresh_asks_learnupon_soon(acme_portal: Portal, woken: list[tuple[Any, ...]]) -> None:
    partners = make_portal(acme_portal.account, "acme-partners", number=2)
    one = learner(acme_portal)
    two = learner(partners, state="pending", invitation="sent", learnupon_user_id=None)
    assert "message" in press("refresh", acme_portal)
    one.refresh_from_db()
    two.refresh_from_db()
    assert one.read_due_at is not None
    assert two.look_at is not None
    assert {(call[0], call[2]) for call in woken} == {
        (p.pk, "learners.look") for p in (acme_portal, partners)
    }


# --- how fast and how much ------------------------------------------------------------------------------
def test_200_enrollments_cost_no_more_queries_and_fit_in_1_mb(acme_portal: Portal) -> None:
    one = learner(acme_portal)
    get("enrollments", acme_portal.account)
    with CaptureQueriesContext(connection) as few:
        get("enrollments", acme_portal.account)
    Enrollment.objects.bulk_create(
        Enrollment(
            account=one.account, portal=one.portal, learner=one, enrollment_id=n, course_id=n, course_name="学" * 500,
            certificate_name="証" * 255,
        )
        for n in range(200)
    )  # fmt: skip
    with CaptureQueriesContext(connection) as many:
        get("enrollments", acme_portal.account)
    assert len(many) == len(few) <= 10
    assert len(get("enrollments", acme_portal.account)["enrollments"]) == 200
    path = (
        f"/webhooks/hubspot/cards/enrollments?portalId={acme_portal.account.hub_id}{ME}&contactId={CONTACT}"
    )
    assert len(send("GET", path).content) < 1024 * 1024


def test_more_than_can_be_shown_is_said(acme_portal: Portal) -> None:
    one = learner(acme_portal)
    Enrollment.objects.bulk_create(
        Enrollment(
            account=one.account, portal=one.portal, learner=one, enrollment_id=n, course_id=n, course_name="学" * 500,
            certificate_name="証" * 255, changed_at=NOW + timedelta(minutes=n),
        )
        for n in range(1000)
    )  # fmt: skip
    path = f"/webhooks/hubspot/cards/enrollments?portalId=1001{ME}&contactId={CONTACT}"
    content = send("GET", path).content
    assert len(content) < 500_000
    seen = orjson.loads(content)
    assert (len(seen["enrollments"]), seen["more"]) == (300, True)
    assert seen["counts"]["in_progress"] + seen["counts"]["not_started"] == 1000


# --- the settings page ----------------------------------------------------------------------------------
def test_the_settings_page_lists_the_account_s_portals(acme_portal: Portal, globex_portal: Portal) -> None:
    one = learner(acme_portal)
    enrollment(one, 1, due_at=None, parked_reason="HubSpot refused it.")
    Portal.objects.filter(pk=acme_portal.pk).update(
        state="disconnected", state_reason="The keys are refused."
    )
    seen = get("settings", acme_portal.account, "")
    (portal,) = seen["portals"]
    assert (portal["name"], portal["state"], portal["learners"]) == ("acme", "disconnected", 1)
    assert (portal["failing"], portal["reason"]) == (1, "The keys are refused.")
    assert seen["banners"][0]["link"] == f"{settings.PUBLIC_URL}/portals/{acme_portal.pk}/settings"
    assert seen["pages"]["portals"] == f"{settings.PUBLIC_URL}/portals/"
    assert seen["connected"] is True


def test_the_settings_page_costs_the_same_for_many_portals(acme: HubSpotAccount) -> None:
    make_portal(acme, "one")
    get("settings", acme, "")
    with CaptureQueriesContext(connection) as few:
        get("settings", acme, "")
    for number in range(2, 12):
        make_portal(acme, f"p{number}", number=number)
    with CaptureQueriesContext(connection) as many:
        assert len(get("settings", acme, "")["portals"]) == 11
    assert len(many) == len(few)
