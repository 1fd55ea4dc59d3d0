"""Adding HubSpot's users from our page: who is shown, who can be added, a whole team at once."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portals.models import HubSpotAccount, Portal
from tests.conftest import signed_in
from tests.flows.stage import ACME, GLOBEX, Stage
from webhooks.models import Delivery


@pytest.fixture
def staff_portal(empty_stage: Stage) -> Portal:
    empty_stage.install(ACME)
    return empty_stage.connect("acme", record_type="user")


def browser(account: HubSpotAccount) -> Client:
    client = signed_in(account)
    client.defaults["SERVER_NAME"] = "127.0.0.1"
    return client


@pytest.fixture
def admin(staff_portal: Portal) -> Client:
    return browser(staff_portal.account)


def names(answer: object) -> list[str]:
    return [user.name for user in answer.context["leaf"].rows]  # type: ignore[attr-defined]


def test_everybody_stands_there_with_their_team(admin: Client, staff_portal: Portal) -> None:
    answer = admin.get(f"/portals/{staff_portal.pk}/learners/users")
    assert names(answer) == [
        "Devi Coach", "Gone Gilbert", "Ines Install", "Pat Seller", "Sam Success", "Yuki Tanaka"
    ]  # fmt: skip
    page = answer.content.decode()
    assert "Deactivated in HubSpot" in page
    assert "1 more person has been asked into HubSpot" in page
    assert "Support queue" not in page


def test_a_team_is_shown_alone_and_found_by_name(admin: Client, staff_portal: Portal) -> None:
    address = f"/portals/{staff_portal.pk}/learners/users"
    assert names(admin.get(address, {"of_team": "Success"})) == ["Devi Coach", "Sam Success"]
    assert names(admin.get(address, {"of_team": "Success", "q": "COACH"})) == ["Devi Coach"]
    assert "Nobody found" in admin.get(address, {"q": "nobody at all"}).content.decode()


def test_a_whole_team_is_added_and_then_linked(
    empty_stage: Stage, admin: Client, staff_portal: Portal
) -> None:
    address = f"/portals/{staff_portal.pk}/learners/users"
    admin.post(f"{address}/add", {"action": "user-add", "all": "1", "of_team": "Success"})
    assert Delivery.objects.count() == 2
    empty_stage.work()
    assert empty_stage.user("devi.coach@acme.example")
    assert empty_stage.user("sam.success@acme.example")
    assert not empty_stage.user("pat.seller@acme.example")
    page = admin.get(address, {"of_team": "Success"})
    assert page.context["addable"] == 0
    admin.post(f"{address}/add", {"action": "user-add", "all": "1", "of_team": "Success"})
    assert Delivery.objects.count() == 2


def test_those_who_left_and_strangers_are_not_added(admin: Client, staff_portal: Portal) -> None:
    address = f"/portals/{staff_portal.pk}/learners/users"
    users = {user.name: user for user in admin.get(address).context["leaf"].rows}
    ticked = [users["Gone Gilbert"].record_id, users["Pat Seller"].record_id, "999999"]
    admin.post(f"{address}/add", {"action": "user-invite", "user": ticked})
    row = Delivery.objects.get()
    assert (row.kind, row.record_id) == ("hubspot.action.user-invite", users["Pat Seller"].record_id)


def test_a_team_that_is_gone_adds_nobody(admin: Client, staff_portal: Portal) -> None:
    address = f"/portals/{staff_portal.pk}/learners/users/add"
    said = admin.post(address, {"action": "user-add", "all": "1", "of_team": "Renamed"}, follow=True)
    assert "Nobody was chosen" in said.content.decode()
    assert not Delivery.objects.exists()


def test_hubspot_being_down_is_said_kindly(empty_stage: Stage, admin: Client, staff_portal: Portal) -> None:
    empty_stage.fault("hubspot", "/crm/objects/.*/users", "status", status=503, times=9)
    answer = admin.get(f"/portals/{staff_portal.pk}/learners/users")
    assert answer.status_code == 200
    assert "could not be read just now" in answer.content.decode()


def test_portals_on_contacts_and_other_accounts_have_no_such_page(
    empty_stage: Stage, admin: Client, staff_portal: Portal
) -> None:
    contacts = empty_stage.connect("acme-partners")
    assert admin.get(f"/portals/{contacts.pk}/learners/users").status_code == 404
    stranger = browser(empty_stage.install(GLOBEX))
    assert stranger.get(f"/portals/{staff_portal.pk}/learners/users").status_code == 404
    posted = stranger.post(
        f"/portals/{staff_portal.pk}/learners/users/add", {"action": "user-add", "all": "1"}
    )
    assert posted.status_code == 404
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("page", ["learners/users", "mapping"])
def test_live_lists_ask_the_database_little(admin: Client, staff_portal: Portal, page: str) -> None:
    with CaptureQueriesContext(connection) as asked:
        answer = admin.get(f"/portals/{staff_portal.pk}/{page}")
    assert "could not be read" not in answer.content.decode()
    assert len(asked) <= 12
