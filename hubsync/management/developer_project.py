"""The files of hubspot-app/ that follow from the code: the app's scopes, the workflow actions, the webhooks.

`manage.py hubspot_app` writes them, `--check` says which are stale. Texts lie in texts/, one file a language.
https://developers.hubspot.com/docs/apps/developer-platform/build-apps/overview
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from hubsync.flows import ACTIONS, HUBSPOT_EVENTS
from learners.outcomes import OUTCOMES
from learners.people import NAMES
from portals.oauth import APP_OBJECT, SCOPES

Json = dict[str, Any]
TEXTS = Path(__file__).with_name("texts")
LANGUAGES = ("en", "de", "fr", "es", "pt-br", "nl", "ja")
ACTION_FOLDER = "src/app/workflow-actions"
# Filled in by HubSpot's own tool from src/hsprofile.<name>.json when the project is uploaded.
# https://developers.hubspot.com/docs/developer-tooling/local-development/build-with-config-profiles
BASE = "${API_BASE}"
APP_OBJECT_VARIABLE = "a${APP_ID}_course_enrollment"

INPUTS: dict[str, tuple[str, ...]] = {"user-add": ("portal",), "user-invite": ("portal", "group")}
OUTPUTS = ("outcome", "message", "learnupon_user_id", "warnings")
# Outcomes whose reason differs from case to case: the history shows it behind the outcome's own text.
DETAILED = ("portal_not_connected", "custom_data_rejected", "refused", "expired")
# HubSpot sorts subscriptions by kind; a privacy deletion is one of the account's, not of the contact's.
# https://developers.hubspot.com/docs/apps/developer-platform/add-features/configure-webhooks
HUB_EVENTS = ("contact.privacyDeletion",)


def files() -> dict[str, str]:
    """Path within hubspot-app/ -> text."""
    built = {"src/app/app-hsmeta.json": app(), "src/app/webhooks/webhooks-hsmeta.json": webhooks()}
    built |= {f"{ACTION_FOLDER}/{name}-hsmeta.json": action(name) for name in ACTIONS}
    return {path: json.dumps(content, indent=2, ensure_ascii=False) + "\n" for path, content in built.items()}


def stale(folder: Path) -> list[str]:
    """What differs from the code, is missing, or is left over from an action that is gone."""
    wanted = files()
    differing = [path for path, text in wanted.items() if _text(folder / path) != text]
    return sorted(differing + [path for path in _actions_in(folder) if path not in wanted])


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


def _actions_in(folder: Path) -> list[str]:
    return [f"{ACTION_FOLDER}/{file.name}" for file in (folder / ACTION_FOLDER).glob("*.json")]


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


# --- workflow actions ---------------------------------------------------------------------------------
def action(name: str) -> Json:
    """https://developers.hubspot.com/docs/api-reference/latest/automation/workflow-actions/custom-action-reference"""
    inputs = INPUTS[name]
    config: Json = {
        "actionUrl": f"{BASE}/webhooks/hubspot/actions/{name}",
        "isPublished": True,
        "supportedClients": [{"client": "WORKFLOWS"}],
        # ASSUMPTION(user-workflows): HubSpot documents no name for user-based workflows here.
        "objectTypes": ["CONTACT"],
        "objectRequestOptions": {"properties": list(NAMES["contact"])},
        "inputFields": [_input(field) for field in inputs],
        "outputFields": [_output(field) for field in OUTPUTS],
        "executionRules": [{"labelName": code, "conditions": {"outcome": code}} for code in OUTCOMES],
        "labels": {language: _labels(language, name) for language in LANGUAGES},
    }
    dependent = [field for field in inputs if field != "portal"]
    if dependent:
        config["inputFieldDependencies"] = [
            {
                "dependencyType": "SINGLE_FIELD",
                "controllingFieldName": "portal",
                "dependentFieldNames": dependent,
            }
        ]
    return _component(name.replace("-", "_"), "workflow-action", config)


def _input(field: str) -> Json:
    """A drop-down filled by webhooks/options.py. None is required: one connected portal needs no choice."""
    definition = {
        "name": field,
        "type": "enumeration",
        "fieldType": "select",
        "optionsUrl": f"{BASE}/webhooks/hubspot/options/{field}",
    }
    return {"typeDefinition": definition, "supportedValueTypes": ["STATIC_VALUE"], "isRequired": False}


def _output(field: str) -> Json:
    if field != "outcome":
        return {"typeDefinition": {"name": field, "type": "string", "fieldType": "text"}}
    options = [{"value": outcome.code, "label": outcome.title} for outcome in OUTCOMES.values()]
    return {
        "typeDefinition": {"name": field, "type": "enumeration", "fieldType": "select", "options": options}
    }


def _labels(language: str, name: str) -> Json:
    texts = texts_in(language)
    said, inputs = texts["actions"][name], {field: texts["inputs"][field] for field in INPUTS[name]}
    return {
        "actionName": said["name"],
        "actionDescription": said["description"],
        "actionCardContent": said["card"],
        "inputFieldLabels": {field: text["label"] for field, text in inputs.items()},
        "inputFieldDescriptions": {field: text["description"] for field, text in inputs.items()},
        "outputFieldLabels": {field: texts["outputs"][field] for field in OUTPUTS},
        "executionRules": {code: _outcome(code, texts["outcomes"][code]) for code in OUTCOMES},
    }


def _outcome(code: str, text: str) -> str:
    return f"{text} {{{{ message }}}}" if code in DETAILED else text


@cache
def texts_in(language: str) -> Json:
    """A language's texts; the English outcomes stand in the code, where the pages show them too."""
    texts: Json = json.loads((TEXTS / f"{language}.json").read_text(encoding="utf-8"))
    if language == "en":
        texts["outcomes"] = {code: outcome.text for code, outcome in OUTCOMES.items()}
    return texts
