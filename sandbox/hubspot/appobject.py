"""The app object, read from the HubSpot project itself so that there is one definition of it.

https://developers.hubspot.com/docs/apps/developer-platform/add-features/app-objects/reference
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.hubspot.values import Property

FOLDER = Path(__file__).resolve().parents[2] / "hubspot-app" / "src" / "app" / "app-objects"
# App objects' numeric ids look like this; the same in every account, as the definition is [S].
TYPE_ID = "1-12815455"


@dataclass(frozen=True)
class AppObject:
    app_id: int
    config: dict[str, Any]

    @property
    def name(self) -> str:
        """Fully qualified: `a<appId>_<name lower-cased>`."""
        return f"a{self.app_id}_{self.config['name'].lower()}"

    @property
    def labels(self) -> dict[str, str]:
        prefix = self.config["appPrefix"]
        return {
            "singular": f"{prefix} {self.config['singularForm']}",
            "plural": f"{prefix} {self.config['pluralForm']}",
        }

    @property
    def record_scopes(self) -> list[str]:
        actions = ("view", "create", "edit", "delete", "merge")
        return [f"crm.app.objects.{self.name}.{action}" for action in actions]

    @property
    def schema_scopes(self) -> list[str]:
        return [f"crm.app.schemas.{self.name}.{right}" for right in ("read", "properties.write")]

    def qualified(self, name: str) -> str:
        return f"a{self.app_id}_{name}"

    def properties(self) -> list[Property]:
        return [self._property(row) for row in self.config["properties"]]

    def _property(self, row: dict[str, Any]) -> Property:
        # `readOnlyValue` closes a property to people, not to the app that owns it.
        return Property(
            name=self.qualified(row["name"]),
            label=row["label"],
            type=row["type"],
            field_type=row["fieldType"],
            group=f"{self.name}_information",
            options=[{"hidden": False, **option} for option in row.get("options", [])],
            description=row.get("description", ""),
            unique=row.get("hasUniqueValue", False),
            hubspot_defined=False,
        )


def load(app_id: int, folder: Path = FOLDER) -> AppObject:
    file = sorted(folder.glob("*-hsmeta.json"))[0]
    return AppObject(app_id, json.loads(file.read_text())["config"])
