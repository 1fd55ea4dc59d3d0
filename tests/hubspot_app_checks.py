"""What must be equal in hubspot-app/ and in the code. Each check takes the folder and returns what is wrong."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.urls import Resolver404, resolve

from hubsync.flows import ACTIONS, CARDS, FLOWS, HUBSPOT_EVENTS
from hubsync.management import developer_project
from hubsync.management.developer_project import ACTION_FOLDER, BASE, CARD_FOLDER, LANGUAGES
from learners.models import Enrollment, Learner
from learners.outcomes import OUTCOMES, done
from learners.training import progress_outputs
from portals import oauth, schema
from webhooks import options

Json = Any
FOLDER = settings.BASE_DIR / "hubspot-app"
APP = "src/app/app-hsmeta.json"
HOOKS = "src/app/webhooks/webhooks-hsmeta.json"
OBJECT = "src/app/app-objects/course_enrollment-hsmeta.json"
ASSOCIATION = "src/app/app-object-associations/course_enrollment_to_contact-hsmeta.json"
CARD = f"{CARD_FOLDER}/enrollments-tab-hsmeta.json"
SETTINGS_CODE, CARD_CODE = "src/app/settings/backend.ts", f"{CARD_FOLDER}/backend.ts"
PROFILE = "src/hsprofile.example.json"
ADD, INVITE, ACCESS = (
    f"{ACTION_FOLDER}/{name}-hsmeta.json" for name in ("user-add", "user-invite", "set-access")
)
# HubSpot's folder for each type of component.
FOLDERS = {
    "app": "src/app",
    "app-object": "src/app/app-objects",
    "app-object-association": "src/app/app-object-associations",
    "webhooks": "src/app/webhooks",
    "workflow-action": ACTION_FOLDER,
    "card": CARD_FOLDER,
    "settings": "src/app/settings",
}
LABEL = re.compile(r"[A-Z][A-Za-z]*( [A-Za-z]+)*")
FORM = re.compile(r"[A-Z][a-z]*( [A-Z][a-z]*)*")
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
UID = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def load(folder: Path, path: str) -> Json:
    return json.loads((folder / path).read_text(encoding="utf-8"))


def actions(folder: Path) -> Iterator[tuple[str, Json]]:
    for file in sorted((folder / ACTION_FOLDER).glob("*.json")):
        config = load(folder, f"{ACTION_FOLDER}/{file.name}")["config"]
        yield config["actionUrl"].rpartition("/")[2], config


def components(folder: Path) -> Iterator[tuple[Path, Json]]:
    for file in sorted((folder / "src").rglob("*-hsmeta.json")):
        yield file.parent.relative_to(folder), json.loads(file.read_text(encoding="utf-8"))


def answered_by(address: str) -> str:
    """The name of the address in our URL table, when it is one."""
    if not address.startswith(f"{BASE}/"):
        return ""
    try:
        return str(resolve(address.removeprefix(BASE)).url_name)
    except Resolver404:
        return ""


def stale_files(folder: Path) -> list[str]:
    return developer_project.stale(folder)


def action_addresses(folder: Path) -> list[str]:
    """Every action is ours, has a flow and an address, and its drop-downs have theirs."""
    found = dict(actions(folder))
    wrong = sorted(set(found) ^ set(ACTIONS))
    for name, config in found.items():
        if answered_by(config["actionUrl"]) != "action" or f"hubspot.action.{name}" not in FLOWS:
            wrong.append(f"{name}: nobody answers {config['actionUrl']}")
        for row in config["inputFields"]:
            definition = row["typeDefinition"]
            address = definition.get("optionsUrl", "")
            asked = answered_by(address) == "options" and address.rpartition("/")[2] in options.FIELDS
            if not asked and not definition.get("options"):
                wrong.append(f"{name}: nobody answers {address or definition['name']}")
    return wrong


def outcome_rules(folder: Path) -> list[str]:
    """Every outcome is told apart and has words in every language."""
    wrong = []
    for name, config in actions(folder):
        rules = {rule["conditions"].get("outcome"): rule["labelName"] for rule in config["executionRules"]}
        wrong += [f"{name}: rule {code}" for code in set(rules) ^ set(OUTCOMES)]
        for language, labels in config["labels"].items():
            said = labels["executionRules"]
            wrong += [f"{name} {language}: text {label}" for label in rules.values() if not said.get(label)]
    return wrong


def labels(folder: Path) -> list[str]:
    """Every language names the action, its inputs and its outputs; what stands in braces is an input or an output."""
    wrong = []
    for name, config in actions(folder):
        wrong += [f"{name}: language {language}" for language in set(LANGUAGES) ^ set(config["labels"])]
        fields = [row["typeDefinition"] for row in config["inputFields"]]
        inputs = {field["name"] for field in fields}
        choices = {
            field["name"]: {o["value"] for o in field["options"]} for field in fields if "options" in field
        }
        outputs = {row["typeDefinition"]["name"] for row in config["outputFields"]}
        for language, texts in config["labels"].items():
            named = [
                (inputs, set(texts["inputFieldLabels"])),
                (inputs, set(texts["inputFieldDescriptions"])),
                (outputs, set(texts["outputFieldLabels"])),
            ]
            wrong += [f"{name} {language}: {a ^ b}" for a, b in named if a != b]
            if not texts["actionName"] or braced(texts["actionCardContent"]) - inputs:
                wrong.append(f"{name} {language}: sentence")
            said = {field: set(names) for field, names in texts.get("inputFieldOptionLabels", {}).items()}
            if said != choices:
                wrong.append(f"{name} {language}: choices")
            if braced("".join(texts["executionRules"].values())) - outputs:
                wrong.append(f"{name} {language}: outcome texts")
    return wrong


def braced(text: str) -> set[str]:
    return set(re.findall(r"{{\s*(\w+)\s*}}", text))


def outputs(folder: Path) -> list[str]:
    """The declared outputs are those that flows and claims fill."""
    flow = done("created", Learner(learnupon_user_id=1), warnings=["a warning"])
    always = {"outcome", "message", *flow.outputs}
    progress = set(progress_outputs(Enrollment()))
    wrong = []
    for name, config in actions(folder):
        declared = {row["typeDefinition"]["name"]: row["typeDefinition"] for row in config["outputFields"]}
        filled = always | (progress if name == "look-up-progress" else set())
        wrong += [f"{name}: output {output}" for output in set(declared) ^ filled]
        codes = {option["value"] for option in declared.get("outcome", {}).get("options", [])}
        wrong += [f"{name}: outcome option {code}" for code in codes ^ set(OUTCOMES)]
    return wrong


def scopes(folder: Path) -> list[str]:
    auth = load(folder, APP)["config"]["auth"]
    asked = {(scope, "required") for scope in auth["requiredScopes"]}
    asked |= {(scope, "conditional") for scope in auth["conditionallyRequiredScopes"]}
    asked |= {(scope, "optional") for scope in auth["optionalScopes"]}
    named = {(scope.replace("${APP_ID}", settings.HUBSPOT_APP_ID), kind) for scope, kind in asked}
    return [str(scope) for scope in named ^ {(scope.name, scope.needed) for scope in oauth.SCOPES}]


def redirects(folder: Path) -> list[str]:
    addresses = load(folder, APP)["config"]["auth"]["redirectUrls"]
    wanted = oauth.redirect_uri().replace(settings.PUBLIC_URL, BASE)
    return [] if wanted in addresses and answered_by(wanted) else addresses


def subscriptions(folder: Path) -> list[str]:
    config = load(folder, HOOKS)["config"]
    rows = [row for group in config["subscriptions"].values() for row in group if row["active"]]
    wrong = sorted({row["subscriptionType"] for row in rows} ^ set(HUBSPOT_EVENTS))
    if answered_by(config["settings"]["targetUrl"]) != "hubspot-events":
        wrong.append(config["settings"]["targetUrl"])
    return wrong


def app_object(folder: Path) -> list[str]:
    """Names, options and the unique key are the code's. They are permanent from the first deploy on."""
    config = load(folder, OBJECT)["config"]
    rows = {row["name"]: row for row in config["properties"]}
    wrong = sorted(set(rows) ^ set(schema.PROPERTIES))
    if f"a{settings.HUBSPOT_APP_ID}_{config['name'].lower()}" != schema.FULL_NAME:
        wrong.append(config["name"])
    wrong += [
        name for name, row in rows.items() if row.get("hasUniqueValue", False) != (name == "enrollment_key")
    ]
    for name, choices in (("status", Enrollment.Status), ("result", Enrollment.Result)):
        values = {option["value"] for option in rows.get(name, {}).get("options", [])}
        wrong += sorted(values ^ (set(choices.values) - {""}))
    return wrong


def object_labels(folder: Path) -> list[str]:
    """HubSpot takes letters and spaces only, the first letter a capital; in the object's own name, every word's."""
    config = load(folder, OBJECT)["config"]
    forms = [config["singularForm"], config["pluralForm"]]
    wrong = [form for form in forms if not FORM.fullmatch(form) or len(form) > 50]
    rows = config["properties"] + [
        option for row in config["properties"] for option in row.get("options", [])
    ]
    wrong += [row["label"] for row in rows if not LABEL.fullmatch(row["label"])]
    names = [row.get("name") or row["value"] for row in rows]
    wrong += [name for name in names if not NAME.fullmatch(name)]
    return wrong + ([config["description"]] if len(config["description"]) > 72 else [])


def association(folder: Path) -> list[str]:
    config = load(folder, ASSOCIATION)["config"]
    ends = {config["firstObjectType"], config["secondObjectType"]}
    return sorted(ends ^ {load(folder, OBJECT)["uid"], "CONTACT"})


def card_addresses(folder: Path) -> list[str]:
    """What card and settings page ask for is what there is, and at the one address HubSpot lets them call."""
    code = "".join((folder / path).read_text(encoding="utf-8") for path in (CARD_CODE, SETTINGS_CODE))
    named = re.search(r"type Button = ([^;]+);", code)
    buttons = re.findall(r"'(\w+)'", named[1]) if named else []
    reads = re.findall(r"\${base}/webhooks/hubspot/cards/(\w+)", code)
    wrong = sorted({f"GET {n}" for n in reads} ^ {f"POST {n}" for n in buttons} ^ set(CARDS))
    if "${base}/webhooks/hubspot/cards/${button}" not in code or len(re.findall("https?://", code)) > 1:
        wrong.append("an address is written out")
    return wrong + sorted({BASE} ^ set(load(folder, APP)["config"]["permittedUrls"]["fetch"]))


def card_files(folder: Path) -> list[str]:
    """Every card and page has its code; names are HubSpot's rules: no brand of HubSpot's, contacts only."""
    wrong = []
    for where, content in components(folder):
        config = content["config"]
        if "entrypoint" in config and not (folder / "src" / config["entrypoint"].lstrip("/")).is_file():
            wrong.append(f"{where}: no {config['entrypoint']}")
        if content["type"] == "card" and config["objectTypes"] != ["CONTACT"]:
            wrong.append(f"{where}: {config['objectTypes']}")
        if content["type"] == "card" and (
            "hubspot" in config["name"].lower() or not LABEL.fullmatch(config["name"])
        ):
            wrong.append(f"{where}: {config['name']}")
    return wrong


def structure(folder: Path) -> list[str]:
    """What HubSpot's own tool checks first: folder by type, identities, nothing unknown at the top."""
    project, wrong, seen = load(folder, "hsproject.json"), [], []
    if set(project) != {"name", "srcDir", "platformVersion"} or not (folder / project["srcDir"]).is_dir():
        wrong.append("hsproject.json")
    for where, content in components(folder):
        seen.append(content["uid"])
        if set(content) != {"uid", "type", "config"} or FOLDERS.get(content["type"]) != where.as_posix():
            wrong.append(f"{where}: {content['type']}")
    return wrong + [uid for uid in seen if seen.count(uid) > 1 or not UID.fullmatch(uid)]


def variables(folder: Path) -> list[str]:
    """Every variable has an example, and no address is written out."""
    texts = "".join(json.dumps(content) for _, content in components(folder))
    used = set(re.findall(r"\${(\w+)}", texts))
    written_out = re.findall(r"https?://[^\s\"]+", texts)
    return sorted(used ^ set(load(folder, PROFILE)["variables"])) + written_out


CHECKS: tuple[Callable[[Path], list[str]], ...] = (
    stale_files, action_addresses, outcome_rules, labels, outputs, scopes, redirects, subscriptions, app_object,
    object_labels, association, structure, variables, card_addresses, card_files,
)  # fmt: skip
