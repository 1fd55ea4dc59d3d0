"""What can be mapped, read live from both worlds of the sandbox, and that nothing else can be saved."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from portals import mapping
from portals.clients.errors import VendorError
from portals.conversion import DATE, DECIMAL, DECIMAL_CHOICE, INTEGER, INTEGER_CHOICE, STRING, STRING_CHOICE
from portals.mapping import FITS, Field, MappingError, Offer, Property, compatible, read_choices
from portals.models import HubSpotAccount, Portal, PropertyMapping
from tests.portals.vendors import Vendors

ALL_TYPES = {STRING, DECIMAL, INTEGER, STRING_CHOICE, DECIMAL_CHOICE, INTEGER_CHOICE, DATE}
OFFER = Offer(
    [
        Property("company", "Company", "string"),
        Property("seats", "Seats", "number"),
        Property("since", "Since", "date"),
    ],
    [Field(7, "Firm", STRING), Field(8, "Licences", INTEGER), Field(9, "Joined", DATE)],
)


# --- the table ------------------------------------------------------------------------------------------
def test_every_type_of_learnupon_can_be_filled_by_something() -> None:
    assert {kind for kinds in FITS.values() for kind in kinds} == ALL_TYPES


@pytest.mark.parametrize(
    ("type", "kind", "fits"),
    [
        ("string", STRING, True),
        ("string", DATE, False),
        ("string", INTEGER, False),
        ("number", INTEGER, True),
        ("number", DATE, False),
        ("date", DATE, True),
        ("datetime", DATE, True),
        ("date", INTEGER, False),
        ("enumeration", STRING_CHOICE, True),
        ("enumeration", DATE, False),
        ("bool", STRING_CHOICE, True),
        ("bool", INTEGER, False),
        ("json", STRING, False),
        ("object_coordinates", STRING, False),
        ("string", 8, False),
    ],
)
def test_pairs(type: str, kind: int, fits: bool) -> None:
    why_not = compatible(Property("p", "My property", type), Field(1, "My field", kind))
    assert (why_not is None) is fits
    if why_not:
        assert "My property" in why_not
        assert "My field" in why_not


# --- read live ------------------------------------------------------------------------------------------
def test_both_sides_are_read_live(vendors: Vendors, installed: HubSpotAccount, acme_portal: Portal) -> None:
    offered = mapping.offer(acme_portal)
    kinds = {field.label: field.type_id for field in offered.fields}
    assert kinds == {
        "Department": STRING, "Country": STRING_CHOICE, "Start date": DATE, "Employee number": INTEGER, "Score": DECIMAL,
        "Level": INTEGER_CHOICE, "Rate": DECIMAL_CHOICE, "HubSpot record": STRING,
    }  # fmt: skip
    country = next(field for field in offered.fields if field.label == "Country")
    assert "Ireland" in country.choices
    email = offered.property("email")
    assert email is not None
    assert all(item.type in FITS for item in offered.properties)
    assert [item.label.casefold() for item in offered.properties] == sorted(
        p.label.casefold() for p in offered.properties
    )


def test_the_properties_are_those_of_the_portals_record_type(
    vendors: Vendors, installed: HubSpotAccount, acme_portal: Portal
) -> None:
    acme_portal.record_type = "user"
    offered = mapping.offer(acme_portal)
    assert offered.property("hs_email") is not None
    assert offered.property("lifecyclestage") is None


@pytest.mark.parametrize("service", ["hubspot", "learnupon"])
def test_a_side_that_cannot_be_read_is_one_of_our_errors(
    vendors: Vendors, installed: HubSpotAccount, acme_portal: Portal, service: str
) -> None:
    vendors.control(
        "POST", "faults", {"service": service, "path": "properties|customuserdata", "kind": "status"}
    )
    with pytest.raises(VendorError):
        mapping.offer(acme_portal)


def test_every_pair_the_sandbox_offers_can_be_saved(
    vendors: Vendors, installed: HubSpotAccount, acme_portal: Portal
) -> None:
    offered = mapping.offer(acme_portal)
    rows = [
        (
            next(p.name for p in offered.properties if compatible(p, field) is None),
            field.definition_id,
            "always",
        )
        for field in offered.fields
    ]
    mapping.save(acme_portal, rows, offered)
    assert acme_portal.mappings.count() == len(offered.fields)


# --- saving ---------------------------------------------------------------------------------------------
def saved(portal: Portal) -> list[tuple[str, int, str]]:
    return list(portal.mappings.values_list("property", "definition_id", "policy"))


def test_saving_keeps_the_order_and_what_conversion_needs(acme_portal: Portal) -> None:
    offered = Offer(
        [Property("tier", "Tier", "enumeration", [("g", "Gold")])],
        [Field(7, "Level", STRING_CHOICE, ["Gold", "Silver"])],
    )
    mapping.save(acme_portal, [("tier", 7, "never_clear")], offered)
    row = acme_portal.mappings.get()
    assert (row.options, row.choices, row.policy) == ([["g", "Gold"]], ["Gold", "Silver"], "never_clear")
    assert (row.property_type, row.definition_type) == ("enumeration", STRING_CHOICE)


@pytest.mark.parametrize(
    ("rows", "at"),
    [
        ([("company", 7, "always"), ("gone", 8, "always")], 1),
        ([("company", 7, "always"), ("seats", 99, "always")], 1),
        ([("company", 8, "always")], 0),
        ([("company", 7, "sometimes")], 0),
        ([("company", 7, "always"), ("seats", 7, "always")], 1),
    ],
)
def test_one_row_that_cannot_stand_saves_nothing(
    acme_portal: Portal, rows: list[tuple[str, int, str]], at: int
) -> None:
    mapping.save(acme_portal, [("since", 9, "always")], OFFER)
    with pytest.raises(MappingError) as caught:
        mapping.save(acme_portal, rows, OFFER)
    assert caught.value.row == at
    assert saved(acme_portal) == [("since", 9, "always")]


@pytest.mark.django_db(transaction=True)
def test_several_who_save_at_once_leave_one_mapping(acme_portal: Portal) -> None:
    """Pressing the button twice is enough: the second used to see an error page."""
    rows = [("company", 7, "always"), ("seats", 8, "always")]

    def save(_: int) -> None:
        try:
            mapping.save(Portal.objects.get(pk=acme_portal.pk), rows, OFFER)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(save, range(40)))
    assert saved(acme_portal) == rows


def test_saving_touches_one_portal_only(acme_portal: Portal, globex_portal: Portal) -> None:
    for portal in (acme_portal, globex_portal):
        mapping.save(portal, [("company", 7, "always")], OFFER)
    mapping.save(acme_portal, [], OFFER)
    assert saved(acme_portal) == []
    assert saved(globex_portal) == [("company", 7, "always")]
    assert PropertyMapping.objects.get().portal == globex_portal


# --- choices --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("raw", "choices"),
    [
        (None, []),
        ("", []),
        ([], []),
        (["a ", 1], ["a", "1"]),
        ("one", ["one"]),
        ("a\nb, c\r\n", ["a", "b, c"]),
        ("a; b;;", ["a", "b"]),
        ("a|b, c", ["a", "b, c"]),
        ("1.5,2", ["1.5", "2"]),
    ],
)
def test_choices_are_read_by_the_strongest_delimiter(raw: object, choices: list[str]) -> None:
    assert read_choices(raw) == choices


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n\r;|,"), min_size=1).filter(str.strip), min_size=2),
       st.sampled_from("\n;|,"))  # fmt: skip
def test_any_list_joined_by_any_delimiter_is_read_back(values: list[str], delimiter: str) -> None:
    assert read_choices(delimiter.join(values)) == [value.strip() for value in values]
