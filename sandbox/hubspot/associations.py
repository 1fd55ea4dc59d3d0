"""Which records belong together in one account, kept in both directions."""

from collections.abc import Iterator
from typing import Any

# (associationCategory, associationTypeId)
Spec = tuple[str, int]


class Associations:
    def __init__(self) -> None:
        self._pairs: dict[tuple[str, str], dict[str, dict[str, set[Spec]]]] = {}

    def add(self, here: tuple[str, str], there: tuple[str, str], spec: Spec, back: Spec) -> bool:
        """Associate two (type id, record id) and say whether that is new."""
        specs = self._pairs.setdefault((here[0], there[0]), {}).setdefault(here[1], {})
        new = there[1] not in specs
        specs.setdefault(there[1], set()).add(spec)
        others = self._pairs.setdefault((there[0], here[0]), {}).setdefault(there[1], {})
        others.setdefault(here[1], set()).add(back)
        return new

    def remove(self, here: tuple[str, str], there: tuple[str, str]) -> None:
        self._pairs.get((here[0], there[0]), {}).get(here[1], {}).pop(there[1], None)
        self._pairs.get((there[0], here[0]), {}).get(there[1], {}).pop(here[1], None)

    def remove_spec(self, here: tuple[str, str], there: tuple[str, str], spec: Spec) -> None:
        specs = self._pairs.get((here[0], there[0]), {}).get(here[1], {}).get(there[1])
        if specs is None:
            return
        specs.discard(spec)
        if not specs:
            self.remove(here, there)

    def of(self, here: tuple[str, str], type_id: str) -> dict[str, set[Spec]]:
        """The records of a type that belong to one record, with what joins them."""
        return self._pairs.get((here[0], type_id), {}).get(here[1], {})

    def forget(self, here: tuple[str, str]) -> None:
        """Remove every association of a record, as a privacy deletion does."""
        for other in self._types_with(here):
            self.remove(here, other)

    def move(self, old: tuple[str, str], new: tuple[str, str]) -> None:
        """A merged record hands its associations over."""
        for other in self._types_with(old):
            specs = self.of(old, other[0])[other[1]]
            backs = self.of(other, old[0])[old[1]]
            self.remove(old, other)
            for spec, back in zip(sorted(specs), sorted(backs), strict=False):
                self.add(new, other, spec, back)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Every association once: app-object ids (`1-…`) come first."""
        for (here, there), froms in self._pairs.items():
            if here < there:
                continue
            for from_id, tos in froms.items():
                for to_id, specs in tos.items():
                    for category, type_id in sorted(specs):
                        yield {
                            "fromObjectTypeId": here,
                            "fromObjectId": from_id,
                            "toObjectTypeId": there,
                            "toObjectId": to_id,
                            "associationCategory": category,
                            "associationTypeId": type_id,
                        }

    def _types_with(self, here: tuple[str, str]) -> list[tuple[str, str]]:
        return [
            (there, to_id)
            for (from_type, there), froms in self._pairs.items()
            if from_type == here[0]
            for to_id in froms.get(here[1], {})
        ]
