"""The drop-downs of the workflow editor, live and by account."""

from dataclasses import replace
from typing import Any

from portals.models import Course, Portal
from tests.flows.stage import ACME, GLOBEX, Row, Stage


def ask(stage: Stage, field: str, portal: Any = None, account: int = ACME, **fetch: str) -> Row:
    body: Row = {"origin": {"portalId": account}, "inputFields": {}, "fetchOptions": fetch}
    if portal is not None:
        body["inputFields"]["portal"] = portal
    answer = stage.post(f"/webhooks/hubspot/options/{field}", body)
    assert answer.status_code == 200, answer.text
    said: Row = answer.json()
    return said


def labels(answer: Row) -> list[str]:
    return [option["label"] for option in answer["options"]]


def test_portals_are_the_account_s_own(stage: Stage) -> None:
    values = {option["value"] for option in ask(stage, "portal")["options"]}
    assert values == {"acme", "acme-partners"}
    assert [o["value"] for o in ask(stage, "portal", account=GLOBEX)["options"]] == ["globex"]
    assert labels(ask(stage, "portal", q="PARTN")) == ["acme-partners"]
    Portal.objects.filter(subdomain="acme-partners").update(state=Portal.State.REMOVED)
    assert labels(ask(stage, "portal")) == ["acme"]


def test_groups_follow_the_portal_chosen_above(stage: Stage) -> None:
    """As a fixed value and as the wrapped one the editor sends; the only portal needs no choice."""
    for given in ("acme", {"type": "STATIC_VALUE", "value": "acme"}):
        assert labels(ask(stage, "group", given)) == ["New starters", "Sales", "Managers"]
    assert labels(ask(stage, "group", "acme", q="sale")) == ["Sales"]
    assert labels(ask(stage, "group")) == []  # two portals: one must be chosen
    assert labels(ask(stage, "group", account=GLOBEX)) == ["New starters", "Sales", "Managers"]


def test_another_account_s_portal_gives_nothing(stage: Stage) -> None:
    Course.objects.create(portal=stage.portals["acme"], course_id=1, name="Secret")
    for field in ("group", "course"):
        assert ask(stage, field, "acme", account=GLOBEX)["options"] == []
        assert ask(stage, field, "nowhere")["options"] == []
    assert stage.calls_to("learnupon", "/acme/") == []


def test_courses_of_a_portal_nobody_has_read_yet(stage: Stage) -> None:
    """The first step is made before anybody is linked, so no walk has fetched the list."""
    wanted = {row["id"]: row["name"] for row in stage.world("courses", portal="acme")}
    found = ask(stage, "course", "acme")["options"]
    assert "Advanced reporting" in {option["label"] for option in found}
    assert {int(option["value"]) for option in found} <= wanted.keys()
    assert labels(ask(stage, "course", "acme", q="SECUR")) == ["Information security"]
    assert len(stage.calls_to("learnupon", "/courses")) == 1  # not again at every key


def test_a_new_course_shows_when_the_list_is_old_and_an_outage_leaves_the_old_one(stage: Stage) -> None:
    before = labels(ask(stage, "course", "acme"))
    stage.control("POST", "seed-bulk", {"portal": "acme", "users": 0, "courses": 1, "enrollments": 0})
    Portal.objects.update(courses_read_at="2026-01-01T00:00:00Z")
    stage.fault("learnupon", "/courses", "status", status=503)
    assert labels(ask(stage, "course", "acme")) == before
    stage.mend()
    assert len(labels(ask(stage, "course", "acme"))) == len(before) + 1


def test_a_course_that_is_gone_or_superseded_is_no_choice_and_keeps_its_name(stage: Stage) -> None:
    """Would catch: a step that enrolls in the version of last year, offered beside the new one under one name."""
    courses = stage.worlds.sandbox.worlds.learnupon.portals["acme"].courses
    was = {option["value"] for option in ask(stage, "course", "acme")["options"]}
    old = courses[next(number for number in courses if str(number) in was)]
    new = replace(old, id=max(courses) + 1, version=old.version + 1)
    stage.worlds.do(courses.update, {new.id: new})
    Course.objects.create(portal=stage.portals["globex"], course_id=old.id, name=old.name)
    Portal.objects.filter(subdomain="acme").update(courses_read_at="2026-01-01T00:00:00Z")
    now = {option["value"] for option in ask(stage, "course", "acme")["options"]}
    assert (was - now, now - was) == ({str(old.id)}, {str(new.id)})
    assert Course.objects.get(portal=stage.portals["acme"], course_id=old.id).name == old.name
    assert Course.objects.get(portal=stage.portals["globex"]).listed
    stage.worlds.do(courses.pop, new.id)  # withdrawn: the old one is the newest again
    Portal.objects.filter(subdomain="acme").update(courses_read_at="2026-01-01T00:00:00Z")
    assert {option["value"] for option in ask(stage, "course", "acme")["options"]} == was


def test_pages_of_choices_meet_without_gap_or_overlap(stage: Stage) -> None:
    stage.control("POST", "seed-bulk", {"portal": "acme", "users": 0, "courses": 230, "enrollments": 0})
    pages, after = [], ""
    while True:
        answer = ask(stage, "course", "acme", q="bulk", after=after)
        pages.append([option["value"] for option in answer["options"]])
        after = answer.get("after", "")
        if not after:
            break
    assert [len(page) for page in pages] == [100, 100, 30]
    assert len({value for page in pages for value in page}) == 230


def test_nonsense_from_the_editor_is_no_error(stage: Stage) -> None:
    nonsense: list[Any] = [{}, {"value": None}, [], 7, None]
    for portal in nonsense:
        assert ask(stage, "course", portal)["options"] == []
    assert len(ask(stage, "course", "acme", after="x")["options"]) > 0
    assert ask(stage, "course", "acme", after="9" * 30)["options"] == []
