"""The files of hubspot-app/ that follow from the code: the app's scopes, the workflow actions, the webhooks,
where the card and the settings page stand.

`manage.py hubspot_app` writes them, `--check` says which are stale. Texts lie in texts/, one file a language.
https://developers.hubspot.com/docs/apps/developer-platform/build-apps/overview
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from hubsync.flows import ACTIONS, HUBSPOT_EVENTS
from learners.models import Enrollment
from learners.outcomes import OUTCOMES
from learners.people import NAMES
from portals.oauth import APP_OBJECT, SCOPES

Json = dict[str, Any]
TEXTS = Path(__file__).with_name("texts")
LANGUAGES = ("en", "de", "fr", "es", "pt-br", "nl", "ja")
ACTION_FOLDER = "src/app/workflow-actions"
CARD_FOLDER = "src/app/cards"
# Filled in by HubSpot's own tool from src/hsprofile.<name>.json when the project is uploaded.
# https://developers.hubspot.com/docs/developer-tooling/local-development/build-with-config-profiles
BASE = "${API_BASE}"
APP_OBJECT_VARIABLE = "a${APP_ID}_course_enrollment"

# The portal is never required: an account with one portal needs no choice.
INPUTS: dict[str, tuple[str, ...]] = {
    "user-add": ("portal",),
    "user-invite": ("portal", "group"),
    "update-learner": ("portal",),
    "enroll-in-course": ("portal", "course"),
    "unenroll": ("portal", "course"),
    "add-to-group": ("portal", "group"),
    "remove-from-group": ("portal", "group"),
    "set-access": ("portal", "access"),
    "look-up-progress": ("portal", "course"),
}
OPTIONAL = (("user-invite", "group"),)
# What a record's own property may say in place of the workflow's author: "the portal of this contact".
BY_PROPERTY = ("portal", "group", "course")
FIXED_CHOICES = {"access": ("enable", "disable")}  # all other inputs ask webhooks/options.py
OUTPUTS = {"outcome": "enumeration", "message": "string", "learnupon_user_id": "string", "warnings": "string"}
# ASSUMPTION(empty-output): HubSpot does not say what it makes of an empty number; a learner who has not begun has one.
PROGRESS_OUTPUTS = {
    "course_status": "enumeration",
    "course_result": "enumeration",
    "progress_percent": "number",
    "score_percent": "number",
    "completed_on": "string",
}
CHOICES: dict[str, list[tuple[str, str]]] = {
    "outcome": [(outcome.code, outcome.title) for outcome in OUTCOMES.values()],
    "course_status": [(str(value), str(label)) for value, label in Enrollment.Status.choices],
    "course_result": [(str(value), str(label)) for value, label in Enrollment.Result.choices if value],
}
# Outcomes whose reason differs from case to case: the history shows it behind the outcome's own text.
DETAILED = ("portal_not_connected", "custom_data_rejected", "refused", "expired")
# HubSpot sorts subscriptions by kind; a privacy deletion is one of the account's, not of the contact's.
# https://developers.hubspot.com/docs/apps/developer-platform/add-features/configure-webhooks
HUB_EVENTS = ("contact.privacyDeletion",)
# Contacts only: HubSpot documents no cards on user records.
# https://developers.hubspot.com/docs/apps/developer-platform/add-features/ui-extensions/overview
CARD_PLACES = {"tab": "crm.record.tab", "sidebar": "crm.record.sidebar"}


def files() -> dict[str, str]:
    """Path within hubspot-app/ -> text."""
    built = {"src/app/app-hsmeta.json": app(), "src/app/webhooks/webhooks-hsmeta.json": webhooks()}
    built |= {f"{CARD_FOLDER}/enrollments-{place}-hsmeta.json": card(place) for place in CARD_PLACES}
    built["src/app/settings/settings-hsmeta.json"] = settings_page()
    built |= {f"{ACTION_FOLDER}/{name}-hsmeta.json": action(name) for name in ACTIONS}
    return {path: json.dumps(content, indent=2, ensure_ascii=False) + "\n" for path, content in built.items()}


def stale(folder: Path) -> list[str]:
    """What differs from the code, is missing, or is left over from an action or card that is gone."""
    wanted = files()
    differing = [path for path, text in wanted.items() if _text(folder / path) != text]
    return sorted(differing + [path for path in _made_in(folder) if path not in wanted])


def write(folder: Path) -> list[str]:
    """Bring the folder up to date; the paths that were changed."""
    wanted, changed = files(), stale(folder)
    for path in changed:
        if path in wanted:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(wanted[path], encoding="utf-8")
        else:
            (folder / path).unlink()
    return changed


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def _made_in(folder: Path) -> list[str]:
    return [
        f"{where}/{file.name}"
        for where in (ACTION_FOLDER, CARD_FOLDER)
        for file in (folder / where).glob("*-hsmeta.json")
    ]


def _component(uid: str, kind: str, config: Json) -> Json:
    return {"uid": uid, "type": kind, "config": config}


# --- the app ------------------------------------------------------------------------------------------
def app() -> Json:
    return _component(
        "learnupon_app",
        "app",
        {
            "name": "LearnUpon",
            "description": "Add and invite LearnUpon learners from workflows, and see their course progress.",
            "distribution": "marketplace",
            "auth": {
                "type": "oauth",
                "redirectUrls": [f"{BASE}/oauth/hubspot/callback"],
                "requiredScopes": _scopes("required"),
                "optionalScopes": [],
                "conditionallyRequiredScopes": _scopes("conditional"),
            },
            "permittedUrls": {"fetch": [BASE], "iframe": [], "img": []},
            "support": {"supportEmail": "${SUPPORT_EMAIL}", "documentationUrl": f"{BASE}/install/"},
        },
    )


def _scopes(needed: str) -> list[str]:
    return [s.name.replace(APP_OBJECT, APP_OBJECT_VARIABLE) for s in SCOPES if s.needed == needed]


# --- webhooks -----------------------------------------------------------------------------------------
def webhooks() -> Json:
    subscriptions: Json = {"crmObjects": [], "legacyCrmObjects": [], "hubEvents": []}
    for event in HUBSPOT_EVENTS:
        group = "hubEvents" if event in HUB_EVENTS else "legacyCrmObjects"
        subscriptions[group] += [
            {"subscriptionType": event, **more, "active": True} for more in _narrowed(event)
        ]
    settings = {"targetUrl": f"{BASE}/webhooks/hubspot/events", "maxConcurrentRequests": 10}
    return _component("webhooks", "webhooks", {"settings": settings, "subscriptions": subscriptions})


def _narrowed(event: str) -> list[Json]:
    """Property changes are subscribed to one property at a time: those that LearnUpon has a field for."""
    if event != "contact.propertyChange":
        return [{}]
    return [{"propertyName": name} for name in NAMES["contact"]]


# --- card and settings page ---------------------------------------------------------------------------
def card(place: str) -> Json:
    """A card stands in one place, so that each place has its own; both run the same code."""
    return _component(
        f"enrollments_{place}",
        "card",
        {
            "name": "LearnUpon course enrollments",
            "description": "The person's LearnUpon portals, invitations, courses and progress.",
            "location": CARD_PLACES[place],
            "entrypoint": "/app/cards/EnrollmentsCard.tsx",
            "objectTypes": ["CONTACT"],
        },
    )


def settings_page() -> Json:
    return _component("settings_page", "settings", {"entrypoint": "/app/settings/SettingsPage.tsx"})


# --- workflow actions ---------------------------------------------------------------------------------
def action(name: str) -> Json:
    """https://developers.hubspot.com/docs/api-reference/latest/automation/workflow-actions/custom-action-reference"""
    config: Json = {
        "actionUrl": f"{BASE}/webhooks/hubspot/actions/{name}",
        "isPublished": True,
        "supportedClients": [{"client": "WORKFLOWS"}],
        # ASSUMPTION(user-workflows): HubSpot documents no name for user-based workflows here.
        "objectTypes": ["CONTACT"],
        "objectRequestOptions": {"properties": list(NAMES["contact"])},
        "inputFields": [_input(name, field) for field in INPUTS[name]],
        "outputFields": [_output(field, kind) for field, kind in outputs(name).items()],
        "executionRules": [{"labelName": code, "conditions": {"outcome": code}} for code in OUTCOMES],
        "labels": {language: _labels(language, name) for language in LANGUAGES},
    }
    dependent = [field for field in INPUTS[name] if field != "portal" and field not in FIXED_CHOICES]
    if dependent:
        config["inputFieldDependencies"] = [
            {
                "dependencyType": "SINGLE_FIELD",
                "controllingFieldName": "portal",
                "dependentFieldNames": dependent,
            }
        ]
    return _component(name.replace("-", "_"), "workflow-action", config)


def outputs(name: str) -> dict[str, str]:
    """An action's output fields and their types."""
    return OUTPUTS | (PROGRESS_OUTPUTS if name == "look-up-progress" else {})


def _input(name: str, field: str) -> Json:
    definition: Json = {"name": field, "type": "enumeration", "fieldType": "select"}
    if field in FIXED_CHOICES:
        said = texts_in("en")["inputs"][field]["options"]
        definition["options"] = [{"value": value, "label": said[value]} for value in FIXED_CHOICES[field]]
    else:
        definition["optionsUrl"] = f"{BASE}/webhooks/hubspot/options/{field}"
    required = field != "portal" and (name, field) not in OPTIONAL
    values = ["STATIC_VALUE", *(["OBJECT_PROPERTY"] if field in BY_PROPERTY else [])]
    return {"typeDefinition": definition, "supportedValueTypes": values, "isRequired": required}


def _output(field: str, kind: str) -> Json:
    controls = {"enumeration": "select", "number": "number", "string": "text"}
    definition: Json = {"name": field, "type": kind, "fieldType": controls[kind]}
    if kind == "enumeration":
        definition["options"] = [{"value": value, "label": label} for value, label in CHOICES[field]]
    return {"typeDefinition": definition}


def _labels(language: str, name: str) -> Json:
    texts = texts_in(language)
    said, inputs = texts["actions"][name], {field: texts["inputs"][field] for field in INPUTS[name]}
    labels = {
        "actionName": said["name"],
        "actionDescription": said["description"],
        "actionCardContent": said["card"],
        "inputFieldLabels": {field: text["label"] for field, text in inputs.items()},
        "inputFieldDescriptions": {field: text["description"] for field, text in inputs.items()},
        "outputFieldLabels": {field: texts["outputs"][field] for field in outputs(name)},
        "executionRules": {code: _outcome(code, texts["outcomes"][code]) for code in OUTCOMES},
    }
    options = {field: text["options"] for field, text in inputs.items() if "options" in text}
    return labels | ({"inputFieldOptionLabels": options} if options else {})


def _outcome(code: str, text: str) -> str:
    return f"{text} {{{{ message }}}}" if code in DETAILED else text


@cache
def texts_in(language: str) -> Json:
    """A language's texts; the English outcomes stand in the code, where the pages show them too."""
    texts: Json = json.loads((TEXTS / f"{language}.json").read_text(encoding="utf-8"))
    if language == "en":
        texts["outcomes"] = {code: outcome.text for code, outcome in OUTCOMES.items()}
    return texts
