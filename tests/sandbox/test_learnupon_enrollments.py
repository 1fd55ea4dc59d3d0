"""Enrollments, groups and paths in the sandbox's LearnUpon, with the refusals its users met."""

from typing import Any

import pytest

from tests.sandbox.learnupon_site import Site


def maria(site: Site) -> int:
    return site.world.portals["acme"].by_email["maria.lopez@acme.example"].id


def yuki(site: Site) -> int:
    return site.world.portals["acme"].by_email["yuki.tanaka@acme.example"].id


def course(site: Site, name: str) -> int:
    return next(c.id for c in site.world.portals["acme"].courses.values() if c.name == name)


def enroll(site: Site, **fields: Any) -> Any:
    return site.api("POST", "/enrollments", {"Enrollment": fields})


def taken(site: Site, query: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = site.api("GET", f"/enrollments/search?{query}").json()["enrollments"]
    return rows


def one(site: Site, number: int) -> dict[str, Any]:
    row: dict[str, Any] = site.api("GET", f"/enrollments/{number}").json()["enrollments"][0]
    return row


def begun(site: Site) -> int:
    number: int = enroll(site, user_id=maria(site), course_id=course(site, "Leading a team")).json()["id"]
    return number


def finished(site: Site, status: str = "completed") -> int:
    number = begun(site)
    site.do(site.world.progress, "acme", number, status)
    return number


def test_enroll_by_mail_and_name_and_find_by_each_key(site: Site) -> None:
    made = enroll(site, email="Maria.Lopez@acme.example", course_name="Leading a team", due_date="2027-01-31")
    assert made.status_code == 201
    number = made.json()["id"]
    for query in (
        f"user_id={maria(site)}&course_name=Leading a team",
        "email=maria.lopez@acme.example&course_name=leading a team",
        f"course_id={course(site, 'Leading a team')}",
    ):
        assert [row["id"] for row in taken(site, query)] == [number]
    row = one(site, number)
    assert (row["status"], row["percentage"], row["due_date"]) == ("not_started", None, "2027-01-31")


def test_a_search_without_a_known_key_is_refused(site: Site) -> None:
    assert site.api("GET", "/enrollments/search?group_id=1").status_code == 400


def test_dates_narrow_a_search(site: Site) -> None:
    today = one(site, begun(site))["date_enrolled"][:10]
    assert taken(site, f"user_id={maria(site)}&date_from={today}&date_to={today}")
    assert not taken(site, f"user_id={maria(site)}&date_from=2030-01-01")


@pytest.mark.parametrize(
    ("name", "status", "message"),
    [
        ("Workshop without seats", 400, "course capacity reached"),
        ("Unfinished course", 400, "internal error, please try again"),
        ("Nothing like it", 404, "course not found"),
    ],
)
def test_courses_that_cannot_be_taken(site: Site, name: str, status: int, message: str) -> None:
    answer = enroll(site, user_id=maria(site), course_name=name)
    assert (answer.status_code, answer.json()["message"]) == (status, message)


def test_a_pending_invitee_cannot_be_enrolled(site: Site) -> None:
    site.api("POST", "/portal_invite", {"Invite": {"email": "soon@acme.example"}})
    assert enroll(site, email="soon@acme.example", course_name="Leading a team").status_code == 404


def test_a_second_go_needs_the_flag_and_keeps_the_first(site: Site) -> None:
    first = finished(site)
    again = {"user_id": maria(site), "course_name": "Leading a team"}
    assert enroll(site, **again).status_code == 422
    second = enroll(site, **again, re_enroll_if_completed=True).json()["id"]
    rows = taken(site, f"user_id={maria(site)}&course_name=Leading a team")
    assert [row["id"] for row in rows] == [first, second]


def test_a_patch_takes_two_dates_and_ignores_the_rest(site: Site) -> None:
    number = begun(site)
    wrapped = {"Enrollment": {"due_date": "2027-03-01"}}
    assert site.api("PATCH", f"/enrollments/{number}", wrapped).json() == {"success": "ok"}
    assert site.api("PATCH", f"/enrollments/{number}", {"status": "completed"}).status_code == 200
    assert (one(site, number)["due_date"], one(site, number)["status"]) == (None, "not_started")
    site.api("PATCH", f"/enrollments/{number}", {"due_date": "2027-03-01", "expires_at": "2027-04-01"})
    assert one(site, number)["due_date"] == one(site, number)["calculated_due_date"] == "2027-03-01"
    assert site.api("PATCH", f"/enrollments/{number}", {"due_date": "soon"}).status_code == 400


def test_an_unfinished_enrollment_stays_listed_as_unenrolled(site: Site) -> None:
    number = begun(site)
    assert site.api("DELETE", f"/enrollments/{number}").json() == {}
    assert one(site, number)["unenrolled"] is True
    assert number in [row["id"] for row in taken(site, f"user_id={maria(site)}")]
    assert enroll(site, user_id=maria(site), course_name="Leading a team").status_code == 201


def test_a_finished_enrollment_goes_only_with_the_text_true(site: Site) -> None:
    number = finished(site)
    for body in (None, {"remove_from_history": True}):
        answer = site.api("DELETE", f"/enrollments/{number}", body)
        assert answer.json()["message"] == "invalid deletion request, failed to find the enrollment"
    assert site.api("DELETE", f"/enrollments/{number}", {"remove_from_history": "true"}).json() == {}
    assert site.api("GET", f"/enrollments/{number}").status_code == 404


def test_completed_is_not_final(site: Site) -> None:
    number = finished(site)
    assert one(site, number)["date_completed"]
    site.do(site.world.progress, "acme", number, "in_progress", None, 40)
    row = one(site, number)
    assert (row["status"], row["date_completed"], row["percentage_complete"]) == ("in_progress", None, 40)


def test_mark_complete_checks_the_percentage_and_leaves_progress_null(site: Site) -> None:
    number = begun(site)

    def mark(**fields: Any) -> Any:
        return site.api("POST", "/markcompletes", {"Markcomplete": {"enrollment_id": number} | fields})

    assert "percentage" in mark(status="completed", percentage=80).json()["message"]
    assert mark(status="in_progress").json()["message"] == "failed to process the completion"
    assert mark(status="passed", percentage=80).status_code == 201
    row = one(site, number)
    assert (row["status"], row["percentage"], row["percentage_complete"]) == ("passed", 80, None)
    assert mark(status="passed").status_code == 400


def test_overdue_and_certificate(site: Site) -> None:
    number = enroll(
        site, user_id=maria(site), course_name="Partner onboarding", due_date="2026-10-01"
    ).json()["id"]
    site.now += 86_400 * 30
    try:
        assert one(site, number)["is_overdue"] is True
        security = next(
            r for r in taken(site, f"user_id={maria(site)}") if r["course_name"] == "Information security"
        )
        site.do(site.world.progress, "acme", security["id"], "passed", 91)
        assert one(site, security["id"])["certificate_name"] == "Security certificate"
        assert one(site, security["id"])["cert_expires_at"]
    finally:
        site.now -= 86_400 * 30


def test_a_deleted_course_leaves_its_finished_enrollments(site: Site) -> None:
    done = finished(site)
    other = enroll(site, user_id=yuki(site), course_name="Leading a team").json()["id"]
    site.open("POST", "/acme/admin/delete-course", {"course_id": str(course(site, "Leading a team"))})
    assert one(site, done)["course_name"] == "Leading a team"
    assert site.api("GET", f"/enrollments/{other}").status_code == 404


def test_joining_a_group_enrolls_unless_told_not_to(site: Site) -> None:
    group = next(g.id for g in site.world.portals["acme"].groups.values() if g.title == "Sales")
    pair = {"group_id": group, "user_id": yuki(site)}

    def join(**fields: Any) -> Any:
        return site.api("POST", "/group_memberships", {"GroupMembership": pair | fields})

    assert join(process_enrollments=False).status_code == 201
    assert not taken(site, f"user_id={yuki(site)}&course_name=Customer conversations")
    assert join().status_code == 400
    assert site.api("DELETE", "/group_memberships/0", {"GroupMembership": pair}).json() == {}
    assert join().status_code == 201
    assert taken(site, f"user_id={yuki(site)}&course_name=Customer conversations")
    members = site.api("GET", f"/group_memberships?group_id={group}").json()["user"]
    assert yuki(site) in [row["id"] for row in members]
    assert group in [
        row["id"] for row in site.api("GET", f"/group_memberships?user_id={yuki(site)}").json()["group"]
    ]
    leaving = {"GroupMembership": pair | {"process_unenrollments": True}}
    assert site.api("DELETE", "/group_memberships/0", leaving).status_code == 200
    assert taken(site, f"user_id={yuki(site)}&course_name=Customer conversations")[0]["unenrolled"] is True


def test_group_titles_are_unique(site: Site) -> None:
    assert site.api("POST", "/groups", {"Group": {"title": "sales"}}).status_code == 400
    number = site.api("POST", "/groups", {"Group": {"title": "Night shift"}}).json()["id"]
    assert site.api("PUT", f"/groups/{number}", {"Group": {"title": "Day shift"}}).status_code == 200
    assert site.api("DELETE", f"/groups/{number}").json() == {}


def test_a_learning_path_enrolls_in_its_courses(site: Site) -> None:
    made = site.api(
        "POST",
        "/learning_path_enrollments",
        {"Enrollment": {"user_id": yuki(site), "lp_name": "First weeks"}},
    )
    row = site.api("GET", f"/learning_path_enrollments/{made.json()['id']}").json()["enrollments"][0]
    assert (row["lp_name"], row["email"]) == ("First weeks", "yuki.tanaka@acme.example")
    assert len(taken(site, f"user_id={yuki(site)}&course_name=Welcome to the company")) == 1
    found = site.api("GET", "/learning_path_enrollments/search?email=yuki.tanaka@acme.example").json()
    assert len(found["enrollments"]) == 1
