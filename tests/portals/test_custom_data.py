"""A portal's mapping applied to one record: policies, what differs, and warnings that quote nobody."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portals.conversion import DECIMAL, INTEGER, STRING, custom_data
from portals.mapping import FITS
from portals.models import PropertyMapping
from tests.portals.test_conversion import field

ALWAYS, IF_EMPTY, NEVER_CLEAR = PropertyMapping.Policy


def written(policy: str, value: Any, before: Any, kind: int = STRING, type: str = "string") -> dict[str, Any]:
    current = [] if before is None else [{"definition_id": 7, "value": before}]
    return custom_data([field(kind, type, policy=policy)], {"p": value}, current, "UTC").values


@pytest.mark.parametrize(
    ("policy", "value", "before", "result"),
    [
        (ALWAYS, "new", None, {"7": "new"}),
        (ALWAYS, "new", "old", {"7": "new"}),
        (ALWAYS, "", "old", {"7": ""}),
        (ALWAYS, None, "old", {"7": ""}),
        (ALWAYS, None, None, {}),
        (ALWAYS, "", "", {}),
        (ALWAYS, "old", "old", {}),
        (IF_EMPTY, "new", None, {"7": "new"}),
        (IF_EMPTY, "new", "", {"7": "new"}),
        (IF_EMPTY, "new", "old", {}),
        (IF_EMPTY, None, "old", {}),
        (NEVER_CLEAR, "new", "old", {"7": "new"}),
        (NEVER_CLEAR, None, "old", {}),
        (NEVER_CLEAR, "", "old", {}),
    ],
)
def test_policies(policy: str, value: Any, before: Any, result: dict[str, Any]) -> None:
    assert written(policy, value, before) == result


@pytest.mark.parametrize("before", ["3", "3.0", "3.00", 3, 3.0])
@pytest.mark.parametrize("kind", [DECIMAL, INTEGER])
def test_a_number_that_is_only_written_otherwise_is_not_written_again(kind: int, before: Any) -> None:
    """Otherwise every sync would update every learner with a decimal field, for ever."""
    assert written(ALWAYS, "3", before, kind, "number") == {}
    assert written(ALWAYS, "4", before, kind, "number") == {"7": 4}


def test_a_number_replaces_what_is_none() -> None:
    assert written(ALWAYS, "3", "n/a", INTEGER, "number") == {"7": 3}
    assert written(ALWAYS, "0", None, INTEGER, "number") == {"7": 0}


def test_what_cannot_be_converted_is_left_alone_with_a_warning_that_quotes_no_value() -> None:
    mappings = [
        field(INTEGER, "number", property_label="Seats", definition_label="Licences"),
        field(STRING, property="q", definition_id=8),
    ]
    made = custom_data(
        mappings, {"p": "ann@acme.example", "q": "fine"}, [{"definition_id": 7, "value": "3"}], "UTC"
    )
    assert made.values == {"8": "fine"}
    assert made.warnings == ["Seats is not a number; Licences was left as it is."]


@pytest.mark.parametrize(
    "current", [None, [], {}, [None], ["x"], [{}], [{"definition_id": "7", "value": "old"}]]
)
def test_learnupons_list_may_have_any_shape(current: Any) -> None:
    made = custom_data([field(STRING, policy=ALWAYS)], {"p": "new"}, current, "UTC")
    assert made.values == {"7": "new"}


VALUES = (
    st.none()
    | st.text(st.characters(codec="utf-8"), max_size=20)
    | st.sampled_from(["3", "3.0", "2026-01-02", "true"])
)


@given(
    rows=st.lists(
        st.tuples(st.sampled_from([(kind, type) for type in FITS for kind in FITS[type]]), st.sampled_from(list(PropertyMapping.Policy)),
                  VALUES, VALUES | st.integers() | st.floats(allow_nan=False, allow_infinity=False)),
        max_size=5,
    )
)  # fmt: skip
def test_what_was_written_is_not_written_again(rows: list[Any]) -> None:
    """Otherwise every comparison would update the learner, for ever. Whatever was there before, in any order."""
    mappings = [
        field(kind, type, property=f"p{n}", definition_id=n, policy=policy, choices=["3", "x"])
        for n, ((kind, type), policy, _, _) in enumerate(rows)
    ]
    properties = {f"p{n}": value for n, (_, _, value, _) in enumerate(rows)}
    before = [{"definition_id": n, "value": there} for n, (_, _, _, there) in enumerate(rows)]
    first = custom_data(mappings, properties, before, "UTC")
    after = [row | {"value": first.values.get(str(row["definition_id"]), row["value"])} for row in before]
    second = custom_data(list(reversed(mappings)), properties, after, "UTC")
    assert second.values == {}
    assert sorted(second.warnings) == sorted(first.warnings)
