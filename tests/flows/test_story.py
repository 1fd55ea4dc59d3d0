"""The arrows of the design's one natural way, each once, judged by what both worlds end up with."""

import re

import requests

from gdpr.models import Erasure
from learners.models import Enrollment, Learner
from portals.models import HubSpotAccount, Portal
from tests.flows.stage import ACME, Stage
from tests.flows.worlds import Worlds
from webhooks.models import Delivery

AMARA = "amara.abara@northwind.example"


def test_a_workflow_adds_a_learner_and_hears_about_it_once(stage: Stage) -> None:
    contact = stage.contact(AMARA)
    (callback,) = stage.run("user-add", contact)
    assert stage.execution(callback)["state"] == "blocked"
    stage.work()
    told = stage.execution(callback)
    user = stage.user(AMARA)
    assert user is not None
    assert (told["state"], told["completions"]) == ("completed", 1)
    assert told["output_fields"]["outcome"] == "created"
    assert told["output_fields"]["learnupon_user_id"] == str(user["id"])
    (mail,) = stage.mails(AMARA)
    assert "/forgot-password" in mail["text"]
    learner = Learner.objects.get()
    assert (learner.record_id, learner.learnupon_user_id, learner.state) == (contact, user["id"], "active")
    assert Delivery.objects.get().tell == "told"


def test_a_workflow_invites_and_acceptance_brings_progress(stage: Stage) -> None:
    contact = stage.contact(AMARA)
    (told,) = stage.add(contact, action="user-invite")
    assert (told["state"], stage.outcome(told)) == ("completed", "invited")
    assert len(stage.mails(AMARA)) == 1
    assert Learner.objects.get().state == "pending"
    stage.control("POST", "accept-invite", {"portal": "acme", "email": AMARA})
    stage.later(hours=1)
    learner = Learner.objects.get()
    assert learner.state == "active"
    progress(stage, AMARA, "passed")
    (record,) = stage.records()
    assert record["properties"]["status"] == "completed"
    assert record["properties"]["result"] == "passed"


def progress(stage: Stage, email: str, status: str, portal: str = "acme") -> int:
    """Enroll somebody in the portal's first course, move them on, and let everything settle."""
    user = stage.user(email, portal)
    course = stage.world("courses", portal=portal)[0]["id"]
    assert user is not None
    row = stage.control("POST", "enroll", {"portal": portal, "user_id": user["id"], "course_id": course})
    move = {"portal": portal, "enrollment_id": row["id"], "status": status}
    stage.control("POST", "progress", move)
    stage.settle()
    return int(row["id"])


def test_a_finished_course_becomes_one_associated_record(stage: Stage) -> None:
    contact = stage.contact(AMARA)
    stage.add(contact)
    enrollment = progress(stage, AMARA, "completed")
    (record,) = stage.records()
    assert record["properties"]["enrollment_key"] == f"1:{enrollment}"
    assert record["properties"]["course_name"] == stage.world("courses", portal="acme")[0]["name"]
    assert record["properties"]["learner_email"] == AMARA
    assert record["properties"]["record_id"] == contact
    ties = {(row["fromObjectId"], row["toObjectId"]) for row in stage.world("associations", account=ACME)}
    assert {(record["id"], contact), (contact, record["id"])} & ties
    row = Enrollment.objects.get()
    assert (row.version, row.due_at, row.associated_with) == (row.pushed_version, None, contact)


def test_a_privacy_deletion_leaves_nothing_but_a_receipt(stage: Stage) -> None:
    contact = stage.contact(AMARA)
    stage.add(contact)
    progress(stage, AMARA, "completed")
    stage.control("POST", "gdpr-delete", {"account": ACME, "contact_id": contact})
    stage.settle()
    stage.later(days=1)
    assert stage.records() == []
    (archived,) = stage.records(archived=True)
    assert not {name: value for name, value in archived["properties"].items()
                if value and name in ("learner_email", "record_id", "course_name", "status")}  # fmt: skip
    assert not Learner.objects.exists()
    assert not Enrollment.objects.exists()
    receipt = Erasure.objects.get()
    assert (receipt.state, receipt.counts["learner"], receipt.counts["hubspot_records"]) == ("done", 1, 1)
    assert stage.user(AMARA) is not None  # the LearnUpon account is LearnUpon's
    assert not Delivery.objects.exclude(body=None).exists()


def test_install_and_connect_by_the_pages(empty_stage: Stage, running: tuple[str, Worlds]) -> None:
    stage = empty_stage
    with requests.Session() as browser:
        browser.trust_env = False
        install_by_hand(stage, browser)
        account = HubSpotAccount.objects.get()
        assert (account.hub_id, account.state) == (ACME, "connected")
        assert (account.app_object_problem, account.app_object_type != "") == ("", True)
        form = {
            "subdomain": "acme",
            "api_key": "acme-key",
            "api_secret": "acme-secret",
            "record_type": "contact",
        }
        page = submit(browser, stage.url + "/portals/connect/", form | {"sso": "none", "webhook_secret": ""})
        assert "/portals/" in page.url
    portal = Portal.objects.get()
    assert (portal.subdomain, portal.account, portal.state) == ("acme", account, "connected")
    assert len(portal.webhook_secret) > 20
    stage.accounts[ACME] = account
    (told,) = stage.add(stage.contact(AMARA))
    assert stage.outcome(told) == "created"


def install_by_hand(stage: Stage, browser: requests.Session) -> None:
    consent = browser.get(stage.url + "/oauth/hubspot/start", allow_redirects=False)
    if consent.status_code == 405:
        consent = submit(browser, stage.url + "/install/", {}, "/oauth/hubspot/start", follow=False)
    home = browser.get(f"{consent.headers['Location']}&_account={ACME}")
    assert home.status_code == 200, home.text


def submit(
    browser: requests.Session, page: str, form: dict[str, str], action: str = "", *, follow: bool = True
) -> requests.Response:
    shown = browser.get(page)
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', shown.text)
    fields = form | ({"csrfmiddlewaretoken": token.group(1)} if token else {})
    target = page if not action else page.split("/install")[0] + action
    return browser.post(target, data=fields, headers={"Referer": page}, allow_redirects=follow)
