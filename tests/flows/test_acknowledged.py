"""The fault suite's own question, whether everything that was acknowledged stands here, asked of the running stage."""

from types import SimpleNamespace
from typing import cast

import pytest

from portals.models import Portal
from stack.chaos import recorded
from stack.chaos.facts import Checker, Facts
from tests.flows.stage import ACME, GLOBEX, Stage
from tests.flows.test_story import progress
from webhooks.models import Delivery

AMARA, HANK = "amara.abara@northwind.example", "hank.scorpio@globex.example"


def facts(stage: Stage) -> Facts:
    found = SimpleNamespace(
        acknowledged=stage.control("GET", "acknowledged")["requests"],
        deliveries=list(Delivery.objects.values()),
        portal_of_hook={str(portal.webhook_id): portal.pk for portal in Portal.objects.all()},
    )
    return cast(Facts, found)


@pytest.mark.parametrize(
    ("check", "lost"),
    [
        (recorded.events_recorded, "learnupon.course_completion"),
        (recorded.events_recorded, "hubspot.contact.propertyChange"),
        (recorded.runs_recorded, "hubspot.action.user-add"),
    ],
)
def test_a_delivery_that_vanished_is_missed(stage: Stage, check: Checker, lost: str) -> None:
    stage.control("POST", "deliveries", {"duplicate": 1.0})
    for email, account in ((AMARA, ACME), (HANK, GLOBEX)):
        contact = stage.contact(email, account)
        stage.add(contact, account=account)
        stage.control(
            "POST", "change", {"account": account, "contact_id": contact, "properties": {"lastname": "New"}}
        )
    progress(stage, AMARA, "passed")
    stage.settle()
    found = check(facts(stage))
    assert found.of >= 2
    assert found.wrong == []
    Delivery.objects.filter(kind=lost).order_by("pk")[:1].get().delete()
    assert len(check(facts(stage)).wrong) == 1
