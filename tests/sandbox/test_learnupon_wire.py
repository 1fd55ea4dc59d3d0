"""What stands before every LearnUpon call: keys, JSON, allowance, pages; and portals asking about portals."""

import time

import pytest

from sandbox.learnupon import limits
from tests.sandbox.learnupon_site import Site


def test_wrong_keys_are_a_401_that_is_not_json(site: Site) -> None:
    answer = site.api("GET", "/users", keys=("acme-key", "wrong"))
    assert answer.status_code == 401
    assert "json" not in answer.headers["Content-Type"]


def test_keys_of_another_portal_are_a_401(site: Site) -> None:
    answer = site.api("GET", "/users", portal="acme-partners", keys=("acme-key", "acme-secret"))
    assert (answer.status_code, answer.json()["response_code"]) == (401, 401)


@pytest.mark.parametrize("header", ["Basic", "Basic !!!", "Basic /w==", "Bearer x", "Basic OnNlY3JldA=="])
def test_hostile_credentials_are_a_401(site: Site, header: str) -> None:
    site_url = f"{site.world.base_url}/acme/api/v1/users"
    assert site._session.get(site_url, headers={"Authorization": header}, timeout=5).status_code == 401


def test_an_unknown_portal_answers_in_html(site: Site) -> None:
    answer = site._session.get(f"{site.world.base_url}/nobody/api/v1/users", timeout=5)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")


def test_a_content_type_on_a_get_without_body_is_a_json_problem(site: Site) -> None:
    answer = site.api("GET", "/users", headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json() == {"error": "There was a problem in the JSON you submitted."}


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_broken_json_is_a_json_problem(site: Site, raw: bytes) -> None:
    answer = site.api("POST", "/users", data=raw, headers={"Content-Type": "application/json"})
    assert (answer.status_code, list(answer.json())) == (400, ["error"])


@pytest.mark.parametrize(
    "path", ["/courses/2587201", "/nothing", "/group_memberships", "/users/999999999999999999999", "/users/0"]
)
def test_what_is_not_there_is_a_404_with_a_message(site: Site, path: str) -> None:
    answer = site.api("GET", path)
    assert answer.status_code == 404
    assert answer.json()["message"]


def test_the_bare_enrollment_list_is_a_401(site: Site) -> None:
    assert site.api("GET", "/enrollments").status_code == 401


def test_bulk_operations_are_off(site: Site) -> None:
    answer = site.api("POST", "/bulk-operations/submit/bulk-enrollment", {"items": []})
    assert (answer.status_code, answer.json()) == (403, {"error": "feature_not_enabled"})


def test_allowance_headers_come_with_successes_only(site: Site) -> None:
    good, bad = site.api("GET", "/groups"), site.api("GET", "/users/1")
    assert good.headers["X-LU-Rate-Limit-Remaining-Minute"] == "299"
    assert good.headers["X-LU-Rate-Limit-Remaining-Week"] == "499999"
    assert not [name for name in bad.headers if name.startswith("X-LU")]


def test_the_301st_call_within_a_minute_is_refused_for_that_portal_only(site: Site) -> None:
    acme = site.world.portals["acme"]
    acme.minute.extend([site.now] * site.world.options.learnupon_minute)
    assert site.api("GET", "/groups").status_code == 429
    assert site.api("GET", "/groups", portal="globex").status_code == 200
    site.now += 61
    assert site.api("GET", "/groups").status_code == 200


def test_the_week_runs_out_too(site: Site) -> None:
    site.world.portals["acme"].week_used = limits.WEEK_CALLS
    assert site.api("GET", "/groups").status_code == 429


def test_limits_can_be_switched_off(site: Site) -> None:
    site.options.update({"rate_limits": "off"})
    site.world.portals["acme"].minute.extend([site.now] * site.world.options.learnupon_minute)
    answer = site.api("GET", "/groups")
    assert answer.headers["X-LU-Rate-Limit-Remaining-Minute"] == "300"


def test_only_the_top_level_portal_sees_sub_portals(site: Site) -> None:
    assert [p["subdomain"] for p in site.api("GET", "/portals").json()["portals"]] == ["acme-partners"]
    assert site.api("GET", "/portals", portal="acme-partners").json() == {"portals": []}
    assert site.api("GET", "/portals", portal="globex").json() == {"portals": []}


def test_new_keys_kill_the_old_ones_and_only_the_top_may_make_them(site: Site) -> None:
    number = site.world.portals["acme-partners"].id
    old = ("acme-partners-key", "acme-partners-secret")
    assert site.api("GET", f"/portals/{number}/generate_keys", portal="acme-partners").status_code == 403
    made = site.api("GET", f"/portals/{number}/generate_keys").json()["portal"]
    assert site.api("GET", "/users", portal="acme-partners", keys=old).status_code == 401
    assert site.api("GET", "/users", portal="acme-partners", keys=(made["username"], made["password"])).ok


def test_membership_types(site: Site) -> None:
    assert len(site.api("GET", "/portals/membership_types").json()["portal_membership_types"]) == 4


def test_courses_hide_drafts_old_versions_and_licensed_ones(site: Site) -> None:
    def names(query: str, portal: str = "acme-partners") -> list[str]:
        return [row["name"] for row in site.api("GET", f"/courses{query}", portal=portal).json()["courses"]]

    plain = names("")
    assert "Unfinished course" not in plain
    assert plain.count("Product essentials") == 1
    assert names("?include_all_versions=true").count("Product essentials") == 2
    assert "Unfinished course" in names("?include_draft=true")
    assert "Welcome to the company (licensed)" in names("?include_licensed_courses=true")
    assert names("?name=SECURITY") == ["Information security"]
    assert names("?nonsense=1") == plain


def test_a_large_portal_pages_fast_and_completely(site: Site) -> None:
    site.options.update({"rate_limits": "off"})
    before = len(site.world.portals["acme"].users)
    made = site.do(site.world.seed_bulk, portal="acme", users=2_000, courses=4, enrollments=8_000)
    assert made["enrollments"] == 8_000
    seen: set[int] = set()
    page = 1
    while True:
        answer = site.api("GET", f"/users?page={page}")
        seen |= {row["id"] for row in answer.json()["user"]}
        assert answer.headers["LU-Current-Page"] == str(page)
        if answer.headers["LU-Has-Next-Page"] == "false":
            break
        page += 1
    assert (len(seen), page) == (2_000 + before, 5)
    course = list(site.world.portals["acme"].courses)[-1]
    began = time.perf_counter()
    answer = site.api("GET", f"/enrollments/search?course_id={course}&page=4")
    assert time.perf_counter() - began < 0.2
    assert answer.headers["LU-Records-Per-Page"] == str(len(answer.json()["enrollments"])) == "499"
    assert answer.headers["LU-Has-Next-Page"] == "true"
    assert site.api("GET", f"/enrollments/search?course_id={course}&page=99").json()["enrollments"] == []
