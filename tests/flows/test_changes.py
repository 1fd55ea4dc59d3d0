"""Many changes of HubSpot records at once: what they cost, and that the newest values win."""

from learners import changes
from learners.models import Learner
from tests.flows.stage import ACME, GLOBEX, Stage
from tests.flows.test_carrying import MARIA, YUKI, account_of
from tests.flows.test_training import linked
from webhooks.models import Delivery
from webhooks.results import Done

HANK = "hank.scorpio@globex.example"


def edit(stage: Stage, record: str, account: int = ACME, **properties: str) -> None:
    body = {"account": account, "contact_id": record, "properties": properties}
    stage.control("POST", "change", body)


def reads(stage: Stage, account: int) -> int:
    calls = stage.calls_to("hubspot", "/contacts/batch/read")
    return len([call for call in calls if call["account"] == account])


def claimed(stage: Stage) -> list[Delivery]:
    """What arrived, as a worker has it in hand who comes to it later."""
    stage.hear()
    rows = list(
        Delivery.objects.filter(kind="hubspot.contact.propertyChange", state="waiting").order_by("pk")
    )
    Delivery.objects.filter(pk__in=[row.pk for row in rows]).update(state="done")
    return rows


def test_a_change_of_many_records_is_read_together_and_written_once_each(stage: Stage) -> None:
    """Would catch: a call to HubSpot for each event, of which an import makes three a record."""
    records = [linked(stage), linked(stage, YUKI)]
    theirs = stage.contact(HANK, GLOBEX)
    stage.add(theirs, account=GLOBEX, inputs={"portal": "globex"})
    before, asked = reads(stage, ACME), len(stage.calls_to("learnupon", "/acme/api/v1/users/"))
    for record in records:
        edit(stage, record, firstname="New", lastname="Name", email=f"new{record}@acme.example")
    edit(stage, theirs, GLOBEX, lastname="Scorpion")
    stage.settle()
    assert reads(stage, ACME) - before == 1
    assert len(stage.calls_to("learnupon", "/acme/api/v1/users/")) - asked == 2 * len(
        records
    )  # seen and written
    for record in records:
        row = account_of(stage, record)
        assert (row["first_name"], row["last_name"]) == ("New", "Name")
        assert row["email"] == f"new{record}@acme.example"
    assert stage.user(HANK, "globex")["last_name"] == "Scorpion"  # type: ignore[index]
    ends = Delivery.objects.filter(account__hub_id=ACME, kind="hubspot.contact.propertyChange").order_by("pk")
    assert [row.outcome for row in ends].count("updated") == 2
    assert {row.reason for row in ends if row.outcome == "unchanged"} == {changes.OVERTAKEN.reason}


def test_what_was_read_before_a_later_event_is_not_written_after_it(stage: Stage) -> None:
    """Another worker took the later event up and was quicker."""
    maria, yuki = linked(stage), linked(stage, YUKI)
    edit(stage, maria, lastname="First")
    edit(stage, yuki, lastname="Old")
    flow = changes.property_changed(sorted(claimed(stage), key=lambda row: row.record_id != maria))
    next(flow)  # both are read now, and Maria's was written
    edit(stage, yuki, lastname="Newest")
    stage.settle()
    (_, result), *_ = flow
    assert result == changes.OVERTAKEN
    assert account_of(stage, maria)["last_name"] == "First"
    assert account_of(stage, yuki)["last_name"] == "Newest"


def test_an_event_that_comes_between_reading_and_writing_wins(stage: Stage) -> None:
    yuki = linked(stage, YUKI)
    edit(stage, yuki, lastname="Old")
    (event,) = claimed(stage)
    records = changes.Records([event])
    records.of(Learner.objects.get())
    edit(stage, yuki, lastname="Newest")
    stage.settle()
    assert changes._carry(event, Learner.objects.get(), records) == (False, [])
    assert account_of(stage, yuki)["last_name"] == "Newest"


def test_what_is_carried_over_already_costs_learnupon_nothing(stage: Stage) -> None:
    maria = linked(stage)
    edit(stage, maria, lastname="Garcia")
    stage.settle()
    before = len(stage.calls_to("learnupon", "/api/"))
    edit(stage, maria, lastname="Other")
    edit(stage, maria, lastname="Garcia")
    stage.settle()
    assert len(stage.calls_to("learnupon", "/api/")) == before
    assert account_of(stage, maria)["last_name"] == "Garcia"


def test_a_record_linked_during_the_slice_is_read_by_itself(stage: Stage) -> None:
    maria = stage.contact(MARIA)
    records = changes.Records([])
    stage.add(maria)
    edit(stage, maria, lastname="Garcia")
    (event,) = claimed(stage)
    assert isinstance(result := changes._changed(event, records), Done)
    assert result.outcome == "updated"


def test_hubspot_failing_puts_off_every_event_of_the_portal(stage: Stage) -> None:
    """Would catch: an error of one read that ends the events it was read for."""
    for record in (linked(stage), linked(stage, YUKI)):
        edit(stage, record, lastname="Later")
    stage.hear()
    stage.fault("hubspot", "/contacts/batch/read", "status", status=502, times=1)
    stage.work()
    assert not {row["last_name"] for row in stage.world("learnupon_users", portal="acme")} & {"Later"}
    for _ in range(3):
        stage.later(minutes=1)
    names = [row["last_name"] for row in stage.world("learnupon_users", portal="acme")]
    assert names.count("Later") == 2
