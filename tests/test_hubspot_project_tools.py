"""hubspot-app/ before HubSpot's own tools: their parser, TypeScript, their lint rules, their renderer."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hubsync.flows import ACTIONS
from tests.hubspot_app_checks import ADD, APP, ASSOCIATION, CARD, CARD_CODE, HOOKS, INVITE, OBJECT
from tests.node_tools import FOLDER, TOOLS, copied, missing, tool
from tests.test_hubspot_app import changed, replaced
from tests.test_hubspot_app import copied as duplicated

Breakage = Callable[[Path], None]
COURSES, PAGE = "src/app/cards/courses.ts", "src/app/settings/Settings.tsx"
ONCE = ("app", "object", "association", "webhooks", "tab", "sidebar", "settings")
CARD_VIEW = "src/app/cards/Enrollments.tsx"


@pytest.fixture(autouse=True)
def tools() -> None:
    """Skipped where there is no Node; where the build runs, its absence is a failure."""
    if why := missing():
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)


@pytest.mark.parametrize("name", TOOLS)
def test_hubspot_s_tools_are_content(name: str) -> None:
    content, said = tool(name, FOLDER)
    assert content, said
    if name == "project":
        assert len(json.loads(said)["components"]) == len(ACTIONS) + len(ONCE)


def first(config: Any) -> Any:
    return config["inputFields"][0]["typeDefinition"]


PROJECT: dict[str, tuple[Breakage, str]] = {
    "no JSON": (replaced(APP, '"uid"', "uid"), "JSON"),
    "an unknown key at the top": (replaced(APP, '"uid"', '"colour": 1, "uid"'), "colour"),
    "no uid": (replaced(CARD, '"uid": "enrollments_tab"', '"uid": ""'), "uid"),
    "two of one uid": (replaced(INVITE, '"user_invite"', '"user_add"'), "user_add"),
    "two apps": (duplicated(APP, "src/app/second-hsmeta.json"), "learnupon_app"),
    "an unknown type": (replaced(CARD, '"card"', '"postcard"'), "postcard"),
    "the wrong folder": (duplicated(HOOKS, "src/app/cards/webhooks-hsmeta.json"), "webhooks"),
    "a folder HubSpot does not read": (duplicated(CARD, "src/app/cards/more/card-hsmeta.json"), "more/card"),
    "a variable nobody sets": (replaced(APP, "${SUPPORT_EMAIL}", "${HELP_EMAIL}"), "HELP_EMAIL"),
    "a platform that is none": (
        lambda folder: replaced("hsproject.json", "2026.09", "2019.01")(folder), "2019.01",
    ),
    "an action without an address": (changed(ADD, lambda c: c.pop("actionUrl")), "actionUrl"),
    "an input of no type": (changed(ADD, lambda c: first(c).update(type="list")), "type"),
    "choices from two places": (changed(ADD, lambda c: first(c).update(options=[{"label": "A", "value": "a"}])), "user"),
    "no English": (changed(ADD, lambda c: c["labels"].pop("en")), "en"),
    "a language HubSpot has not": (changed(ADD, lambda c: c["labels"].update(tlh=c["labels"]["en"])), "tlh"),
    "a value from nowhere": (
        changed(ADD, lambda c: c["inputFields"][0].update(supportedValueTypes=["WISH"])), "supportedValueTypes",
    ),
    "a card in no place": (changed(CARD, lambda c: c.update(location="crm.record.roof")), "location"),
    "a card on users": (changed(CARD, lambda c: c.update(objectTypes=["USER"])), "objectTypes"),
    "an address without TLS": (changed(HOOKS, lambda c: c["settings"].update(targetUrl="http://a.example")), "targetUrl"),
    "an object with a digit in its label": (changed(OBJECT, lambda c: c["properties"][0].update(label="Key 2")), "label"),
    "an object described at length": (changed(OBJECT, lambda c: c.update(description="x" * 73)), "description"),
    "an enumeration without options": (changed(OBJECT, lambda c: c["properties"][4].pop("options")), "options"),
    "an association with one end": (changed(ASSOCIATION, lambda c: c.pop("secondObjectType")), "secondObjectType"),
}  # fmt: skip


def test_hubspot_s_parser_notices_every_breakage(tmp_path: Path) -> None:
    """One run for all copies: starting Node is what takes the time."""
    for name, (breakage, _) in PROJECT.items():
        breakage(copied(tmp_path / name))
    content, said = tool("project", FOLDER, *(str(tmp_path / name) for name in PROJECT))
    assert not content
    rows = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    wrong = {Path(row["folder"]).name: row.get("wrong", "") for row in rows}
    assert set(wrong) == set(PROJECT)
    assert {name: wrong[name] for name, (_, named) in PROJECT.items() if named not in wrong[name]} == {}


# Tool -> how the project is broken, and what the tool then names.
OTHERS: dict[str, list[tuple[Breakage, str]]] = {
    "types": [
        (replaced(CARD_VIEW, "problem={seen}", "problem={7}"), "Enrollments.tsx"),
        (replaced(COURSES, "course.overdue", "course.late"), "'late' does not exist"),
    ],
    "lint": [
        (replaced(CARD_VIEW, "setBusy(true);", "window.alert('x');"), "no-browser-dialogs"),
        (replaced(PAGE, "<NoPortals connect={seen.pages.connect} />", "<b>none</b>"), "no-html-elements"),
        (replaced(CARD_CODE, "await hubspot.fetch(", "await fetch("), "no-native-http"),
        (replaced(PAGE, "  useEffect(() => {", "  if (base) useEffect(() => {"), "rules-of-hooks"),
    ],
    "tests": [
        (replaced(COURSES, "=> course.overdue,", "=> !course.overdue,"), "the filter overdue"),
        (replaced(CARD_VIEW, "'danger'", "'success'"), "what Hubsync refuses is said"),
        (replaced(PAGE, "rows.map(", "rows.slice(1).map("), "shows every portal, how it is"),
    ],
}


@pytest.mark.parametrize("name", OTHERS)
def test_the_other_tools_notice(name: str, tmp_path: Path) -> None:
    copy = copied(tmp_path / "hubspot-app")
    for breakage, _ in OTHERS[name]:
        breakage(copy)
    content, said = tool(name, copy)
    assert not content
    assert [named for _, named in OTHERS[name] if named not in said] == []


def test_the_lock_file_names_no_registry() -> None:
    """It must install from whichever registry a machine is told to use."""
    packages = json.loads((FOLDER / "package-lock.json").read_text())["packages"]
    where = {row["resolved"] for row in packages.values() if "resolved" in row}
    assert where == {"src/app/cards", "src/app/settings"}
    assert all(
        "integrity" in row for path, row in packages.items() if "node_modules/" in path and "link" not in row
    )
