"""LearnUpon's users API in the sandbox: wrapping, realm uniqueness, custom data, renames, silent filters."""

from typing import Any

import pytest

from tests.sandbox.learnupon_site import Site


def user(**fields: Any) -> dict[str, Any]:
    return {"User": {"email": "new.person@acme.example", "password": "long-enough"} | fields}


def created(site: Site, **fields: Any) -> int:
    answer = site.api("POST", "/users", user(**fields))
    assert answer.status_code == 201, answer.text
    number: int = answer.json()["id"]
    return number


def read(site: Site, number: int) -> dict[str, Any]:
    row: dict[str, Any] = site.api("GET", f"/users/{number}").json()["user"][0]
    return row


def field_id(site: Site, label: str, portal: str = "acme") -> int:
    rows = site.api("GET", "/users/customuserdata", portal=portal).json()["customDataFieldDefinitions"]
    return next(int(row["id"]) for row in rows if row["label"] == label)


def test_a_created_user_is_found_by_mail_without_case_and_gets_no_mail(site: Site) -> None:
    number = created(site, email="New.Person+x@Acme.example", first_name="Nia", language="de")
    found = site.api("GET", "/users/search", params={"email": "new.person+X@acme.example"}).json()["user"]
    assert [row["id"] for row in found] == [number]
    assert (found[0]["first_name"], found[0]["locale"], found[0]["enabled"]) == ("Nia", "de", True)
    assert site.mails.mails == []


def test_a_search_with_an_unencoded_plus_misses(site: Site) -> None:
    created(site, email="a+b@acme.example")
    assert site.api("GET", "/users/search?email=a+b@acme.example").status_code == 404


def test_a_miss_has_a_response_code_and_no_user(site: Site) -> None:
    answer = site.api("GET", "/users/search?email=nobody@acme.example")
    assert answer.status_code == 404
    assert answer.json()["response_code"] == 404
    assert "user" not in answer.json()


def test_a_username_is_found_and_its_miss_is_a_200_without_a_user(site: Site) -> None:
    number = created(site, email="", username="night.owl")
    found = site.api("GET", "/users/search?username=Night.Owl").json()["user"]
    assert (found[0]["id"], found[0]["email"]) == (number, "")
    missed = site.api("GET", "/users/search?username=nobody.here")
    assert (missed.status_code, missed.json()["response_code"]) == (200, 404)
    assert "user" not in missed.json()


def test_a_rule_of_the_portal_enrolls_new_users(site: Site) -> None:
    number = site.api("POST", "/users", user(), portal="acme-partners").json()["id"]
    rows = site.api("GET", f"/enrollments/search?user_id={number}", portal="acme-partners").json()
    assert [row["course_name"] for row in rows["enrollments"]] == ["Welcome to the company"]


@pytest.mark.parametrize("path", ["/users?email=nobody@acme.example", "/users/search?user_id=1"])
def test_unknown_filters_are_ignored_in_silence(site: Site, path: str) -> None:
    answer = site.api("GET", path)
    assert answer.status_code == 200
    assert len(answer.json()["user"]) == len(site.world.portals["acme"].users)


def test_an_unwrapped_body_is_a_404(site: Site) -> None:
    answer = site.api("POST", "/users", {"email": "x@acme.example", "password": "long-enough"})
    assert answer.status_code == 404
    assert answer.json()["message"] == "Invalid user parameters provided"


@pytest.mark.parametrize(
    "fields",
    [
        {"email": "not an address"},
        {"email": ""},
        {"password": "short"},
        {"password": None},
        {"language": "da"},
        {"language": "pt-br"},
        {"user_type": "king"},
        {"account_expires": "31/12/2027"},
    ],
)
def test_bad_fields_are_refused_and_nobody_is_made(site: Site, fields: dict[str, Any]) -> None:
    before = len(site.world.portals["acme"].users)
    answer = site.api("POST", "/users", user(**fields))
    assert answer.status_code == 400
    assert answer.json()["message"]
    assert len(site.world.portals["acme"].users) == before


def test_an_address_in_a_sister_portal_is_refused_with_the_hint_to_invite(site: Site) -> None:
    answer = site.api("POST", "/users", user(email="Partner.Only@acme.example"))
    assert answer.status_code == 400
    assert answer.json() == {
        "response_type": "ERROR",
        "response_code": 400,
        "message": "user already exists, you can try to invite them to this portal?",
    }


def test_the_realm_can_allow_the_same_login(site: Site) -> None:
    site.open("POST", "/acme/admin/realm", {"allow_existing": "true"})
    assert created(site, email="partner.only@acme.example")


def test_another_realm_is_another_world(site: Site) -> None:
    assert site.api("POST", "/users", user(email="hank.scorpio@globex.example")).status_code == 201


def test_an_address_in_the_same_portal_is_refused_with_another_text(site: Site) -> None:
    created(site)
    answer = site.api("POST", "/users", user(email="NEW.person@acme.example"))
    assert (answer.status_code, answer.json()["message"]) == (400, "user already exists")


def test_custom_data_goes_by_label_or_by_definition_id(site: Site) -> None:
    level = field_id(site, "Level")
    number = created(site, CustomData={"employee NUMBER": "17", "Department": "Sales", "Nonsense": "x"})
    assert read(site, number)["CustomData"] == {"Department": "Sales", "Employee number": 17}
    changed = {"User": {"CustomData": {"use_definition_ids": 1, str(level): 2}}}
    assert site.api("PUT", f"/users/{number}", changed).json() == {"id": number}
    assert {"definition_id": level, "value": 2} in read(site, number)["customDataFieldValues"]


@pytest.mark.parametrize(
    ("label", "value"),
    [
        ("Country", "Atlantis"),
        ("Level", 4),
        ("Rate", "0.7"),
        ("Start date", "07/05/2020"),
        ("Start date", "2020-02-30"),
        ("Start date", "2020-W01-1"),
        ("Employee number", "1.5"),
        ("Employee number", True),
        ("Score", "much"),
        ("Score", "nan"),
        ("Department", "x" * 256),
    ],
)
def test_custom_data_of_the_wrong_kind_is_refused_by_name(site: Site, label: str, value: Any) -> None:
    answer = site.api("POST", "/users", user(CustomData={label: value}))
    assert answer.status_code == 400
    assert label in answer.json()["message"]


def test_an_unknown_definition_id_is_refused(site: Site) -> None:
    answer = site.api("POST", "/users", user(CustomData={"use_definition_ids": 1, "999999": "x"}))
    assert answer.status_code == 400
    assert "999999" in answer.json()["message"]


def test_choices_are_listed_in_one_string(site: Site) -> None:
    rows = site.api("GET", "/users/customuserdata").json()["customDataFieldDefinitions"]
    assert {row["type_id"] for row in rows} == {1, 2, 3, 4, 5, 6, 7}
    assert next(row for row in rows if row["label"] == "Level")["predefined_values"] == "1\r\n2\r\n3"
    assert next(row for row in rows if row["label"] == "Score")["predefined_values"] is None


def test_renames_by_new_email_and_by_id(site: Site) -> None:
    number = created(site)
    renamed = {"User": {"email": "new.person@acme.example", "new_email": "second@acme.example"}}
    assert site.api("PUT", "/users/0", renamed).json() == {"id": number}
    assert site.api("PUT", f"/users/{number}", {"User": {"email": "third@acme.example"}}).status_code == 200
    assert site.api("GET", "/users/search?email=second@acme.example").status_code == 404
    assert site.api("GET", "/users/search?email=third@acme.example").json()["user"][0]["id"] == number


def test_a_rename_onto_somebody_else_is_refused(site: Site) -> None:
    number = created(site)
    for taken in ("maria.lopez@acme.example", "partner.only@acme.example"):
        assert site.api("PUT", f"/users/{number}", {"User": {"new_email": taken}}).status_code == 400


def test_a_refused_change_changes_nothing(site: Site) -> None:
    number = created(site, first_name="Nia")
    bad = {"User": {"first_name": "Other", "CustomData": {"Level": 9}}}
    assert site.api("PUT", f"/users/{number}", bad).status_code == 400
    assert read(site, number)["first_name"] == "Nia"


def test_disabling_at_the_top_reaches_the_sub_portal_and_the_audit_trail(site: Site) -> None:
    site.open("POST", "/acme/admin/realm", {"allow_existing": "true"})
    number = created(site, email="partner.only@acme.example")
    assert site.api("PUT", f"/users/{number}", {"User": {"enabled": False}}).status_code == 200
    assert not site.world.portals["acme-partners"].by_email["partner.only@acme.example"].enabled
    trail = site.api("GET", "/audit-trails?action=4").json()["audit_trails"]
    assert trail[0]["impacted_user"] == number
    listed = site.api("GET", "/users?login_enabled=false").json()["user"]
    assert number in [row["id"] for row in listed]


def test_a_deleted_user_takes_the_history_along(site: Site) -> None:
    maria = site.world.portals["acme"].by_email["maria.lopez@acme.example"]
    assert site.api("GET", f"/enrollments/search?user_id={maria.id}").json()["enrollments"]
    assert site.api("DELETE", f"/users/{maria.id}").json() == {}
    assert site.api("GET", f"/users/{maria.id}").status_code == 404
    assert site.api("GET", f"/enrollments/search?user_id={maria.id}").json()["enrollments"] == []
    assert site.api("GET", "/audit-trails?action=3").json()["audit_trails"][0]["impacted_user"] == maria.id


def test_versions_add_fields(site: Site) -> None:
    rows = [
        site.api("GET", f"/users{query}").json()["user"][0]
        for query in ("", "?version_id=1.1", "?version_id=1.2")
    ]
    assert [("updated_at" in row, "timezone_id" in row) for row in rows] == [
        (False, False),
        (True, False),
        (True, True),
    ]
