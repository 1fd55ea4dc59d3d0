"""Workflow runs that are worked after their contact was deleted."""

from learners.models import Learner
from tests.flows.stage import ACME, Stage

AMARA = "amara.abara@northwind.example"


def test_a_run_worked_after_its_contact_was_deleted_makes_nobody(stage: Stage) -> None:
    """The deletion was worked first and found no link to pause: a learner made now would stay active for ever."""
    contact = stage.contact(AMARA)
    (run,) = stage.run("user-add", contact)
    stage.hear()
    stage.control("POST", "delete", {"account": ACME, "contact_id": contact})
    stage.settle()
    for _ in range(4):
        stage.later(minutes=1)
    assert stage.outcome(stage.execution(run)) == "refused"
    assert not Learner.objects.exists()
    assert stage.user(AMARA) is None
    assert not [row for row in stage.deliveries() if row.state == "waiting"]


def test_a_run_whose_contact_was_restored_meanwhile_goes_on(stage: Stage) -> None:
    contact = stage.contact(AMARA)
    (run,) = stage.run("user-add", contact)
    stage.hear()
    stage.control("POST", "delete", {"account": ACME, "contact_id": contact})
    stage.settle()
    stage.control("POST", "restore", {"account": ACME, "contact_id": contact})
    stage.hear()
    for _ in range(4):
        stage.later(minutes=1)
    assert stage.outcome(stage.execution(run)) == "created"
    assert Learner.objects.get().state == "active"
