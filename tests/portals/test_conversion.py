"""HubSpot values on their way into LearnUpon's fields: what converts, to what, and what is refused in words."""

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portals.conversion import (
    DATE,
    DECIMAL,
    DECIMAL_CHOICE,
    INTEGER,
    INTEGER_CHOICE,
    STRING,
    STRING_CHOICE,
    Unconvertible,
    convert,
)
from portals.mapping import FITS
from portals.models import PropertyMapping

NEW_YORK, KIRITIMATI, DUBLIN = "America/New_York", "Pacific/Kiritimati", "Europe/Dublin"
ZONES = [NEW_YORK, KIRITIMATI, DUBLIN, "Asia/Kolkata", "UTC"]
OPTIONS = [["s", "Sales"], ["p", "Support & Success"], ["10", "Ten"]]


def field(kind: int, type: str = "string", **changes: Any) -> PropertyMapping:
    return PropertyMapping(**{
        "property": "p", "property_label": "P", "property_type": type, "definition_id": 7, "definition_label": "F",
        "definition_type": kind, **changes,
    })  # fmt: skip


def refused(value: str, mapping: PropertyMapping, zone: str = "UTC") -> str:
    with pytest.raises(Unconvertible) as caught:
        convert(value, mapping, zone)
    return str(caught.value)


# --- every pair -----------------------------------------------------------------------------------------
SAMPLES: dict[str, tuple[str, dict[int, Any]]] = {
    "string": ("Sales", {STRING: "Sales", STRING_CHOICE: "Sales"}),
    "phone_number": ("+353 1 234", {STRING: "+353 1 234"}),
    "enumeration": ("10", {STRING: "Ten", STRING_CHOICE: "Ten", DECIMAL_CHOICE: 10.0, INTEGER_CHOICE: 10}),
    "bool": ("true", {STRING: "Yes", STRING_CHOICE: "Yes"}),
    "number": ("10", {STRING: "10", DECIMAL: 10.0, INTEGER: 10, DECIMAL_CHOICE: 10.0, INTEGER_CHOICE: 10}),
    "date": ("2026-05-07", {STRING: "2026-05-07", DATE: "2026-05-07"}),
    "datetime": ("2026-05-07T03:00:00Z", {STRING: "2026-05-07T03:00:00Z", DATE: "2026-05-06"}),
}
CHOICES = {
    STRING_CHOICE: ["Sales", "Ten", "Yes", "No"],
    DECIMAL_CHOICE: ["1.5", "10.00"],
    INTEGER_CHOICE: ["1", "10"],
}


@pytest.mark.parametrize("type", FITS)
def test_every_pair_that_is_offered_converts(type: str) -> None:
    value, becomes = SAMPLES[type]
    assert set(becomes) == FITS[type]
    for kind, wanted in becomes.items():
        made = convert(value, field(kind, type, options=OPTIONS, choices=CHOICES.get(kind, [])), NEW_YORK)
        assert (made, made.__class__) == (wanted, wanted.__class__)


@given(
    value=st.text(max_size=40),
    type=st.sampled_from(list(FITS)),
    zone=st.sampled_from([*ZONES, "", "Mars/Olympus", "America", "../x"]),
)
def test_any_text_converts_or_is_refused_in_words(value: str, type: str, zone: str) -> None:
    for kind in FITS[type]:
        try:
            made = convert(value, field(kind, type, options=OPTIONS, choices=CHOICES.get(kind, [])), zone)
        except Unconvertible:
            continue
        assert isinstance(made, str | int | float)


def test_a_type_that_learnupon_adds_later_is_refused_not_guessed() -> None:
    assert "does not know" in refused("x", field(8))


# --- numbers --------------------------------------------------------------------------------------------
@given(number=st.decimals(min_value=-(10**15), max_value=10**15, allow_nan=False, places=4))
def test_decimals_keep_their_value(number: Decimal) -> None:
    assert convert(str(number), field(DECIMAL, "number"), "UTC") == float(number)


@given(number=st.integers(-(10**15), 10**15))
def test_whole_numbers_keep_every_digit(number: int) -> None:
    """Also beyond 2^53 divided by ten, and however HubSpot writes them."""
    for text in (str(number), f"{number}.0", f"{number}.00", f" {number} ", f"{number}e0"):
        made = convert(text, field(INTEGER, "number"), "UTC")
        assert (made, type(made)) == (number, int)


@pytest.mark.parametrize("value", ["1.5", "1e-3", "-0.1"])
def test_a_fraction_is_no_whole_number(value: str) -> None:
    assert "whole number" in refused(value, field(INTEGER, "number"))


@pytest.mark.parametrize(
    "value",
    ["", " ", "x", "1,5", "1_000", "1 000", "NaN", "sNaN", "Infinity", "-inf", "1e400", "1e999999999", "9" * 400, "0x10",
     "\u0661", "²", "--1", "1e", ".", "1" * 5000 + "x"],
)  # fmt: skip
@pytest.mark.parametrize("kind", [DECIMAL, INTEGER])
def test_what_is_no_number(value: str, kind: int) -> None:
    assert "number" in refused(value, field(kind, "number"))


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15))
def test_a_decimal_is_always_something_json_can_carry(number: float) -> None:
    made = convert(repr(number), field(DECIMAL, "number"), "UTC")
    assert isinstance(made, float)
    assert math.isfinite(made)


# --- days and instants ----------------------------------------------------------------------------------
days = st.dates(date(1900, 1, 1), date(2200, 12, 31))


@given(day=days, zone=st.sampled_from(ZONES))
def test_a_plain_date_is_the_same_day_everywhere(day: date, zone: str) -> None:
    """As text, and as the milliseconds of midnight UTC that HubSpot's webhooks carry."""
    milliseconds = (day - date(1970, 1, 1)).days * 86_400_000
    for text in (
        day.isoformat(),
        str(milliseconds),
        f"{day.isoformat()}T00:00:00Z",
        f"{day.isoformat()}T00:00:00.000Z",
    ):
        assert convert(text, field(DATE, "date"), zone) == day.isoformat()


@given(
    stamp=st.integers(-5_000_000_000_000, 7_000_000_000_000),
    zone=st.sampled_from(ZONES),
)
def test_an_instant_falls_on_the_accounts_day(stamp: int, zone: str) -> None:
    """Midnight UTC is an instant like any other: in New York it is still the day before."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=stamp)
    day = moment.astimezone(ZoneInfo(zone)).date().isoformat()
    for text in (moment.isoformat(), moment.isoformat().replace("+00:00", "Z"), str(stamp)):
        assert convert(text, field(DATE, "datetime"), zone) == day


@pytest.mark.parametrize(
    ("value", "zone", "day"),
    [
        (
            "2026-03-08T04:59:00Z",
            NEW_YORK,
            "2026-03-07",
        ),  # the night clocks go forward: UTC-5 before, UTC-4 after
        ("2026-03-08T05:00:00Z", NEW_YORK, "2026-03-08"),
        ("2026-03-09T03:59:00Z", NEW_YORK, "2026-03-08"),
        ("2026-03-09T04:00:00Z", NEW_YORK, "2026-03-09"),
        ("2026-11-01T03:59:00Z", NEW_YORK, "2026-10-31"),  # and back again
        ("2026-11-02T04:59:00Z", NEW_YORK, "2026-11-01"),
        ("2026-10-24T23:00:00Z", DUBLIN, "2026-10-25"),
        ("2026-10-25T23:00:00Z", DUBLIN, "2026-10-25"),
        ("2026-05-07T10:00:00Z", KIRITIMATI, "2026-05-08"),
        ("2026-05-07T10:00:00+02:00", "UTC", "2026-05-07"),
        ("2026-05-07T00:30:00+02:00", "UTC", "2026-05-06"),
        ("2026-05-07T00:30:00", "UTC", "2026-05-07"),
        ("2026-05-07", NEW_YORK, "2026-05-07"),
        ("0", "UTC", "1970-01-01"),
        ("-86400000", "UTC", "1969-12-31"),
        ("0001-01-01", NEW_YORK, "0001-01-01"),
        ("9999-12-31", KIRITIMATI, "9999-12-31"),
        ("2024-02-29", "UTC", "2024-02-29"),
    ],
)
def test_days_by_hand(value: str, zone: str, day: str) -> None:
    assert convert(value, field(DATE, "datetime"), zone) == day


@pytest.mark.parametrize(
    "value",
    ["", "soon", "2020-W01-1", "2020W011", "2020-1-1", "2026-02-29", "2026-13-01", "2026-00-10", "07/05/2026",
     "2020-W01-1T10:00:00", "2026-05-07T25:00:00Z", "2026-05-07T", "9999-12-31T23:59:59Z", "999999999999999",
     "\u0662020-01-01", "-99999999999999", "1e5", "1e10"],
)  # fmt: skip
def test_what_is_no_date(value: str) -> None:
    """ISO weeks and undashed days too: `fromisoformat` takes them since Python 3.11, HubSpot never writes them."""
    assert "is not a date" in refused(value, field(DATE, "datetime"), KIRITIMATI)


def test_digits_are_milliseconds_as_hubspot_means_them() -> None:
    assert convert("20200101", field(DATE, "datetime"), "UTC") == "1970-01-01"


def test_the_first_moment_of_all_does_not_fall_before_time() -> None:
    assert "is not a date" in refused("0001-01-01T00:00:00Z", field(DATE, "datetime"), NEW_YORK)


# --- choices --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("value", "choices", "chosen"),
    [
        ("s", ["Sales", "Other"], "Sales"),  # by the label people know
        ("p", ["x", "support & success "], "support & success "),  # in the portal's own spelling
        ("s", ["S", "x"], "S"),  # by the value HubSpot stores
        ("s", ["Sales", "s"], "s"),  # the value goes first, in whatever order the portal lists them
        ("s", ["s", "Sales"], "s"),
        ("unlisted", ["Unlisted"], "Unlisted"),
        ("STRASSE", ["Straße"], "Straße"),
    ],
)
def test_choices_are_found_by_value_and_by_label(value: str, choices: list[str], chosen: str) -> None:
    mapping = field(STRING_CHOICE, "enumeration", options=OPTIONS, choices=choices)
    assert convert(value, mapping, "UTC") == chosen


@pytest.mark.parametrize("value", ["q", "s;p", "", "Sale"])
def test_what_is_not_offered_is_refused_and_not_quoted(value: str) -> None:
    """Several chosen values do not fit into one choice."""
    said = refused(value, field(STRING_CHOICE, "enumeration", options=OPTIONS, choices=["Sales", "Support"]))
    assert said == "is not one of the values LearnUpon allows"


def test_a_field_without_choices_takes_nothing() -> None:
    refused("s", field(STRING_CHOICE, "enumeration", options=OPTIONS, choices=[]))


@pytest.mark.parametrize(
    ("kind", "value", "choices", "made"),
    [
        (DECIMAL_CHOICE, "1.50", ["1.5", "2"], 1.5),
        (DECIMAL_CHOICE, "2", ["1.5", "2.00"], 2.0),
        (INTEGER_CHOICE, "10", ["n/a", "10.0"], 10),
        (INTEGER_CHOICE, "010", ["10"], 10),
    ],
)
def test_number_choices_are_compared_as_numbers(
    kind: int, value: str, choices: list[str], made: float
) -> None:
    assert convert(value, field(kind, "number", choices=choices), "UTC") == made


@pytest.mark.parametrize(
    ("value", "text"),
    [("s", "Sales"), ("s;p", "Sales, Support & Success"), ("s;zz", "Sales, zz"), ("zz", "zz")],
)
def test_several_chosen_values_become_a_list_a_person_can_read(value: str, text: str) -> None:
    assert convert(value, field(STRING, "enumeration", options=OPTIONS), "UTC") == text


def test_a_text_with_semicolons_stays_a_text() -> None:
    assert convert("a;b", field(STRING), "UTC") == "a;b"


@pytest.mark.parametrize(
    ("value", "choices", "chosen"),
    [("true", ["No", "Yes"], "Yes"), ("false", ["No", "Yes"], "No"), ("true", ["TRUE", "FALSE"], "TRUE")],
)
def test_yes_and_no(value: str, choices: list[str], chosen: str) -> None:
    assert convert(value, field(STRING_CHOICE, "bool", choices=choices), "UTC") == chosen
