"""Where the HubSpot record id is written at LearnUpon, and where it no longer belongs."""

from typing import Any

import pytest

from learners import people
from learners.models import Learner
from portals.models import Portal, PropertyMapping


def written(portal: Portal, *current: Any) -> dict[str, Any]:
    learner = Learner(account=portal.account, portal=portal, record_type="contact", record_id="55")
    return people.data_for(learner, people.person(portal, "55", {}), list(current)).values


def row(number: Any, value: Any) -> dict[str, Any]:
    return {"definition_id": number, "value": value}


@pytest.fixture
def portal(acme_portal: Portal, globex_portal: Portal) -> Portal:
    """Field 9 carries the record id; 7 did before, and 8 too, which a property fills by now."""
    for one in (acme_portal, globex_portal):
        one.record_field, one.former_record_fields = 9, [7, 8]
        one.save()
    PropertyMapping.objects.create(
        portal=acme_portal,
        position=1,
        property="company",
        property_type="string",
        definition_id=8,
        definition_type=1,
    )
    return acme_portal


@pytest.mark.parametrize("kind", [int, str])
def test_ids_of_fields_may_be_numbers_or_text(portal: Portal, kind: type) -> None:
    """Would catch: an id that is written every day, and one that stays in its former field for ever."""
    assert written(portal, row(kind(9), "55"), row(kind(7), 55), row(kind(8), "55")) == {"7": ""}


def test_what_is_not_the_record_s_own_id_stays(portal: Portal) -> None:
    assert written(portal, row(9, "55"), row(7, "their own words"), row(None, None), "odd") == {}
    assert written(portal) == {"9": "55"}
