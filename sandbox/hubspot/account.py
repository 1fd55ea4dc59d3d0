"""One HubSpot customer: its people, its app-object records and what belongs together."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.hubspot.associations import Associations
from sandbox.hubspot.records import Store


@dataclass
class Account:
    hub_id: int
    name: str
    domain: str
    time_zone: str
    utc_offset: str
    utc_offset_milliseconds: int
    installer: dict[str, Any]
    stores: dict[str, Store]
    owners: list[dict[str, Any]]
    # Every name an object type answers to, and its type id.
    types: dict[str, str] = field(default_factory=dict)
    associations: Associations = field(default_factory=Associations)
    # E-mails of people deleted for privacy: HubSpot does not take them back.
    blocked_emails: set[str] = field(default_factory=set)
    ui_domain: str = "app.hubspot.com"

    def __post_init__(self) -> None:
        for store in self.stores.values():
            kind = store.kind
            for name in (kind.type_id, kind.name, *kind.other_names):
                self.types[name] = kind.type_id

    @property
    def contacts(self) -> Store:
        return self.stores["0-1"]

    @property
    def users(self) -> Store:
        return self.stores["0-115"]

    def record_url(self, type_id: str, record_id: str) -> str:
        return f"https://{self.ui_domain}/contacts/{self.hub_id}/record/{type_id}/{record_id}"

    def store(self, name: str) -> Store | None:
        return self.stores.get(self.types.get(name.lower(), ""))
