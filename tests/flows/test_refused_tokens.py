"""HubSpot refuses tokens that should live: that is its trouble, like a 5xx, until a renewal says that the grant is dead."""

import webhooks.tasks
from learners import walks
from learners.models import Walk
from portals.models import HubSpotAccount
from tests.flows.stage import ACME, Stage
from webhooks.models import Delivery

OBJECTS = "/crm/objects/"


def test_an_hour_of_refused_tokens_costs_no_workflow_step(stage: Stage) -> None:
    """Every sweep used to try it again at once, as if somebody had connected the account: in a minute it had failed."""
    contact = stage.new_contact(email="one@acme.example", firstname="One")
    stage.fault("hubspot", OBJECTS, "status", status=401, times=1000)
    (callback,) = stage.run("user-add", contact)
    for _ in range(30):
        webhooks.tasks.sweep()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.why) == (Delivery.State.WAITING, "")
    assert delivery.attempts <= 2
    assert HubSpotAccount.objects.get(hub_id=ACME).connected
    stage.mend()
    stage.later(hours=1)
    assert stage.outcome(stage.execution(callback)) == "created"


def test_a_grant_that_is_dead_is_found_by_the_next_call(stage: Stage) -> None:
    contact = stage.new_contact(email="one@acme.example", firstname="One")
    stage.run("user-add", contact)
    stage.control("POST", "uninstall", {"account": ACME})
    stage.later(minutes=1)
    stage.later(minutes=1)
    assert not HubSpotAccount.objects.get(hub_id=ACME).connected
    assert Delivery.objects.get().state == Delivery.State.WAITING


def test_one_refused_token_does_not_end_a_walk(stage: Stage) -> None:
    stage.fault("hubspot", OBJECTS, "status", status=401)
    walk = walks.start(stage.portals["acme"], Walk.Kind.LINK)
    stage.settle()
    stage.later(minutes=10)
    walk.refresh_from_db()
    assert walk.state == Walk.State.DONE
