"""hubspot-app/ says what the code does: every check holds for the project, and fails on a copy that was broken."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from hubsync.management.developer_project import ACTION_FOLDER, APP_OBJECT_VARIABLE, BASE
from tests.hubspot_app_checks import (
    ACCESS,
    ADD,
    APP,
    ASSOCIATION,
    CARD,
    CARD_CODE,
    CHECKS,
    FOLDER,
    HOOKS,
    INVITE,
    OBJECT,
    Json,
    action_addresses,
    app_object,
    association,
    card_addresses,
    card_files,
    labels,
    load,
    object_labels,
    outcome_rules,
    outputs,
    redirects,
    scopes,
    stale_files,
    structure,
    subscriptions,
    variables,
)  # fmt: skip

INSTALLED = shutil.ignore_patterns("node_modules")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_project_agrees_with_the_code(check: Callable[[Path], list[str]]) -> None:
    assert check(FOLDER) == []


# --- each check notices -------------------------------------------------------------------------------
def replaced(path: str, old: str, new: str) -> Callable[[Path], None]:
    def breakage(folder: Path) -> None:
        file = folder / path
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new, 1), encoding="utf-8")

    return breakage


def changed(path: str, change: Callable[[Json], object]) -> Callable[[Path], None]:
    def breakage(folder: Path) -> None:
        content = load(folder, path)
        change(content.get("config", content))
        (folder / path).write_text(json.dumps(content), encoding="utf-8")

    return breakage


def removed(path: str) -> Callable[[Path], None]:
    return lambda folder: (folder / path).unlink()


def copied(path: str, to: str) -> Callable[[Path], None]:
    def breakage(folder: Path) -> None:
        (folder / to).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / path, folder / to)

    return breakage


BROKEN: dict[str, tuple[Callable[[Path], list[str]], Callable[[Path], None]]] = {
    "a text edited by hand": (stale_files, replaced(ADD, "User Add", "Add User")),
    "a file missing": (stale_files, removed(HOOKS)),
    "an action left over": (stale_files, copied(ADD, f"{ACTION_FOLDER}/gone-hsmeta.json")),
    "an action without a file": (action_addresses, removed(INVITE)),
    "an action at no address": (action_addresses, replaced(ADD, "/hubspot/actions/", "/hubspot/action/")),
    "an action without a flow": (action_addresses, replaced(ADD, "actions/user-add", "actions/user-remove")),
    "a drop-down without an address": (action_addresses, replaced(INVITE, "options/group", "options/team")),
    "an outcome without a rule": (outcome_rules, changed(ADD, lambda c: c["executionRules"].pop())),
    "an outcome without words": (
        outcome_rules,
        changed(INVITE, lambda c: c["labels"]["ja"]["executionRules"].pop("erased")),
    ),
    "a language missing": (labels, changed(ADD, lambda c: c["labels"].pop("pt-br"))),
    "an input without a label": (labels, changed(INVITE, lambda c: c["labels"]["nl"]["inputFieldLabels"].pop("group"))),
    "a choice without a label": (
        labels,
        changed(ACCESS, lambda c: c["labels"]["fr"]["inputFieldOptionLabels"]["access"].pop("disable")),
    ),
    "a sentence about no input": (labels, replaced(ADD, "{{portal}}", "{{porta}}")),
    "an output nobody fills": (outputs, replaced(ADD, '"name": "warnings"', '"name": "remarks"')),
    "an outcome that cannot be chosen": (
        outputs,
        changed(ADD, lambda c: c["outputFields"][0]["typeDefinition"]["options"].pop()),
    ),
    "a scope the code does not use": (
        scopes,
        changed(APP, lambda c: c["auth"]["requiredScopes"].append("tickets")),
    ),
    "a scope of another kind": (scopes, changed(APP, lambda c: c["auth"]["optionalScopes"].append("automation"))),
    "another app's object": (scopes, replaced(APP, APP_OBJECT_VARIABLE, "a99_course_enrollment")),
    "a redirect to nowhere": (redirects, replaced(APP, "/oauth/hubspot/callback", "/oauth/callback")),
    "an event not subscribed to": (subscriptions, replaced(HOOKS, "contact.privacyDeletion", "contact.creation")),
    "events sent elsewhere": (subscriptions, replaced(HOOKS, "/webhooks/hubspot/events", "/webhooks/events")),
    "a property renamed": (app_object, replaced(OBJECT, '"score_percent"', '"score"')),
    "an option the code never writes": (app_object, replaced(OBJECT, '"value": "failed"', '"value": "fail"')),
    "a key that is not unique": (app_object, replaced(OBJECT, '"hasUniqueValue": true', '"hasUniqueValue": false')),
    "the object renamed": (app_object, replaced(OBJECT, "COURSE_ENROLLMENT", "ENROLLMENT")),
    "a label with a digit": (object_labels, replaced(OBJECT, "Enrollment Key", "Enrollment Key 2")),
    "an option label in small letters": (object_labels, replaced(OBJECT, "Not Started", "not started")),
    "a name in small letters": (object_labels, replaced(OBJECT, "Course Enrollments", "Course enrollments")),
    "an association with nothing": (association, replaced(ASSOCIATION, "CONTACT", "COMPANY")),
    "a file in the wrong folder": (structure, copied(APP, "src/app/webhooks/app-hsmeta.json")),
    "two components of one identity": (structure, replaced(INVITE, '"user_invite"', '"user_add"')),
    "a variable without an example": (variables, replaced(APP, "${SUPPORT_EMAIL}", "${HELP_EMAIL}")),
    "a button nobody answers": (card_addresses, replaced(CARD_CODE, "'add' | 'invite'", "'add' | 'ask'")),
    "a card's address written out": (card_addresses, replaced(CARD_CODE, "${base}/webhooks", "https://x.example/webhooks")),
    "an address HubSpot does not let through": (
        card_addresses,
        changed(APP, lambda c: c["permittedUrls"].update(fetch=["https://x.example"])),
    ),
    "a card without code": (card_files, removed("src/app/cards/EnrollmentsCard.tsx")),
    "a card on users": (card_files, replaced(CARD, '"CONTACT"', '"USER"')),
    "a card with HubSpot's name": (card_files, replaced(CARD, "LearnUpon course", "HubSpot course")),
    "an address written out": (variables, replaced(HOOKS, BASE, "https://hubsync.example.com")),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_copy_is_noticed(name: str, tmp_path: Path) -> None:
    check, breakage = BROKEN[name]
    copy = tmp_path / "hubspot-app"
    shutil.copytree(FOLDER, copy, ignore=INSTALLED)
    breakage(copy)
    assert check(copy)


def test_every_check_has_been_seen_failing() -> None:
    assert {check for check, _ in BROKEN.values()} == set(CHECKS)


# --- the command --------------------------------------------------------------------------------------
def test_the_command_says_what_is_stale_and_then_mends_it(tmp_path: Path) -> None:
    copy = tmp_path / "hubspot-app"
    shutil.copytree(FOLDER, copy, ignore=INSTALLED)
    call_command("hubspot_app", "--check", folder=copy)
    replaced(ADD, "User Add", "Add User")(copy)
    copied(ADD, f"{ACTION_FOLDER}/gone-hsmeta.json")(copy)
    with pytest.raises(CommandError, match="user-add"):
        call_command("hubspot_app", "--check", folder=copy)
    call_command("hubspot_app", folder=copy)
    call_command("hubspot_app", "--check", folder=copy)
    assert not (copy / ACTION_FOLDER / "gone-hsmeta.json").exists()
