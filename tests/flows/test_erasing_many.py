"""Many people erased at once, or one with very many records: a slice of time at a time, and no death is repeated for
ever."""

import pytest
from django.db.models.functions import Now
from pytest_django import Settings

from gdpr import erasure, steps
from gdpr.models import Erasure, ErasureStep
from learners import app_objects, enrollments
from learners.models import Learner
from tests.flows.stage import ACME, Stage
from tests.flows.test_erasure import blanked
from tests.flows.test_interrupted import database_gone_at
from tests.flows.test_push import linked, seen
from tests.flows.test_record_field import record_definition

AMARA, BJORN = "amara.abara@northwind.example", "bjorn.bergstrom@contoso.example"


def two_people(stage: Stage) -> list[Learner]:
    people = [linked(stage, AMARA, user_id=777), linked(stage, BJORN, user_id=778)]
    enrollments.take(people[0].portal, [seen(1), seen(2, user=778)])
    stage.work()
    return people


def erase(*people: Learner) -> None:
    for learner in people:
        erasure.request(learner.account, "contact", learner.record_id, Erasure.Source.ADMIN)


def updates(stage: Stage) -> int:
    return len(stage.calls_to("hubspot", "/batch/update"))


def reads(stage: Stage) -> int:
    return len(stage.calls_to("hubspot", "/batch/read"))


def left() -> int:
    return ErasureStep.objects.filter(done_at=None, due_at__lte=Now()).count()


def worked_up(stage: Stage) -> bool:
    """Also what had to wait for HubSpot's budget."""
    stage.work()
    return not ErasureStep.objects.filter(done_at=None).exists()


def test_the_records_of_two_people_go_together(stage: Stage) -> None:
    erase(*(people := two_people(stage)))
    steps.run(people[0].account)
    assert (updates(stage), left(), stage.records()) == (1, 0, [])


def test_what_a_worker_died_with_is_taken_alone(stage: Stage) -> None:
    """Would catch: a hundred people who are too much for a task's time, taken together again every two minutes."""
    erase(*(people := two_people(stage)))
    ErasureStep.objects.filter(kind="again").delete()
    before = reads(stage)
    with database_gone_at("gdpr_erasure"):  # after HubSpot's part
        steps.run(people[0].account)
    together = reads(stage) - before
    ErasureStep.objects.update(due_at=Now())
    steps.run(people[0].account)
    assert (reads(stage) - before - together, left()) == (2 * together, 0)
    assert set(Erasure.objects.values_list("state", flat=True)) == {"done"}


def test_a_try_that_ends_is_no_death(stage: Stage) -> None:
    erase(*(people := two_people(stage)))
    for _ in range(2):
        stage.fault("hubspot", "/batch/update", "status", status=503)
        steps.run(people[0].account)
        ErasureStep.objects.filter(kind="blank").update(due_at=Now())
    before = updates(stage)
    steps.run(people[0].account)
    assert (updates(stage) - before, stage.records()) == (1, [])


def test_more_records_than_a_slice_has_time_for_go_in_several(
    stage: Stage, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Would catch: a worker that is stopped in the middle, every time at the same place."""
    learner = linked(stage)
    enrollments.take(learner.portal, [seen(number) for number in range(1, 6)])
    stage.work()
    erase(learner)
    monkeypatch.setattr(app_objects, "BATCH", 2)
    slice_seconds, settings.SLICE_SECONDS = settings.SLICE_SECONDS, 0
    steps.run(learner.account)
    assert len(stage.records()) == 3
    settings.SLICE_SECONDS = slice_seconds  # with none, nobody waits for HubSpot's budget of a second
    stage.later(days=1)
    stage.wait(lambda: worked_up(stage))
    assert stage.records() == []
    assert blanked(stage.records(archived=True))
    assert not ErasureStep.objects.exclude(attempts=0).exists()
    assert Erasure.objects.get().state == "done"


def test_record_ids_at_learnupon_are_cleared_a_slice_at_a_time(stage: Stage, settings: Settings) -> None:
    portal = stage.portals["acme"]
    portal.record_field = record_definition(stage)
    portal.save()
    stage.add(stage.contact(AMARA), stage.contact(BJORN))
    erase(*Learner.objects.all())
    slice_seconds, settings.SLICE_SECONDS = settings.SLICE_SECONDS, 0
    clear = ErasureStep.objects.filter(kind="clear", due_at__lte=Now())
    assert clear.count() == 2
    steps.run(stage.accounts[ACME])
    (waits,) = clear.filter(done_at=None)
    assert waits.claim == 0
    settings.SLICE_SECONDS = slice_seconds
    stage.later(days=1)
    assert set(Erasure.objects.values_list("state", flat=True)) == {"done"}
