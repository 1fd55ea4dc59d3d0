"""Contacts, users, app-object records and what joins them."""

from typing import Any

import pytest

from tests.sandbox.hubspot_site import KIND, PREFIX, Api, HubSpotSite

CONTACTS = "/crm/objects/2026-09/contacts"
RECORDS = f"/crm/objects/2026-09/{KIND}"
PAIR = f"/crm/associations/2026-09/{KIND}/contacts"


@pytest.fixture
def api(hubspot: HubSpotSite) -> Api:
    return hubspot.install()


def ids(answer: Any) -> list[str]:
    return [row["id"] for row in answer["results"]]


def test_paging_reaches_every_contact_once(api: Api) -> None:
    seen: list[str] = []
    after = ""
    while True:
        page = api.ok("GET", f"{CONTACTS}?limit=30{after}")
        seen += ids(page)
        if "paging" not in page:
            break
        after = f"&after={page['paging']['next']['after']}"
    assert len(seen) == len(set(seen)) == 68
    assert api("GET", f"{CONTACTS}?limit=101").status_code == 400


def test_batch_read_names_what_is_missing(api: Api) -> None:
    body = {"properties": ["email", "no_such"], "inputs": [{"id": "101"}, {"id": "999999"}]}
    answer = api("POST", f"{CONTACTS}/batch/read", body)
    assert answer.status_code == 207
    assert ids(answer.json()) == ["101"]
    assert answer.json()["errors"][0]["context"]["ids"] == ["999999"]
    by_mail = {"properties": ["email"], "idProperty": "email", "inputs": [{"id": "Maria.Lopez@acme.example"}]}
    assert ids(api.ok("POST", f"{CONTACTS}/batch/read", by_mail)) == ["101"]


def test_values_are_checked(api: Api) -> None:
    wrong = {"country": "XX", "employee_number": "many", "start_date": "soon", "nonsense": "1", "email": "no"}
    answer = api("PATCH", f"{CONTACTS}/101", {"properties": wrong})
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")
    codes = {error["code"] for error in answer.json()["errors"]}
    assert codes == {
        "INVALID_OPTION",
        "INVALID_LONG",
        "INVALID_DATE",
        "PROPERTY_DOESNT_EXIST",
        "INVALID_EMAIL",
    }


def test_email_is_unique_and_stored_small(api: Api) -> None:
    taken = api("PATCH", f"{CONTACTS}/107", {"properties": {"email": "MARIA.LOPEZ@acme.example"}})
    assert (taken.status_code, taken.json()["category"]) == (409, "CONFLICT")
    changed = api.ok("PATCH", f"{CONTACTS}/107", {"properties": {"email": "New.One@acme.example"}})
    assert changed["properties"]["email"] == "new.one@acme.example"


def test_users_have_few_writable_properties(api: Api) -> None:
    users = api.ok("GET", "/crm/objects/2026-09/users?properties=hs_email,hs_internal_user_id")
    one = users["results"][0]
    assert one["properties"]["hs_email"] == "ines.install@acme.example"
    path = f"/crm/objects/2026-09/users/{one['id']}"
    assert (
        api.ok("PATCH", path, {"properties": {"hs_job_title": "Boss"}})["properties"]["hs_job_title"]
        == "Boss"
    )
    refused = api("PATCH", path, {"properties": {"hs_email": "a@b.example"}})
    assert refused.json()["errors"][0]["code"] == "READ_ONLY_VALUE"
    assert api("GET", "/crm/objects/2026-09/users?archived=true").status_code == 400


def test_owners_join_users(api: Api) -> None:
    owners = api.ok("GET", "/crm/owners/2026-09")["results"]
    assert {"PERSON", "QUEUE"} == {owner["type"] for owner in owners}
    gone = api.ok("GET", "/crm/owners/2026-09?archived=true")["results"]
    assert gone[0]["userId"] is None
    assert api.ok("GET", f"/crm/owners/2026-09/{owners[0]['id']}")["userId"] == owners[0]["userId"]


def test_schema_names_the_app_object(api: Api) -> None:
    schema = api.ok("GET", f"/crm-object-schemas/2026-09/schemas/{KIND}")
    assert schema["objectTypeId"].startswith("1-")
    assert schema["labels"]["plural"] == "LearnUpon Course Enrollments"
    names = {definition["name"] for definition in schema["properties"]}
    assert f"{PREFIX}enrollment_key" in names
    by_id = api.ok("GET", f"/crm/properties/2026-09/{schema['objectTypeId']}")
    assert names == {definition["name"] for definition in by_id["results"]}


def test_upsert_creates_then_updates(api: Api, hubspot: HubSpotSite) -> None:
    first = api.upsert({"key": "1:1", "status": "not_started"}).json()
    second = api.upsert({"key": "1:1", "status": "completed"}, {"key": "1:2", "status": "in_progress"}).json()
    assert [row["new"] for row in first["results"] + second["results"]] == [True, False, True]
    rows = hubspot.world("app_objects")["app_objects"]
    assert {row["properties"][f"{PREFIX}status"] for row in rows} == {"completed", "in_progress"}


def test_one_bad_row_refuses_the_batch_unless_traced(api: Api, hubspot: HubSpotSite) -> None:
    rows = [{"key": "1:1", "status": "completed"}, {"key": "1:2", "status": "nearly"}]
    assert api.upsert(*rows).status_code == 400
    assert hubspot.world("app_objects")["app_objects"] == []
    partial = api.upsert(*rows, traced=True)
    assert partial.status_code == 207
    body = partial.json()
    assert body["errors"][0]["context"]["objectWriteTraceId"] == ["1:2"]
    assert (body["numErrors"], [row["objectWriteTraceId"] for row in body["results"]]) == (1, ["1:1"])


def test_batches_are_capped_and_without_duplicates(api: Api) -> None:
    assert api.upsert(*({"key": str(n), "status": "completed"} for n in range(101))).status_code == 400
    twice = api.upsert({"key": "1", "status": "completed"}, {"key": "1", "status": "completed"})
    assert "Duplicate IDs" in twice.json()["message"]


def test_associations_by_default_type(api: Api, hubspot: HubSpotSite) -> None:
    record = ids(api.upsert({"key": "1:1", "status": "completed"}).json())[0]
    joined = {"inputs": [{"from": {"id": record}, "to": {"id": "101"}}]}
    done = api.ok("POST", f"{PAIR}/batch/associate/default", joined)
    label = api.ok("GET", f"{PAIR}/labels")["results"][0]
    assert done["results"][0]["associationSpec"]["associationTypeId"] == label["typeId"]
    found = api.ok("POST", f"{PAIR}/batch/read", {"inputs": [{"id": record}]})
    assert found["results"][0]["to"][0]["toObjectId"] == "101"
    assert len(hubspot.world("associations")["associations"]) == 1
    read = api.ok("GET", f"{CONTACTS}/101?associations={KIND}")
    assert ids(read["associations"][KIND]) == [record]
    gone = {"inputs": [{"from": {"id": record}, "to": [{"id": "101"}]}]}
    assert api("POST", f"{PAIR}/batch/archive", gone).status_code == 204
    assert hubspot.world("associations")["associations"] == []


def test_association_with_users_and_strangers_is_refused(api: Api) -> None:
    record = ids(api.upsert({"key": "1:1", "status": "completed"}).json())[0]
    users = f"/crm/associations/2026-09/{KIND}/users/batch/associate/default"
    assert api("POST", users, {"inputs": [{"from": {"id": record}, "to": {"id": "111"}}]}).status_code == 400
    stranger = {"inputs": [{"from": {"id": record}, "to": {"id": "424242"}}]}
    assert api("POST", f"{PAIR}/batch/associate/default", stranger).status_code == 207
    many = {"inputs": [{"from": {"id": record}, "to": {"id": "101"}}] * 2001}
    assert api("POST", f"{PAIR}/batch/associate/default", many).status_code == 400


def test_archived_records_are_out_of_sight_and_restorable(api: Api, hubspot: HubSpotSite) -> None:
    hubspot.control("POST", "delete", {"account": 1001, "contact_id": "101"})
    assert api("GET", f"{CONTACTS}/101").status_code == 404
    wanted = {"properties": ["email"], "inputs": [{"id": "101"}]}
    assert ids(api.ok("POST", f"{CONTACTS}/batch/read?archived=true", wanted)) == ["101"]
    hubspot.control("POST", "restore", {"account": 1001, "contact_id": "101"})
    assert api.ok("GET", f"{CONTACTS}/101")["id"] == "101"


def test_accounts_do_not_see_each_other(api: Api, hubspot: HubSpotSite) -> None:
    api.upsert({"key": "1:1", "status": "completed"})
    other = hubspot.install(1002)
    assert other.ok("GET", RECORDS)["results"] == []
    assert len(other.ok("GET", f"{CONTACTS}?limit=100")["results"]) == 14


def test_search_lags_and_filters(api: Api, hubspot: HubSpotSite) -> None:
    def by_email(email: str) -> Any:
        filters = [{"propertyName": "email", "operator": "EQ", "value": email}]
        return api.ok("POST", f"{CONTACTS}/search", {"filterGroups": [{"filters": filters}], "limit": 10})

    hubspot.control("PUT", "options", {"rate_limits": "off"})
    assert by_email("maria.lopez@acme.example")["total"] == 1
    made = api.ok("POST", CONTACTS, {"properties": {"email": "just.now@acme.example"}, "associations": []})
    assert by_email("just.now@acme.example")["total"] == 0
    hubspot.control("PUT", "options", {"time_scale": 0})
    api.ok("PATCH", f"{CONTACTS}/{made['id']}", {"properties": {"firstname": "Justine"}})
    several = [{"propertyName": "department", "operator": "IN", "values": ["Sales", "Support"]}]
    found = api.ok("POST", f"{CONTACTS}/search", {"filterGroups": [{"filters": several}], "limit": 5})
    assert found["total"] > 5
    assert found["paging"]["next"]["after"] == "5"
    assert api("POST", f"{CONTACTS}/search", {"limit": 201}).status_code == 400


def test_rate_limits_per_account(api: Api, hubspot: HubSpotSite) -> None:
    answers = [api("GET", "/account-info/2026-09/details") for _ in range(112)]
    assert [answer.status_code for answer in answers].count(200) == 110
    refused = answers[-1]
    assert (refused.status_code, refused.json()["policyName"]) == (429, "TEN_SECONDLY_ROLLING")
    assert refused.headers["X-HubSpot-RateLimit-Remaining"] == "0"
    searches = [api("POST", f"{CONTACTS}/search", {"limit": 1}) for _ in range(6)]
    assert searches[-1].json()["policyName"] == "SECONDLY"
    assert "X-HubSpot-RateLimit-Max" not in searches[0].headers
    assert hubspot.install(1002)("GET", "/account-info/2026-09/details").status_code == 200
