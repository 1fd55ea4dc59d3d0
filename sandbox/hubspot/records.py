"""The records of one object type in one account, with the indexes that keep 300,000 of them quick."""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sandbox.hubspot.values import Property

Values = dict[str, str]


@dataclass(slots=True)
class Record:
    id: str
    properties: Values
    created_at: str
    updated_at: str
    archived_at: str | None = None


@dataclass(frozen=True)
class Kind:
    """What an object type is called, and which properties a read gives unasked."""

    type_id: str
    name: str
    other_names: tuple[str, ...]
    label: str
    created_property: str
    updated_property: str
    shown: tuple[str, ...]

    @property
    def always(self) -> tuple[str, ...]:
        return (self.created_property, "hs_object_id", self.updated_property)


@dataclass
class Store:
    kind: Kind
    definitions: dict[str, Property]
    next_id: int
    records: dict[str, Record] = field(default_factory=dict)
    unique: dict[str, dict[str, str]] = field(default_factory=dict)
    # Merged records answer under their old ids too.
    aliases: dict[str, str] = field(default_factory=dict)
    # What search sees: a moment behind the truth.
    indexed: dict[str, Values | None] = field(default_factory=dict)
    _order: list[int] = field(default_factory=list)
    _coming: deque[tuple[float, str, Values | None]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        for definition in self.definitions.values():
            if definition.unique:
                self.unique[definition.name] = {}

    def find(self, id: str, by: str | None = None) -> Record | None:
        """A record by its id or by a unique property, archived ones too."""
        if by is None or by == "hs_object_id":
            return self.records.get(id) or self.records.get(self.aliases.get(id, ""))
        return self.records.get(self.unique.get(by, {}).get(self.folded(by, id), ""))

    def live(self, id: str, by: str | None = None) -> Record | None:
        record = self.find(id, by)
        return record if record is not None and record.archived_at is None else None

    def folded(self, name: str, value: str) -> str:
        return value.lower() if name == "email" else value

    def holder(self, name: str, value: str) -> str | None:
        """The id of the record that holds a unique value."""
        return self.unique[name].get(self.folded(name, value)) if value else None

    def create(self, values: Values, now: str, *, id: str | None = None) -> Record:
        if id is None:
            self.next_id += 1
            id = str(self.next_id)
        stamps = {self.kind.created_property: now, self.kind.updated_property: now, "hs_object_id": id}
        record = Record(id, {**{k: v for k, v in values.items() if v != ""}, **stamps}, now, now)
        self.records[id] = record
        self._order.append(int(id))
        self._claim(record)
        return record

    def change(self, record: Record, values: Values, now: str) -> Values:
        """Write values and return the ones that differ from before."""
        before = record.properties
        changed = {name: value for name, value in values.items() if before.get(name, "") != value}
        self._release(record)
        merged = {**before, **values, self.kind.updated_property: now}
        record.properties = {name: value for name, value in merged.items() if value != ""}
        record.updated_at = now
        self._claim(record)
        return changed

    def archive(self, record: Record, now: str) -> None:
        """Archived records can be restored; their unique values are free meanwhile [I]."""
        self._release(record)
        record.archived_at = now
        record.updated_at = now

    def restore(self, record: Record, now: str) -> None:
        record.archived_at = None
        record.updated_at = now
        self._claim(record)

    def purge(self, record: Record) -> None:
        self._release(record)
        del self.records[record.id]
        self._order.remove(int(record.id))

    def rename(self, old: str, new: str) -> None:
        """Let `old`, and whatever was merged into it before, answer for `new`."""
        self.aliases |= {id: new for id, target in self.aliases.items() if target == old}
        self.aliases[old] = new

    def page(self, after: int, limit: int, *, archived: bool) -> tuple[list[Record], str | None]:
        """Records with ids above `after`, and the id to go on from when there are more."""
        found: list[Record] = []
        for id in self._order[bisect_right(self._order, after) :]:
            record = self.records[str(id)]
            if (record.archived_at is not None) != archived:
                continue
            if len(found) == limit:
                return found, found[-1].id
            found.append(record)
        return found, None

    def all(self) -> Iterator[Record]:
        return iter(self.records.values())

    def announce(self, record: Record, due: float) -> None:
        """Let search see this state of the record from `due` on."""
        state = None if record.archived_at or record.id not in self.records else record.properties
        self._coming.append((due, record.id, state))

    def settle(self, now: float) -> None:
        while self._coming and self._coming[0][0] <= now:
            _, id, state = self._coming.popleft()
            if state is None:
                self.indexed.pop(id, None)
            else:
                self.indexed[id] = state

    def _claim(self, record: Record) -> None:
        for name, held in self.unique.items():
            value = record.properties.get(name)
            if value:
                held[self.folded(name, value)] = record.id

    def _release(self, record: Record) -> None:
        for name, held in self.unique.items():
            value = record.properties.get(name)
            if value and held.get(self.folded(name, value)) == record.id:
                del held[self.folded(name, value)]


def shown(
    store: Store, record: Record, names: Iterable[str], account: Any, *, nulls: bool = False
) -> dict[str, Any]:
    """A record as the API gives it. HubSpot sends null for what is not set, against its own OpenAPI."""
    held = record.properties
    wanted = (*store.kind.always, *names)
    values = {name: held.get(name) for name in wanted} if nulls else _set_ones(held, wanted)
    row: dict[str, Any] = {
        "id": record.id,
        "properties": values,
        "createdAt": record.created_at,
        "updatedAt": record.updated_at,
        "archived": record.archived_at is not None,
        "url": account.record_url(store.kind.type_id, record.id),
    }
    if record.archived_at is not None:
        row["archivedAt"] = record.archived_at
    return row


def _set_ones(held: Values, wanted: Iterable[str]) -> Values:
    return {name: held[name] for name in wanted if name in held}
