"""Invitations in the sandbox's LearnUpon: mailed by it, accepted by a person, seen in the invite log."""

import re
from typing import Any

import pytest

from sandbox.errors import ControlError
from tests.sandbox.learnupon_site import Site

WHO = "new.person@acme.example"


def group_id(site: Site, title: str = "New starters") -> int:
    rows = site.api("GET", "/groups", params={"title": title}).json()["groups"]
    assert len(rows) == 1
    return int(rows[0]["id"])


def invite(site: Site, **fields: Any) -> int:
    answer = site.api("POST", "/portal_invite", {"Invite": {"email": WHO, "first_name": "Nia"} | fields})
    assert answer.status_code == 201, answer.text
    assert answer.json()["portal_invite"]["email"] == fields.get("email", WHO)
    return int(answer.json()["portal_invite"]["id"])


def logged(site: Site, number: int) -> dict[str, Any]:
    row: dict[str, Any] = site.api("GET", f"/group_invites/{number}").json()["group_invite"][0]
    return row


def link(site: Site) -> str:
    mail = site.mails.mails[-1]
    assert mail["sender_system"] == "learnupon"
    found = re.search(r"http\S+", mail["text"])
    assert found
    return found.group()


def test_an_invited_person_is_a_user_only_after_accepting_by_the_mailed_link(site: Site) -> None:
    number = invite(site, group_id=group_id(site), CustomData={"Department": "Sales"})
    assert site.api("GET", f"/users/search?email={WHO}").status_code == 404
    assert logged(site, number)["invite_status"] == "sent"
    assert "Choose a password" in site.open("GET", link(site)).text
    home = site.open("POST", link(site), {"password": "my-own-password", "answer": "accept"})
    assert "Hello Nia" in home.text
    assert "Welcome to the company" in home.text
    found = site.api("GET", f"/users/search?email={WHO}").json()["user"][0]
    assert found["CustomData"] == {"Department": "Sales"}
    assert logged(site, number)["invite_status"] == "accepted"
    assert site.open("GET", link(site)).status_code == 404


def test_a_second_invitation_is_a_duplicate_until_the_first_expires(site: Site) -> None:
    invite(site)
    again = {"GroupInvite": {"email_addresses": WHO.upper()}}
    answer = site.api("POST", "/group_invites", again)
    assert answer.status_code == 422
    assert "already been invited" in answer.json()["message"]
    assert site.api("POST", "/portal_invite", {"Invite": {"email": WHO}}).status_code == 400
    assert len(site.mails.mails) == 1
    expired = link(site)
    site.now += 73 * 3600
    assert site.open("GET", expired).status_code == 404
    assert site.api("POST", "/group_invites", again).status_code == 201


def test_declined_and_canceled_invitations_are_over(site: Site) -> None:
    declined = invite(site)
    site.open("POST", link(site), {"answer": "decline"})
    assert logged(site, declined)["invite_status"] == "rejected"
    canceled = invite(site)
    assert site.api("DELETE", f"/group_invites/{canceled}").json() == {}
    assert logged(site, canceled)["invite_status"] == "canceled"
    assert site.open("POST", link(site), {"password": "my-own-password"}).status_code == 404


def test_an_admin_page_lets_an_invitation_expire(site: Site) -> None:
    number = invite(site)
    site.open("POST", "/acme/admin/expire-invite", {"invite_id": str(number)})
    assert logged(site, number)["invite_status"] == "sent"
    assert site.open("GET", link(site)).status_code == 404
    assert invite(site) != number


def test_members_are_not_invited(site: Site) -> None:
    body = {"Invite": {"email": "maria.lopez@acme.example"}}
    assert site.api("POST", "/portal_invite", body).status_code == 400


def test_somebody_of_the_realm_is_invited_and_keeps_the_login(site: Site) -> None:
    invite(site, email="partner.only@acme.example")
    assert "will work here too" in site.open("GET", link(site)).text
    site.open("POST", link(site), {"answer": "accept"})
    site.open("POST", "/acme/logout")
    entered = site.open(
        "POST", "/acme/login", {"email": "partner.only@acme.example", "password": "sandbox-password"}
    )
    assert "My courses" in entered.text or "not enrolled" in entered.text


def test_group_invites_take_several_addresses_and_answer_under_another_key(site: Site) -> None:
    number = group_id(site)
    body = {"GroupInvite": {"email_addresses": "a@acme.example, b@acme.example", "group_id": number}}
    answer = site.api("POST", "/group_invites", body).json()
    assert [row["invite_email_address"] for row in answer["group_invites"]] == [
        "a@acme.example",
        "b@acme.example",
    ]
    listed = site.api("GET", f"/group_invites?group_id={number}")
    assert len(listed.json()["group_invite"]) == 2
    assert listed.headers["LU-Records-Per-Page"] == "499"


@pytest.mark.parametrize(
    "fields",
    [
        {"email": "nobody"},
        {"email": ""},
        {"group_id": 1},
        {"CustomData": {"Level": 7}},
        {"portal_membership_type_id": 9},
    ],
)
def test_bad_invitations_are_refused_and_not_mailed(site: Site, fields: dict[str, Any]) -> None:
    answer = site.api("POST", "/portal_invite", {"Invite": {"email": WHO} | fields})
    assert answer.status_code in (400, 404)
    assert site.mails.mails == []


def test_who_was_added_meanwhile_gets_no_second_account_by_the_invitation(site: Site) -> None:
    invite(site)
    added = site.api("POST", "/users", {"User": {"email": WHO, "password": "longer-than-six"}})
    assert added.ok
    with pytest.raises(ControlError):
        site.do(site.world.accept_invite, "acme", WHO)
    assert (
        site.open("POST", link(site), {"password": "my-own-password", "answer": "accept"}).status_code == 404
    )
    assert len(site.api("GET", f"/users/search?email={WHO}").json()["user"]) == 1


def test_a_queued_course_starts_with_the_acceptance(site: Site) -> None:
    number = invite(site)
    body = {"group_invite_id": number, "course_name": "Leading a team"}
    made = site.api("POST", "/group_invite_course_enrollments", {"GroupInviteCourseEnrollment": body})
    assert made.json()["group_invite_course_enrollment"]["id"]
    row = site.do(site.world.accept_invite, "acme", WHO)
    taken = site.api("GET", f"/enrollments/search?user_id={row['id']}").json()["enrollments"]
    assert [row["course_name"] for row in taken] == ["Leading a team"]
