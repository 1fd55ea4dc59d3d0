"""No tenant reaches another: every address with a number in it, and every task, tried with the other's numbers."""

import hashlib
import hmac
import inspect
import time
from typing import Any

import orjson
import pytest
from celery import current_app
from django.apps import apps
from django.conf import settings
from django.db import models
from django.test import Client

from gdpr import erasure
from hubsync.flows import ACTIONS, CARDS, FLOWS
from learners import enrollments, reviewing, walks
from learners.models import Enrollment, Learner, Walk
from learners.reviewing import Side
from learners.reviewitem import ReviewItem
from portals.lanes import Lane
from portals.models import HubSpotAccount, Portal
from sandbox.hubspot import signing
from tests.conftest import signed_in
from tests.flows.stage import ACME, GLOBEX, Stage
from tests.flows.test_push import linked, seen
from tests.security.routes import addresses, patterns
from tests.test_docs import OWN_APPS
from webhooks.models import Delivery
from webhooks.options import FIELDS

# Every address that is not walked with another tenant's numbers below, and why. A new one is missing here at first.
OTHERWISE = {
    "/": "nobody's", "/install/": "nobody's", "/api/schema/": "nobody's",
    "/oauth/hubspot/start": "before signing in", "/oauth/hubspot/callback": "signs in",
    "/signout/": "one's own session", "/portals/": "one's own, below", "/portals/connect/": "one's own, below",
    "/portals/disconnect": "one's own, below", "/portals/recipients": "one's own, below",
    "/portals/try-hubspot": "one's own, tests/portals/test_pages_trouble.py",
    "/unsubscribe/<int:account_id>/<str:token>": "the address proves the right, tests/security/test_secrets.py",
    "/notices/<int:account_id>/<slug:cause>/<str:token>": "the address proves the right, tests/security/test_secrets.py",
    "/webhooks/hubspot/actions/<slug:action>": "signed, below", "/webhooks/hubspot/options/<slug:field>": "signed, below",
    "/webhooks/hubspot/cards/<slug:card>": "signed, below", "/webhooks/hubspot/events": "signed, below",
    "/webhooks/learnupon/<uuid:webhook_id>": "signed, below", "/webhooks/": "answers 404",
}  # fmt: skip
SENT = {"confirm": "yes", "ids": "1", "record_id": "1", "record_type": "contact"}
METHODS = ("get", "post", "put", "patch", "delete", "head", "options")


def numbered() -> list[str]:
    """Every address of a person's pages that names a row."""
    return [
        path.removeprefix("/")
        for path, _ in patterns()
        if path not in OTHERWISE and not path.startswith("/admin/")
    ]


def test_every_address_is_walked_or_said_why_not() -> None:
    paths = {path for path, _ in patterns()}
    assert len(numbered()) > 30
    assert [path for path in numbered() if "<int:portal_id>" not in path] == []
    assert set(OTHERWISE) <= paths


@pytest.fixture
def furnished(stage: Stage) -> Stage:
    """Both tenants with one of everything."""
    for email, portal in (
        ("amara.abara@northwind.example", "acme"),
        ("hank.scorpio@globex.example", "globex"),
    ):
        learner = linked(stage, email, portal)
        enrollments.take(learner.portal, [seen(1)])
        walks.pause(walks.start(learner.portal))
        erasure.request(learner.account, "contact", "31337", "admin")
        first, second = (
            Side(learner.record_id, int(learner.learnupon_user_id or 0) + more) for more in (0, 1)
        )
        reviewing.ask(learner.portal, ReviewItem.Kind.CONFLICT, first, second)
        Delivery.objects.create(
            account=learner.account, portal=learner.portal, kind="hubspot.action.user-add", lane=Lane.ACTIONS,
            key=f"k-{portal}", record_type="contact", record_id=learner.record_id, state="failed", body={},
        )  # fmt: skip
    stage.work()
    return stage


def address(path: str, portal: Portal) -> str:
    """A route with the numbers of this portal's rows."""
    account = portal.account
    rows: dict[str, Any] = {
        "portal_id": portal.pk,
        "learner_id": Learner.objects.get(portal=portal).pk,
        "item_id": portal.reviews.latest("pk").pk,
        "walk_id": portal.walks.latest("pk").pk,
        "what": "cancel",
        "erasure_id": account.erasures.latest("pk").pk,
        "delivery_id": Delivery.objects.filter(account=account).latest("pk").pk,
        "action": "cancel",
    }
    parts = []
    for part in path.split("/"):
        if "<" not in part:
            parts.append(part)
            continue
        start, _, rest = part.partition("<")
        name, _, end = rest.partition(">")
        parts.append(f"{start}{rows.get(name.split(':')[-1], 1)}{end}")
    return "/" + "/".join(parts)


# Rows that belong to an account by its HubSpot number.
BY_HUB_ID = {"HubSpotAccount", "PortalNumber", "Tombstone"}
# Rows that are about no account at all.
NOBODYS = {"Heartbeat"}
ROADS = ("account", "portal__account", "erasure__account")


def road(model: type[models.Model]) -> str:
    """How a row is found to be an account's. A new model that has no such way is missing here at first."""
    names = {field.name for field in model._meta.concrete_fields}
    return next(way for way in ROADS if way.partition("__")[0] in names)


def everything(account: HubSpotAccount) -> list[tuple[str, dict[str, Any]]]:
    """All rows of an account, to see whether anything changed."""
    found: list[tuple[str, dict[str, Any]]] = []
    for model in [model for app in OWN_APPS for model in apps.get_app_config(app).get_models()]:
        if model.__name__ in NOBODYS:
            continue
        way = {"hub_id": account.hub_id} if model.__name__ in BY_HUB_ID else {road(model): account}
        rows = model._default_manager.filter(**way).order_by("pk").values()
        found += [(model.__name__, row) for row in rows]
    return found


def test_every_page_with_another_tenant_s_numbers_is_not_found(furnished: Stage) -> None:
    mine, theirs = furnished.accounts[GLOBEX], furnished.portals["acme"]
    own = furnished.portals["globex"]
    browser: Client = signed_in(mine)
    before = everything(theirs.account)
    for path in numbered():
        foreign = address(path, theirs)
        # Their numbers throughout, and my portal with the number of something of theirs.
        mixed = foreign.replace(f"/portals/{theirs.pk}/", f"/portals/{own.pk}/")
        for target in {foreign, mixed} if path.count("<") > 1 else {foreign}:
            for method in METHODS:
                answer = getattr(browser, method)(target, SENT)
                assert answer.status_code in (404, 405), (method, target, answer.status_code)
    assert everything(theirs.account) == before


def test_the_same_pages_open_for_their_own_tenant(furnished: Stage) -> None:
    """Otherwise the test above would prove nothing."""
    browser = signed_in(furnished.accounts[ACME])
    portal = furnished.portals["acme"]
    staff = "portals/<int:portal_id>/learners/users"  # there only where users stand for the people
    answers = {path: browser.get(address(path, portal)).status_code for path in numbered() if path != staff}
    assert 200 in answers.values()
    assert {path for path, status in answers.items() if status not in (200, 302, 405)} == set()


def test_the_admin_site_opens_to_no_tenant(furnished: Stage) -> None:
    browser, tried = signed_in(furnished.accounts[GLOBEX]), 0
    for path, _ in addresses():
        if path.startswith("/admin/") and path != "/admin/login/":
            for method in METHODS:
                answer = getattr(browser, method)(path)
                assert answer.status_code in (302, 404, 405), (method, path, answer.status_code)
                assert answer.headers.get("Location", "/admin/").startswith("/admin/"), path
            tried += 1
    assert tried > 5


# --- what HubSpot asks on an account's behalf -------------------------------------------------------------
def as_hubspot(stage: Stage, method: str, path: str, body: Any = None) -> Any:
    """Signed for globex, whatever it names."""
    content = orjson.dumps(body) if body is not None else b""
    headers = signing.v3(
        settings.HUBSPOT_CLIENT_SECRETS[0], method, stage.url + path, content, int(time.time() * 1000)
    )
    answer = stage.http.request(method, stage.url + path, data=content, headers=headers, timeout=30)
    assert answer.status_code in (200, 400, 404), (method, path, answer.text)
    return answer


def test_no_card_and_no_settings_page_shows_or_changes_another_s(furnished: Stage) -> None:
    theirs = furnished.portals["acme"]
    person = Learner.objects.get(portal=theirs)
    before = everything(theirs.account)
    for name in CARDS:
        method, card = name.split()
        query = f"portalId={GLOBEX}&userEmail=a%40globex.example&contactId={person.record_id}"
        body = {"contactId": person.record_id, "portal": theirs.pk} if method == "POST" else None
        said = as_hubspot(furnished, method, f"/webhooks/hubspot/cards/{card}?{query}", body).text
        for private in ("acme", person.email, person.first_name, theirs.webhook_url):
            assert not private or private not in said.replace("acme-help", ""), (name, private)
    assert everything(theirs.account) == before


@pytest.mark.parametrize("named", ["acme", "acme-partners", " ACME "])
def test_no_action_works_at_another_s_portal(furnished: Stage, named: str) -> None:
    theirs = furnished.portals["acme"]
    before, users = everything(theirs.account), furnished.world("learnupon_users")
    for number, action in enumerate(ACTIONS):
        body = {
            "callbackId": f"foreign-{number}", "origin": {"portalId": GLOBEX}, "object": {"objectId": 100, "objectType": "CONTACT"},
            "inputFields": {"portal": named, "course": "1", "group": "1", "access": "disable"},
        }  # fmt: skip
        answer = as_hubspot(furnished, "POST", f"/webhooks/hubspot/actions/{action}", body).json()
        assert answer["outputFields"]["outcome"] == "portal_not_connected", action
    furnished.work()
    assert everything(theirs.account) == before
    assert furnished.world("learnupon_users") == users


def test_no_drop_down_lists_another_s(furnished: Stage) -> None:
    named = {"portal": {"value": "acme"}, "course": {"value": "1"}}
    for field in FIELDS:
        body = {"origin": {"portalId": GLOBEX}, "inputFields": named, "fetchOptions": {"q": ""}}
        said = as_hubspot(furnished, "POST", f"/webhooks/hubspot/options/{field}", body).json()
        values = {option["value"] for option in said["options"]}
        assert values <= {"globex"}, (field, values)


def test_no_event_of_one_account_reaches_another_s_people(furnished: Stage) -> None:
    """The same record number stands for different people in two accounts."""
    theirs = furnished.portals["acme"]
    person = Learner.objects.get(portal=theirs)
    before = everything(theirs.account)
    kinds = [kind.removeprefix("hubspot.") for kind in FLOWS if kind.startswith("hubspot.contact.")]
    events = [
        {"eventId": n, "subscriptionId": 1, "portalId": GLOBEX, "objectId": int(person.record_id), "occurredAt": 1_790_000_000_000,
         "subscriptionType": kind, "propertyName": "email", "propertyValue": "x@y.example", "primaryObjectId": int(person.record_id),
         "mergedObjectIds": [int(person.record_id)], "newObjectId": 1}
        for n, kind in enumerate(kinds)
    ]  # fmt: skip
    assert as_hubspot(furnished, "POST", "/webhooks/hubspot/events", events).status_code == 200
    furnished.work()
    assert everything(theirs.account) == before


def test_no_portal_s_secret_signs_for_another_and_no_event_touches_another_s_people(furnished: Stage) -> None:
    theirs, own = furnished.portals["acme"], furnished.portals["globex"]
    person = Learner.objects.get(portal=theirs)
    before = everything(theirs.account)
    body = orjson.dumps({"data": [{"enrollmentId": 1, "user": {"userId": person.learnupon_user_id},
                                   "eventCreated": "2027-01-01T00:00:00Z", "courseId": 1, "status": "completed"}]})  # fmt: skip
    signed = hmac.new(own.webhook_secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "X-Webhook-Type": "course_completion",
        "X-Webhook-Signature": signed,
        "Content-Type": "application/json",
    }
    for portal, status in ((theirs, 401), (own, 200)):
        address = f"{furnished.url}/webhooks/learnupon/{portal.webhook_id}"
        assert furnished.http.post(address, data=body, headers=headers, timeout=30).status_code == status
    furnished.work()
    assert everything(theirs.account) == before


# --- pages and tasks ---------------------------------------------------------------------------------------
def test_pages_without_a_number_show_only_one_s_own(furnished: Stage) -> None:
    browser = signed_in(furnished.accounts[GLOBEX])
    for path in ("/portals/", "/portals/connect/", "/portals/recipients"):
        page = browser.get(path).content.decode()
        assert "globex" in page or path != "/portals/"
        words = page.replace("For example acme, or acme.learnuponau.com", "").replace("acme-help", "")
        assert "acme" not in words, path


def test_leaving_ends_only_one_s_own(furnished: Stage) -> None:
    before = everything(furnished.accounts[ACME])
    answer = signed_in(furnished.accounts[GLOBEX]).post("/portals/disconnect", {"confirm": "yes"})
    assert answer.status_code == 302
    assert not HubSpotAccount.objects.get(hub_id=GLOBEX).connected
    assert everything(furnished.accounts[ACME]) == before


def test_nobody_signed_in_sees_nothing(furnished: Stage) -> None:
    for path in numbered():
        answer = Client().get(address(path, furnished.portals["acme"]))
        assert answer.status_code in (302, 405), path
        if answer.status_code == 302:
            assert "/install/" in answer["Location"]


# Tasks that take a number and need none: whoever is waked sends what is due of all.
FOR_EVERYBODY = {"learners.welcome"}


def test_every_task_touches_only_the_account_it_was_given(furnished: Stage) -> None:
    """Each task that takes a number, run with one tenant's: the other's rows and worlds stay as they were."""
    Enrollment.objects.update(due_at="2020-01-01T00:00:00Z")
    theirs, pushed = everything(furnished.accounts[GLOBEX]), furnished.records(GLOBEX)
    account, portal = furnished.accounts[ACME], furnished.portals["acme"]
    walk = Walk.objects.get(portal=portal)
    subjects = {"account_id": account.pk, "portal_id": portal.pk, "walk_id": walk.pk, "lane": Lane.LIVE}
    tried = []
    for name, task in sorted(current_app.tasks.items()):
        wanted = list(inspect.signature(task.run).parameters)
        if name.startswith("celery.") or not wanted or name in FOR_EVERYBODY:
            continue
        unknown = set(wanted) - set(subjects)
        assert not unknown, f"{name} takes {unknown}: say here whose it is"
        task.run(*[subjects[one] for one in wanted])
        tried.append(name)
    assert len(tried) >= 5
    assert everything(furnished.accounts[GLOBEX]) == theirs
    assert furnished.records(GLOBEX) == pushed
    assert len(furnished.records(ACME)) == 1
