"""Noticing that a saved mapping no longer says what it said: a property or field deleted, renamed or given another type.

LearnUpon's fields can be relabelled and change between text and choice, never across other types
(https://support.learnupon.com/hc/en-us/articles/360006564737); HubSpot's internal names stay, labels and options move.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from portals import mapping, realm
from portals.conversion import STRING
from portals.lanes import Lane
from portals.mapping import Field, Offer, Property
from portals.models import Portal, PropertyMapping

EVERY = timedelta(days=1)


@dataclass(frozen=True)
class Drift:
    """One thing that changed. `breaks` when values no longer arrive as the admin meant them to."""

    definition_id: int
    text: str
    breaks: bool


def watch(portal: Portal) -> None:
    """Read both sides and the list of sub-portals and keep what they say. Raises the clients' errors."""
    keep(portal, mapping.offer(portal, Lane.BULK))
    realm.refresh(portal, Lane.BULK)


def keep(portal: Portal, offer: Offer) -> list[Drift]:
    """Note what drifted, for banners and the settings page, and take over what is only longer than it was."""
    rows = list(portal.mappings.all())
    found = [drift for row in rows for drift in of_row(row, offer)] + list(_of_record_field(portal, offer))
    _take_over_lists(rows, offer)
    portal.fields = [mapping.as_json(item) for item in offer.fields]
    portal.drift, portal.watched_at = [asdict(drift) for drift in found], timezone.now()
    portal.save(update_fields=["fields", "drift", "watched_at"])
    return found


def of_row(row: PropertyMapping, offer: Offer) -> list[Drift]:
    source, target = offer.property(row.property), offer.field(row.definition_id)
    field_name, property_name = row.definition_label, row.property_label or row.property
    if target is None:
        text = f"{field_name} was deleted in LearnUpon: {property_name} fills nothing any more."
        return [Drift(row.definition_id, text, breaks=True)]
    if source is None:
        text = f"{property_name} was deleted or hidden in HubSpot, or has a type that cannot be mapped: {field_name} is not filled any more."
        return [Drift(row.definition_id, text, breaks=True)]
    found = [_retyped(row, source, target), _renamed(row, source, target)]
    return [drift for drift in found if drift]


def _retyped(row: PropertyMapping, source: Property, target: Field) -> Drift | None:
    changes = []
    if source.type != row.property_type:
        changes.append(f"{source.label} was a {row.property_type} and is now a {source.type}")
    if target.type_id != row.definition_type:
        before = mapping.TYPE_LABELS.get(row.definition_type, "field of another type")
        changes.append(f"{target.label} took a {before} and now takes a {target.type_label}")
    if not changes:
        return None
    why_not = mapping.compatible(source, target)
    advice = "Choose another property." if why_not else "They still fit: save the mapping again."
    return Drift(row.definition_id, f"{'; '.join(changes)}. {advice}", breaks=True)


def _renamed(row: PropertyMapping, source: Property, target: Field) -> Drift | None:
    pairs = [("HubSpot", row.property_label, source.label), ("LearnUpon", row.definition_label, target.label)]
    changes = [f"{old} is now called {new} in {where}" for where, old, new in pairs if old and old != new]
    if not changes:
        return None
    text = f"{'; '.join(changes)}. Values still arrive; save the mapping to take over the name."
    return Drift(row.definition_id, text, breaks=False)


def _of_record_field(portal: Portal, offer: Offer) -> Iterator[Drift]:
    if portal.record_field is None:
        return
    field = offer.field(portal.record_field)
    if field is None:
        text = "The field that carries the HubSpot record id was deleted in LearnUpon. Choose another under Settings."
        yield Drift(portal.record_field, text, breaks=True)
    elif field.type_id != STRING:
        text = f"{field.label} carries the HubSpot record id and takes a {field.type_label} now. Choose a text field under Settings."
        yield Drift(field.definition_id, text, breaks=True)


def _take_over_lists(rows: list[PropertyMapping], offer: Offer) -> None:
    """Options and choices come and go in daily life; conversion needs them as they are, and nobody has to decide."""
    changed = []
    for row in rows:
        source, target = offer.property(row.property), offer.field(row.definition_id)
        if (
            source is None
            or target is None
            or (source.type, target.type_id) != (row.property_type, row.definition_type)
        ):
            continue
        options = [list(option) for option in source.options]
        if (options, target.choices) != (row.options, row.choices):
            row.options, row.choices = options, target.choices
            changed.append(row)
    PropertyMapping.objects.bulk_update(changed, ["options", "choices"])


def due(most: int = 20) -> list[Portal]:
    """Working portals that nobody has looked at for a day."""
    long_ago = timezone.now() - EVERY
    waiting = Portal.objects.working().filter(Q(watched_at=None) | Q(watched_at__lt=long_ago))
    return list(waiting.select_related("account").order_by("watched_at")[:most])


def put_off(portal: Portal) -> None:
    """It could not be looked at: others get their turn, and it is asked again in an hour."""
    Portal.objects.filter(pk=portal.pk).update(watched_at=timezone.now() - EVERY + timedelta(hours=1))
