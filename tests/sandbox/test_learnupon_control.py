"""What the control does to the sandbox's LearnUpon, and what it shows of it."""

import pytest

from sandbox.errors import ControlError
from tests.sandbox.learnupon_site import Site


def test_the_snapshot_has_learnupons_own_names(site: Site) -> None:
    world = site.do(site.world.snapshot)
    assert sorted(world) == ["courses", "enrollments", "groups", "invites", "learnupon_users", "portals"]
    assert [row["portal"] for row in world["portals"]] == ["acme", "acme-partners", "globex"]
    maria = next(row for row in world["learnupon_users"] if row["email"] == "maria.lopez@acme.example")
    assert maria["CustomData"] == {"Department": "Sales"}
    assert "password" not in maria
    mine = [row for row in world["enrollments"] if row["user_id"] == maria["id"]]
    assert {row["status"] for row in mine} == {"passed", "not_started"}
    for portal in ("acme", "acme-partners", "globex"):
        assert sum(row["portal"] == portal for row in world["courses"]) >= 8


def test_enroll_is_the_same_twice_and_anew_after_the_end(site: Site) -> None:
    acme = site.world.portals["acme"]
    user, course = (
        next(iter(acme.users)),
        next(c.id for c in acme.courses.values() if c.name == "Leading a team"),
    )
    first = site.do(site.world.enroll, "acme", user, course)
    assert site.do(site.world.enroll, "acme", user, course)["id"] == first["id"]
    site.do(site.world.progress, "acme", first["id"], "completed")
    assert site.do(site.world.enroll, "acme", user, course)["id"] != first["id"]


@pytest.mark.parametrize(
    ("deed", "arguments", "status"),
    [
        ("enroll", ("nobody", 1, 1), 404),
        ("enroll", ("acme", 1, 1), 404),
        ("progress", ("acme", 1, "completed"), 404),
        ("progress", ([], {}, "completed"), 404),
        ("enroll", ("acme", [], None), 404),
        ("accept_invite", ("acme", "x@acme.example"), 404),
        ("set_webhook", ("nobody", "", ""), 404),
        ("seed_bulk", ("acme", -1, 1, 1), 400),
        ("seed_bulk", ("acme", 1, 1, 2), 400),
    ],
)
def test_what_cannot_be_done_is_said(
    site: Site, deed: str, arguments: tuple[object, ...], status: int
) -> None:
    with pytest.raises(ControlError) as refused:
        site.do(getattr(site.world, deed), *arguments)
    assert refused.value.status == status


def test_reset_forgets_everything(site: Site) -> None:
    site.api("POST", "/portal_invite", {"Invite": {"email": "soon@acme.example"}})
    site.do(site.world.set_webhook, "acme", "http://127.0.0.1:1/", "s")
    site.do(site.world.reset)
    assert site.world.portals["acme"].invites == {}
    assert site.world.portals["acme"].webhook_url == ""
    assert site.mails.mails == []


@pytest.mark.parametrize(
    "values", [("done", None, None), ([], 1, 1), ("passed", "90", None), ("passed", 101, None)]
)
def test_progress_that_makes_no_sense_is_refused(site: Site, values: tuple[object, ...]) -> None:
    number = next(iter(site.world.portals["acme"].enrollments))
    with pytest.raises(ControlError) as refused:
        site.do(site.world.progress, "acme", number, *values)
    assert refused.value.status == 400
