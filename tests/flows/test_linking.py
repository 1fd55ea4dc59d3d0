"""Linking the accounts a portal has already, by e-mail, page by page."""

from collections.abc import Iterable

import pytest

import webhooks.tasks
from learners import walks
from learners.models import Enrollment, Learner, Walk
from portals import tombstones
from tests.conftest import signed_in
from tests.flows.stage import ACME, GLOBEX, Row, Stage
from tests.flows.test_provisioning import map_field
from tests.flows.test_training import act, course, enrollments
from tests.flows.test_walks import walk_on

MARIA, RUTH, YUKI = "maria.lopez@acme.example", "former.colleague@acme.example", "yuki.tanaka@acme.example"
LIAM, AMARA = "Liam.OBrien@acme.example", "amara.abara@northwind.example"
REPORTING = "Advanced reporting"


def link(stage: Stage, portal: str = "acme", *, preview: bool = False) -> Walk:
    """A whole link walk."""
    walk = walks.start(stage.portals[portal], Walk.Kind.LINK, preview=preview)
    stage.work()
    walk.refresh_from_db()
    return walk


def with_records(stage: Stage, emails: Iterable[str], account: int = ACME) -> dict[str, str]:
    """E-mail -> record, made where there is none."""
    known = {
        r["properties"].get("email", "").casefold(): str(r["id"])
        for r in stage.world("contacts", account=account)
    }
    missing = [email for email in emails if email.casefold() not in known]
    made = stage.control("POST", "contacts", {"account": account, "rows": [{"email": e} for e in missing]})[
        "ids"
    ]
    return known | dict(zip((e.casefold() for e in missing), map(str, made), strict=True))


def links() -> set[tuple[str, int | None, str]]:
    rows = Learner.objects.exclude(state="unlinked")
    return set(rows.values_list("record_id", "learnupon_user_id", "state"))


def bulk(stage: Stage, users: int, matched: int, portal: str = "acme") -> list[Row]:
    """Many accounts, of which the first ones have records with the same e-mail and name."""
    before = {row["id"] for row in stage.world("learnupon_users", portal=portal)}
    stage.control("POST", "seed-bulk", {"portal": portal, "users": users, "courses": 0, "enrollments": 0})
    made = [row for row in stage.world("learnupon_users", portal=portal) if row["id"] not in before]
    rows = [
        {"email": u["email"], "firstname": u["first_name"], "lastname": u["last_name"]}
        for u in made[:matched]
    ]
    stage.control("POST", "contacts", {"account": ACME, "rows": rows})
    return made


def test_a_preview_counts_and_writes_nothing(stage: Stage) -> None:
    records = with_records(stage, [MARIA, YUKI, RUTH])
    before = stage.world("learnupon_users", portal="acme")
    walk = link(stage, preview=True)
    assert (walk.state, walk.preview) == ("done", True)
    there = len(before)
    expected = {"accounts": there, "disabled": 1}
    assert expected.items() <= walk.counts.items()
    assert walk.counts["would_link"] == walk.rows_linked
    assert not Learner.objects.exists()
    assert stage.world("learnupon_users", portal="acme") == before
    assert {row["method"] for row in stage.calls_to("learnupon", "/api/")} == {"GET"}
    done = link(stage)
    made = done.counts.get("linked", 0) + done.counts.get("linked_and_updated", 0)
    assert made == walk.counts["would_link"] == Learner.objects.count()
    assert records[RUTH] not in {record for record, _, _ in links()}


def test_examples_of_a_preview_are_read_now_and_kept_nowhere(stage: Stage) -> None:
    with_records(stage, [MARIA, YUKI, RUTH])
    link(stage, preview=True)
    portal = stage.portals["acme"]
    page = signed_in(portal.account).get(f"/portals/{portal.pk}/backfill?examples")
    shown = page.content.decode()
    assert MARIA in shown
    assert RUTH not in shown  # her account is disabled
    assert not Learner.objects.exists()
    stage.control(
        "POST", "faults", {"service": "learnupon", "path": "/users", "kind": "status", "status": 503}
    )
    assert (
        b"Examples cannot be shown now"
        in signed_in(portal.account).get(page.request["PATH_INFO"] + "?examples").content
    )


def test_accounts_are_linked_with_their_data_and_nobody_is_mailed(stage: Stage) -> None:
    number = map_field(stage, "Department", "department")
    records = with_records(stage, [MARIA])
    stage.control(
        "POST",
        "change",
        {"account": ACME, "contact_id": records[MARIA], "properties": {"department": "Care"}},
    )
    stage.hear()
    walk = link(stage)
    maria = stage.user(MARIA)
    assert maria is not None
    learner = Learner.objects.get(record_id=records[MARIA])
    assert (learner.learnupon_user_id, learner.state, learner.email) == (maria["id"], "active", MARIA)
    assert {v["definition_id"]: v["value"] for v in maria["customDataFieldValues"]}[number] == "Care"
    assert walk.counts["linked_and_updated"] >= 1
    assert stage.world("mails") == []
    again = link(stage)
    assert again.counts["linked_before"] == Learner.objects.count()
    assert again.rows_linked == 0


def test_case_does_not_keep_an_account_from_its_record(stage: Stage) -> None:
    records = with_records(stage, ["liam.obrien@ACME.example"])
    link(stage)
    liam = stage.user(LIAM)
    assert liam is not None
    assert (records[LIAM.casefold()], liam["id"], "active") in links()
    assert liam["email"] == LIAM  # what they log in with stays


def test_somebody_erased_is_not_matched_again(stage: Stage) -> None:
    """Neither by e-mail, when HubSpot gave the address a new record, nor by record."""
    account = stage.accounts[ACME]
    records = with_records(stage, [MARIA, YUKI])
    tombstones.bury(account, "contact", "999999", {MARIA})
    tombstones.bury(account, "contact", records[YUKI], set())
    other = tombstones.email_is_erased(stage.accounts[GLOBEX], "contact", MARIA)
    walk = link(stage)
    assert walk.counts["erased"] == 2
    assert not {records[MARIA], records[YUKI]} & {record for record, _, _ in links()}
    assert not other


def test_a_record_with_another_account_is_a_conflict_and_stays_as_it_is(stage: Stage) -> None:
    records = with_records(stage, [MARIA])
    tara = stage.user("trainer@acme.example")
    assert tara is not None
    portal = stage.portals["acme"]
    Learner.objects.create(
        account=portal.account, portal=portal, record_type="contact", record_id=records[MARIA], state="active",
        learnupon_user_id=tara["id"], fingerprint="x",
    )  # fmt: skip
    assert link(stage, preview=True).counts["conflicts"] == 1
    walk = link(stage)
    assert walk.counts["conflicts"] == 1
    assert Learner.objects.get(record_id=records[MARIA]).learnupon_user_id == tara["id"]


def test_a_pending_invitee_with_an_account_becomes_linked_with_the_courses_that_waited(stage: Stage) -> None:
    record, wanted = stage.contact(AMARA), course(stage, REPORTING)
    stage.add(record, action="user-invite")
    act(stage, "enroll-in-course", record, course=wanted)
    stage.control("POST", "accept-invite", {"portal": "acme", "email": AMARA})
    stage.hear()
    Learner.objects.update(look_at=None)  # nobody has looked yet
    link(stage)
    amara = stage.user(AMARA)
    assert amara is not None
    assert (record, amara["id"], "active") in links()
    assert len(enrollments(stage, AMARA, wanted)) == 1
    assert Learner.objects.get(record_id=record).queued_courses == []


def test_users_of_hubspot_are_linked_to_a_user_portal(stage: Stage) -> None:
    stage.connect_users()
    emails = [row["properties"].get("hs_email") for row in stage.world("users", account=ACME)]
    email = next(email for email in emails if email)
    worlds = stage.worlds.sandbox.worlds.learnupon
    theirs = next(iter(worlds.portals["acme-partners"].users.values()))
    stage.worlds.do(setattr, theirs, "email", email)
    stage.worlds.do(worlds.portals["acme-partners"].by_email.update, {email.casefold(): theirs})
    walk = link(stage, "acme-partners")
    assert (walk.state, Learner.objects.count()) == ("done", 1)
    learner = Learner.objects.get()
    assert (learner.record_type, learner.learnupon_user_id) == ("user", theirs.id)


def test_the_other_account_s_people_are_not_matched(stage: Stage) -> None:
    """Globex has contacts with the e-mails of acme's accounts."""
    with_records(stage, [MARIA, YUKI], GLOBEX)
    link(stage)
    globex = {str(row["id"]) for row in stage.world("contacts", account=GLOBEX)}
    acme = {str(row["id"]) for row in stage.world("contacts", account=ACME)}
    linked = {record for record, _, _ in links()}
    assert linked <= acme
    assert not Learner.objects.filter(account=stage.accounts[GLOBEX]).exists()
    assert globex


@pytest.mark.parametrize(
    ("faulty", "path", "rate"), [("learnupon", "/users", 0.4), ("hubspot", "/batch/read", 0.2)]
)
def test_crashes_between_and_within_pages_end_in_the_same_links(
    stage: Stage, faulty: str, path: str, rate: float
) -> None:
    made = bulk(stage, 600, 40)
    walk = walks.start(stage.portals["acme"], Walk.Kind.LINK)
    stage.fault(faulty, path, "status", status=503, times=1000, rate=rate)
    for turn in range(60):
        stage.fresh_limits()
        if turn == 2:  # a worker died in the middle of a page: what it did is done again
            Walk.objects.filter(pk=walk.pk).update(page=1, counts={})
        walk_on(walk)
        walk.refresh_from_db()
        if walk.state != "running":
            break
    assert walk.state == "done"
    users = {user for _, user, _ in links()}
    assert {row["id"] for row in made[:40]} <= users
    assert not {row["id"] for row in made[40:]} & users
    assert len(links()) == Learner.objects.count()


def test_an_account_that_goes_away_during_the_walk_does_not_stop_it(stage: Stage) -> None:
    records = with_records(stage, [MARIA, YUKI])
    for email in (MARIA, YUKI):
        stage.control(
            "POST",
            "change",
            {"account": ACME, "contact_id": records[email], "properties": {"lastname": "New"}},
        )
    stage.hear()
    stage.fault("learnupon", r"/users/\d+$", "status", status=404, method="PUT", times=1)
    walk = link(stage)
    assert walk.state == "done"
    assert {records[MARIA], records[YUKI]} <= {record for record, _, _ in links()}


def test_a_person_s_wish_to_link_goes_before_the_regular_check(stage: Stage) -> None:
    poll = walks.start(stage.portals["acme"], Walk.Kind.POLL)
    walk = walks.start(stage.portals["acme"], Walk.Kind.LINK)
    poll.refresh_from_db()
    assert (poll.state, walk.kind) == ("cancelled", "link")
    # History asked for meanwhile does not take over the link walk's page number.
    Walk.objects.filter(pk=walk.pk).update(page=3)
    same = walks.start(stage.portals["acme"], Walk.Kind.HISTORY)
    same.refresh_from_db()
    assert (same.pk, same.kind) == (walk.pk, "link")


def test_linked_people_s_progress_comes_with_the_next_walk(stage: Stage) -> None:
    with_records(stage, [MARIA])
    link(stage)
    assert stage.calls_to("learnupon", "/enrollments/search") == []
    walks.start(stage.portals["acme"])
    stage.work()
    assert Enrollment.objects.filter(learner__email=MARIA).count() == 3


def test_an_account_under_a_secondary_address_is_linked_not_doubled_and_keeps_its_login(stage: Stage) -> None:
    record = stage.new_contact(
        email="maria.new@x.example",
        firstname="Maria",
        lastname="Lopez",
        hs_additional_emails=f"x@y.example;{MARIA}",
    )
    maria = stage.user(MARIA)
    assert maria is not None
    (told,) = stage.add(record)
    assert (told["state"], stage.outcome(told)) == ("completed", "already_exists")
    assert (record, maria["id"], "active") in links()
    assert stage.user("maria.new@x.example") is None
    stage.later(days=2)
    (told,) = stage.add(record, action="update-learner")
    assert stage.user(MARIA) == maria
    assert stage.mails("maria.new@x.example") == []


# --- what it costs ---------------------------------------------------------------------------------------
def test_linking_costs_what_the_list_has_pages(stage: Stage) -> None:
    """At full size (10,000 of 50,000) at most 120 requests: `python -m stack proofs cost`. Here 3,000 accounts."""
    bulk(stage, 3000, 200)
    walk = walks.start(stage.portals["acme"], Walk.Kind.LINK)
    for _ in range(20):
        stage.fresh_limits()  # HubSpot's budget is not what this is about
        walk_on(walk)
        walk.refresh_from_db()
        if walk.state == "done":
            break
    assert (walk.state, Learner.objects.filter(state="active").count()) == ("done", walk.rows_linked)
    assert walk.rows_linked >= 200
    assert len(stage.calls_to("learnupon", "/api/")) - data_updates(stage) <= 120 * 3000 // 50_000


def data_updates(stage: Stage) -> int:
    return len(stage.calls_to("learnupon", "/users/", "PUT"))


def test_adding_a_tenth_of_a_thousand(stage: Stage) -> None:
    people = [{"email": f"new{n}@x.example", "firstname": "New", "lastname": f"No {n}"} for n in range(100)]
    ids = stage.control("POST", "contacts", {"account": ACME, "rows": people})["ids"]
    stage.run("user-add", *map(str, ids))
    for _ in range(20):  # as many turns of a worker as it takes, however busy the machine
        stage.fresh_limits()
        webhooks.tasks.sweep()
    assert Learner.objects.filter(state="active").count() == 100
    assert len(stage.calls_to("learnupon", "/api/")) <= 105
