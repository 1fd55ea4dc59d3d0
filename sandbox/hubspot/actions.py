"""The app's workflow actions as its project defines them: inputs, the sentence, texts in every language.

https://developers.hubspot.com/docs/api-reference/latest/automation/workflow-actions/custom-action-reference
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sandbox.errors import ControlError
from sandbox.hubspot.automation import ACTION_FILES

Row = dict[str, Any]
PLACE = re.compile(r"{{\s*(\w+)\s*}}")
MISSING = "(not chosen)"


@dataclass(frozen=True)
class Action:
    """One definition file."""

    name: str  # the last part of its address
    config: Row

    @property
    def languages(self) -> list[str]:
        return list(self.config["labels"])

    def texts(self, language: str) -> Row:
        """HubSpot falls back to English."""
        labels: Row = self.config["labels"].get(language) or self.config["labels"]["en"]
        return labels

    def inputs(self, language: str) -> list[Row]:
        texts = self.texts(language)
        return [_input(row, texts) for row in self.config["inputFields"]]

    def problems(self, given: Mapping[str, str], language: str) -> list[str]:
        """What the editor says before the step can be saved."""
        rows = self.inputs(language)
        wrong = [
            f"{row['label']} is required." for row in rows if row["required"] and not given.get(row["name"])
        ]
        for row in rows:
            value, values = given.get(row["name"]), {option["value"] for option in row["options"]}
            if value and values and value not in values:
                wrong.append(f"{row['label']} cannot be {value}.")
        return wrong

    def sentence(self, given: Mapping[str, str], language: str) -> str:
        """The step as the workflow shows it."""
        content = str(self.texts(language).get("actionCardContent", ""))
        return PLACE.sub(lambda match: given.get(match[1]) or MISSING, content)

    def told(self, outputs: Mapping[str, Any], language: str) -> str:
        """The line of the workflow's history: the first rule that the outputs fulfil, in its words."""
        for rule in self.config.get("executionRules", []):
            if all(_fits(outputs.get(name), wanted) for name, wanted in rule["conditions"].items()):
                text = str(self.texts(language).get("executionRules", {}).get(rule["labelName"], ""))
                return PLACE.sub(lambda match: str(outputs.get(match[1], "")), text)
        return ""


def _input(row: Row, texts: Row) -> Row:
    definition = row["typeDefinition"]
    name = definition["name"]
    said = texts.get("inputFieldOptionLabels", {}).get(name, {})
    options = [
        {"value": o["value"], "label": said.get(o["value"], o["label"])}
        for o in definition.get("options", [])
    ]
    return {
        "name": name,
        "label": texts["inputFieldLabels"].get(name, name),
        "description": texts["inputFieldDescriptions"].get(name, ""),
        "required": row["isRequired"],
        "options": options,
        "asked": definition.get("optionsUrl", "").rpartition("/")[2],
        "by_property": "OBJECT_PROPERTY" in row["supportedValueTypes"],
    }


def _fits(value: Any, wanted: Any) -> bool:
    return value in wanted if isinstance(wanted, list) else value == wanted


@cache
def defined(folder: Path = ACTION_FILES) -> dict[str, Action]:
    """Every action of the project, by name."""
    configs = [
        json.loads(file.read_text(encoding="utf-8"))["config"]
        for file in sorted(folder.glob("*-hsmeta.json"))
    ]
    found = [Action(config["actionUrl"].rpartition("/")[2], config) for config in configs]
    return {action.name: action for action in found}


def action(name: str) -> Action:
    known = defined().get(name)
    if known is None:
        raise ControlError(404, "The app has no such action.")
    return known
