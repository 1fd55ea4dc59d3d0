"""The sandbox's workflow editor and card page, played by a person: the app's definitions, choices and answers."""

import html

import pytest
import requests

from tests.flows.stage import Stage
from tests.flows.worlds import WAIT

AMARA = "amara.abara@northwind.example"


def show(stage: Stage, path: str, method: str = "GET", **form: str) -> str:
    url = f"{stage.worlds.sandbox.hubspot_url}/accounts/1001/{path}"
    answer: requests.Response = stage.http.request(method, url, data=form or None, timeout=WAIT)
    assert answer.status_code == 200, answer.text
    return html.unescape(answer.text)


def test_a_step_is_set_up_with_the_app_s_own_choices(stage: Stage) -> None:
    empty = show(stage, "workflows/enroll-in-course")
    assert 'value="acme"' in empty
    assert "Enroll in (not chosen)" in empty
    assert "A property of the record can be chosen too." in empty
    (course, *_) = [
        row for row in stage.world("courses", portal="acme") if row["name"] == "Information security"
    ]
    chosen = show(stage, f"workflows/enroll-in-course?portal=acme&course={course['id']}")
    assert "Enroll in Information security" in chosen


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "pt-br", "nl", "ja"])
def test_every_language_has_the_page(stage: Stage, language: str) -> None:
    page = show(stage, f"workflows/set-access?language={language}")
    assert ("Enable" in page) == (language == "en")


def test_what_the_editor_refuses_and_what_the_history_says(stage: Stage) -> None:
    record = stage.contact(AMARA)
    step = "workflows/enroll-in-course"
    refused = show(stage, step, "POST", portal="acme", language="en", kind="contacts")
    assert "LearnUpon course is required." in refused
    assert "Enroll at least one record." in refused
    show(stage, "workflows/user-add", "POST", portal="acme", record_ids=record, kind="contacts")
    stage.hear()
    stage.work()
    history = show(stage, "workflows")
    assert "<strong>A LearnUpon account was made and linked to this record.</strong>" in history
    german = show(stage, "workflows?language=de")
    assert "<strong>A LearnUpon account was made" not in german
    assert 'href="/accounts/1001/workflows/look-up-progress?language=en"' in history


def test_the_card_shows_and_acts(stage: Stage) -> None:
    record = stage.contact(AMARA)
    page = show(stage, f"contacts/{record}/card")
    assert page.count("Not a learner") == 2
    pressed = show(stage, f"contacts/{record}/card/add", "POST", portal=str(stage.portals["acme"].pk))
    assert "On its way: the contact is being added to acme." in pressed
    stage.work()
    user = stage.user(AMARA)
    assert user is not None
    course = stage.world("courses", portal="acme")[0]
    stage.control("POST", "enroll", {"portal": "acme", "user_id": user["id"], "course_id": course["id"]})
    show(stage, f"contacts/{record}/card/refresh", "POST", portal=str(stage.portals["acme"].pk))
    stage.hear()
    stage.work()
    page = show(stage, f"contacts/{record}/card")
    assert "Active" in page
    assert course["name"] in page
    assert "not started" in page
    assert "The app's card" in show(stage, f"contacts/{record}")
