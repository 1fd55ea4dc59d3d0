"""Everything our client can say to HubSpot: each method of each module that speaks to it, at least once."""

import json
from collections.abc import Callable

from django.test import Client

from gdpr.models import ErasureStep
from portals import oauth, tokens
from portals.clients.batches import Row
from portals.clients.errors import NotFound
from portals.clients.hubspot import CONTACTS, USERS, HubSpot
from portals.lanes import Lane
from portals.models import HubSpotAccount
from portals.schema import FULL_NAME, PREFIX
from tests.flows.stage import ACME, Stage
from tests.flows.worlds import WAIT

KEY = f"{PREFIX}enrollment_key"
AMARA, BJORN = "amara.abara@northwind.example", "bjorn.bergstrom@contoso.example"


def row(key: str, trace: str, status: str = "completed") -> Row:
    properties = {f"{PREFIX}status": status, f"{PREFIX}overdue": "false", f"{PREFIX}score_percent": ""}
    body = {"id": key, "idProperty": KEY, "objectWriteTraceId": trace, "properties": properties}
    return Row(trace, json.dumps(body))


def _blocked(stage: Stage, count: int) -> list[str]:
    """Workflow runs that wait for an answer, which these tests give by hand."""
    ids = [str(contact["id"]) for contact in stage.world("contacts", account=ACME)[:count]]
    return stage.run("user-add", *ids)


def details(stage: Stage, hubspot: HubSpot) -> None:
    assert hubspot.details()["portalId"] == ACME


def properties(stage: Stage, hubspot: HubSpot) -> None:
    assert len(hubspot.properties(CONTACTS)) > 5
    assert hubspot.properties(USERS)


def schema(stage: Stage, hubspot: HubSpot) -> None:
    assert hubspot.schema(FULL_NAME)["objectTypeId"].startswith("1-")


def owners(stage: Stage, hubspot: HubSpot) -> None:
    assert any(owner.get("userId") for owner in hubspot.owners())


def users(stage: Stage, hubspot: HubSpot) -> None:
    assert all("hs_email" in user["properties"] for user in hubspot.users(["hs_email", "hs_job_title"]))


def read(stage: Stage, hubspot: HubSpot) -> None:
    contact = stage.contact(BJORN)
    assert list(hubspot.read(CONTACTS, [contact, "1"], ["email", "country"])) == [contact]
    assert hubspot.read(FULL_NAME, ["1:404"], ["hs_object_id"], KEY) == {}


def archived(stage: Stage, hubspot: HubSpot) -> None:
    contact = stage.new_contact(email="deleted@x.example")
    stage.control("POST", "delete", {"account": ACME, "contact_id": contact})
    assert hubspot.archived(CONTACTS, [contact, stage.contact(BJORN)]) == {contact}


def upsert(stage: Stage, hubspot: HubSpot) -> None:
    """Two rows written, and one that names itself (207)."""
    rows = [row("1:1", "a"), row("1:2", "b"), row("1:3", "d", "no such")]
    batch = hubspot.upsert(FULL_NAME, rows)
    assert (set(batch.ids), set(batch.errors)) == ({"a", "b"}, {"d"})


def update(stage: Stage, hubspot: HubSpot) -> None:
    (record,) = hubspot.upsert(FULL_NAME, [row("1:1", "a")]).ids.values()
    blank = {"id": record, "properties": {f"{PREFIX}learner_email": ""}, "objectWriteTraceId": record}
    assert hubspot.update(FULL_NAME, [Row(record, json.dumps(blank))]).ids == {record: record}


def archive(stage: Stage, hubspot: HubSpot) -> None:
    (record,) = hubspot.upsert(FULL_NAME, [row("1:1", "a")]).ids.values()
    hubspot.archive(FULL_NAME, [record])


def associate(stage: Stage, hubspot: HubSpot) -> None:
    (record,) = hubspot.upsert(FULL_NAME, [row("1:1", "a")]).ids.values()
    hubspot.associate(FULL_NAME, CONTACTS, [(record, stage.contact(BJORN))])


def associated(stage: Stage, hubspot: HubSpot) -> None:
    """A contact with two records, one with none, and one that does not exist."""
    records = set(hubspot.upsert(FULL_NAME, [row("1:1", "a"), row("1:2", "b")]).ids.values())
    bjorn, alone = stage.contact(BJORN), stage.new_contact(email="alone@x.example")
    hubspot.associate(FULL_NAME, CONTACTS, [(record, bjorn) for record in sorted(records)])
    tied = hubspot.associated(CONTACTS, FULL_NAME, [bjorn, alone, "999999999"])
    assert {name: found for name, found in tied.items() if found} == {bjorn: records}


def complete(stage: Stage, hubspot: HubSpot) -> None:
    fields = {"outcome": "created", "learnupon_user_id": "7", "hs_execution_state": "SUCCESS"}
    hubspot.complete([(one, fields) for one in _blocked(stage, 2)])


def complete_one(stage: Stage, hubspot: HubSpot) -> None:
    (callback,) = _blocked(stage, 1)
    hubspot.complete_one(callback, {"outcome": "created", "hs_execution_state": "SUCCESS"})
    try:
        hubspot.complete_one("unknown-callback", {"hs_execution_state": "SUCCESS"})
    except NotFound:
        return
    raise AssertionError("an unknown callback was accepted")


def uninstall(stage: Stage, hubspot: HubSpot) -> None:
    hubspot.uninstall()


METHODS: dict[str, Callable[[Stage, HubSpot], None]] = {
    method.__name__: method
    for method in (
        details, properties, schema, owners, users, read, archived, upsert, update, archive, associate, associated, complete, complete_one,
        uninstall,
    )
}  # fmt: skip


def install(stage: Stage, account: HubSpotAccount) -> None:
    """An admin's browser: consent, the exchange with PKCE, introspection, and what an install looks up."""
    browser = Client(SERVER_NAME="127.0.0.1")
    consent = browser.get("/oauth/hubspot/start")
    agreed = stage.http.get(
        consent["Location"], params={"_account": str(ACME)}, allow_redirects=False, timeout=WAIT
    )
    back = agreed.headers["Location"].removeprefix(stage.url)
    assert browser.get(back).status_code == 302
    assert browser.session["account"] == account.pk


def refresh(stage: Stage, account: HubSpotAccount) -> None:
    tokens.expire(account)
    assert tokens.access_token(account)
    oauth.describe(account)


def learning(stage: Stage, account: HubSpotAccount) -> None:
    """Added by a workflow, progress pushed and tied, withdrawn again."""
    stage.add(stage.contact(AMARA))
    user = stage.user(AMARA)
    assert user is not None
    course = stage.world("courses", portal="acme")[0]["id"]
    enrolled = {"portal": "acme", "user_id": user["id"], "course_id": course}
    enrollment = stage.control("POST", "enroll", enrolled)["id"]
    moved = {"portal": "acme", "enrollment_id": enrollment, "status": "passed", "percentage": 87.5}
    stage.control("POST", "progress", moved)
    stage.settle()
    assert stage.records()


def forgetting(stage: Stage, account: HubSpotAccount) -> None:
    contact = stage.contact(AMARA)
    stage.control("POST", "gdpr-delete", {"account": ACME, "contact_id": contact})
    stage.settle()
    stage.later(hours=1)
    assert not stage.records()
    assert ErasureStep.objects.exists()
    assert not ErasureStep.objects.filter(done_at=None).exists()


STORIES: tuple[Callable[[Stage, HubSpotAccount], None], ...] = (install, refresh, learning, forgetting)


def hold(stage: Stage) -> None:
    """The whole conversation; the account is uninstalled at its end."""
    account = stage.accounts[ACME]
    for story in STORIES:
        story(stage, account)
        account.refresh_from_db()
    for method in METHODS.values():
        stage.fresh_limits()
        method(stage, HubSpot(account, Lane.ACTIONS))
