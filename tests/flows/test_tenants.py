"""No tenant reaches another: every address with a number in it, and every task, tried with the other's numbers."""

import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from celery import current_app
from django.db import models
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from gdpr import erasure
from learners import enrollments, walks
from learners.models import Enrollment, Learner, Walk
from portals.lanes import Lane
from portals.models import HubSpotAccount, Portal
from tests.conftest import signed_in
from tests.flows.stage import ACME, GLOBEX, Stage
from tests.flows.test_push import linked, seen
from webhooks.models import Delivery

PUBLIC = (
    "admin/",
    "webhooks/",
    "api/",
    "static/",
    "oauth/",
    "install",
    "notices/",
    "unsubscribe/",
)


def routes(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in resolver.url_patterns:
        path = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern, path)
        else:
            yield path, pattern


def numbered() -> list[str]:
    """Every address of ours that names a row."""
    found = [path for path, _ in routes(get_resolver()) if "<" in path and not path.startswith(PUBLIC)]
    assert len(found) > 15
    return found


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
        Delivery.objects.create(
            account=learner.account, portal=learner.portal, kind="hubspot.action.user-add", lane=Lane.ACTIONS,
            key=f"k-{portal}", record_type="contact", record_id=learner.record_id, state="failed", body={},
        )  # fmt: skip
    return stage


def address(path: str, portal: Portal) -> str:
    """A route with the numbers of this portal's rows."""
    account = portal.account
    rows: dict[str, Any] = {
        "portal_id": portal.pk,
        "learner_id": Learner.objects.get(portal=portal).pk,
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


def everything(account: HubSpotAccount) -> list[tuple[str, dict[str, Any]]]:
    """All rows of an account, to see whether anything changed."""
    found: list[tuple[str, dict[str, Any]]] = []
    kinds: list[type[models.Model]] = [Portal, Learner, Enrollment, Delivery, Walk]
    for model in kinds:
        found += [
            (model.__name__, row)
            for row in model._default_manager.filter(account=account).order_by("pk").values()
        ]
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
            for method in (browser.get, browser.post):
                answer = method(
                    target, {"confirm": "yes", "ids": "1", "record_id": "1", "record_type": "contact"}
                )
                assert answer.status_code in (404, 405), (method.__name__, target, answer.status_code)
    assert everything(theirs.account) == before


def test_the_same_pages_open_for_their_own_tenant(furnished: Stage) -> None:
    """Otherwise the test above would prove nothing."""
    browser = signed_in(furnished.accounts[ACME])
    portal = furnished.portals["acme"]
    staff = "portals/<int:portal_id>/learners/users"  # there only where users stand for the people
    answers = {path: browser.get(address(path, portal)).status_code for path in numbered() if path != staff}
    assert 200 in answers.values()
    assert {path for path, status in answers.items() if status not in (200, 302, 405)} == set()


def test_pages_without_a_number_show_only_one_s_own(furnished: Stage) -> None:
    page = signed_in(furnished.accounts[GLOBEX]).get("/portals/").content.decode()
    assert "globex" in page
    assert "acme" not in page.replace("acme-help", "")


def test_nobody_signed_in_sees_nothing(furnished: Stage) -> None:
    for path in numbered():
        answer = Client().get(address(path, furnished.portals["acme"]))
        assert answer.status_code in (302, 405), path
        if answer.status_code == 302:
            assert "/install/" in answer["Location"]


def test_every_task_touches_only_the_account_it_was_given(furnished: Stage) -> None:
    """Each task that takes a number, run with one tenant's: the other's rows and worlds stay as they were."""
    Enrollment.objects.update(due_at="2020-01-01T00:00:00Z")
    theirs = everything(furnished.accounts[GLOBEX])
    account, portal = furnished.accounts[ACME], furnished.portals["acme"]
    walk = Walk.objects.get(portal=portal)
    subjects = {"account_id": account.pk, "portal_id": portal.pk, "walk_id": walk.pk, "lane": Lane.LIVE}
    tried = []
    for name, task in sorted(current_app.tasks.items()):
        wanted = list(inspect.signature(task.run).parameters)
        if name.startswith("celery.") or not wanted or name == "learners.welcome":
            continue
        unknown = set(wanted) - set(subjects)
        assert not unknown, f"{name} takes {unknown}: say here whose it is"
        task.run(*[subjects[one] for one in wanted])
        tried.append(name)
    assert len(tried) >= 5
    assert everything(furnished.accounts[GLOBEX]) == theirs
    assert furnished.records(GLOBEX) == []
    assert len(furnished.records(ACME)) == 1
