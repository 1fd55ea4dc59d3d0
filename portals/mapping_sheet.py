"""The mapping page as rows: one for each LearnUpon field, offering only the HubSpot properties that fit it."""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from portals import drift, mapping, numbers
from portals.models import Portal, PropertyMapping

GONE = "This field is gone in LearnUpon. Saving takes it out of the mapping."


@dataclass
class Row:
    definition_id: int
    label: str
    type_label: str = ""
    choices: list[str] = field(default_factory=list)
    property: str = ""
    policy: str = PropertyMapping.Policy.ALWAYS
    options: str = ""
    left_out: list[tuple[str, int]] = field(default_factory=list)
    error: str = ""
    drift: list[str] = field(default_factory=list)
    policies = PropertyMapping.Policy.choices

    def left_out_count(self) -> int:
        return sum(count for _, count in self.left_out)


class MappingSheet:
    def __init__(self, portal: Portal, offer: mapping.Offer) -> None:
        self.portal, self.offer, self.error = portal, offer, ""
        self.unsaved_now = False  # the page shows what was typed and not what is saved
        self.drift = drift.keep(portal, offer)
        saved = {row.definition_id: row for row in portal.mappings.all()}
        free = [live for live in offer.fields if live.definition_id != portal.record_field]
        self.record_field = offer.field(portal.record_field) if portal.record_field else None
        self.rows = [self._row(live, saved.pop(live.definition_id, None)) for live in free]
        self.rows += [
            Row(gone.definition_id, gone.definition_label, options=_options([], ""), error=GONE)
            for gone in saved.values()
        ]
        for row in self.rows:
            row.drift = [item.text for item in self.drift if item.definition_id == row.definition_id]

    def _row(self, live: mapping.Field, saved: PropertyMapping | None) -> Row:
        row = Row(live.definition_id, live.label, live.type_label, list(live.choices))
        if saved:
            row.policy = saved.policy
        self._choose(row, live, saved.property if saved else "")
        return row

    def _choose(self, row: Row, live: mapping.Field, chosen: str) -> None:
        left_out: Counter[str] = Counter()
        fitting = []
        for item in self.offer.properties:
            why_not = mapping.compatible(item, live)
            if why_not is None:
                fitting.append(item)
            else:
                left_out[item.type] += 1
                if item.name == chosen:
                    row.error = why_not
        if chosen and not row.error and all(item.name != chosen for item in fitting):
            row.error = f"HubSpot has no property “{chosen}” any more."
        row.property, row.left_out, row.options = chosen, left_out.most_common(), _options(fitting, chosen)

    def save(self, typed: list[tuple[str, str, str]], actor: str) -> bool:
        """Save what was typed, or put it back on the page with what is wrong."""
        self.put_back(typed)
        rows = [(name, numbers.whole(definition) or 0, policy) for name, definition, policy in typed]
        if not all(definition for _, definition, _ in rows):
            self.error = "A row names no LearnUpon field. Reload the page and choose again."
            return False
        try:
            mapping.save(self.portal, rows, self.offer, actor)
        except mapping.MappingError as error:
            self._mark(rows[error.row][1] if 0 <= error.row < len(rows) else 0, error.message)
            return False
        drift.keep(self.portal, self.offer)
        return True

    def unsaved(self, typed: list[tuple[str, str, str]]) -> list[PropertyMapping]:
        """What was typed as the rows it would become, for a preview; rows that cannot stand are left out."""
        made: list[PropertyMapping] = []
        for name, definition, policy in typed:
            with suppress(mapping.MappingError):
                made += mapping.build(
                    self.portal, [(name, numbers.whole(definition) or 0, policy)], self.offer
                )
        return made

    def put_back(self, typed: list[tuple[str, str, str]]) -> None:
        """Choose on the page what was typed, with what is wrong beside it."""
        saved = self.portal.mappings.values_list("property", "definition_id", "policy")
        self.unsaved_now = {(name, str(number), policy) for name, number, policy in saved} != set(typed)
        chosen = {definition: (name, policy) for name, definition, policy in typed}
        live = {item.definition_id: item for item in self.offer.fields}
        for row in self.rows:
            if row.definition_id in live:
                name, row.policy = chosen.get(str(row.definition_id), ("", row.policy))
                row.error = ""
                self._choose(row, live[row.definition_id], name)

    def _mark(self, definition_id: int, message: str) -> None:
        self.error = message
        for row in self.rows:
            if row.definition_id == definition_id:
                row.error = message


def _options(fitting: list[mapping.Property], chosen: str) -> SafeString:
    """Rendered here and not in the template: some portals have 30 fields and some accounts 500 properties."""
    known = any(item.name == chosen for item in fitting)
    missing = format_html('<option value="{}" selected>{} (cannot be used)</option>', chosen, chosen)
    offered = format_html_join(
        "",
        '<option value="{}"{}>{} · {}</option>',
        (
            (item.name, SafeString(" selected" if item.name == chosen else ""), item.label, item.type)
            for item in fitting
        ),
    )
    return format_html(
        '<option value="">Not filled</option>{}{}', missing if chosen and not known else "", offered
    )
