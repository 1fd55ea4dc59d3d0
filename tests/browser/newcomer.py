"""The path of a newcomer, by hand: from /install/ to the first enrollment in HubSpot; then a portal with a past."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, Page, expect

from stack.story.judge import until
from stack.story.scene import ACME, Scene
from stack.story.worlds import Row, email_of

PEOPLE = 10  # added after the first one
SECONDS = 15


@dataclass
class Admin:
    """A signed-in admin: the browser's cookies, the portals, and whom they added first."""

    browser: Browser
    scene: Scene
    state: Any  # Playwright's storage state
    portal: int
    staff: int = 0  # a second portal, on user records
    learner: int = 0  # one with courses, in our addresses
    first: Row = field(default_factory=dict)
    erased: Row = field(default_factory=dict)

    @contextmanager
    def tab(self, **options: Any) -> Iterator[Page]:
        with opened(self.browser, self.scene, storage_state=self.state, **options) as page:
            yield page


@contextmanager
def opened(browser: Browser, scene: Scene, **options: Any) -> Iterator[Page]:
    """A page in a context of its own. Nothing may be refused by the content security policy on it."""
    options.setdefault("viewport", {"width": 1100, "height": 800})
    context = browser.new_context(base_url=scene.app.addresses.web, **options)
    context.set_default_timeout(SECONDS * 1000)
    page, said = context.new_page(), list[str]()
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    try:
        yield page
    finally:
        context.close()
    against = [text for text in said if "404" not in text and "400" not in text]
    assert not against, against


def arrive(browser: Browser, scene: Scene) -> Admin:
    """Install, connect, switch webhooks on, run a workflow, finish a course; every step by the pages themselves."""
    with opened(browser, scene) as page:
        sign_in(page)
        page.get_by_role("link", name="Connect a portal").first.click()
        portal = connect(page, "acme")
        paste_webhook(page, scene, "acme", portal)
        admin = Admin(browser, scene, page.context.storage_state(), portal, first=scene.added[PEOPLE + 1])
        run_workflow(page, scene, admin.first)
    return admin


def sign_in(page: Page) -> None:
    """Installing and signing in are the same: from our page to HubSpot's consent and back."""
    page.goto("/install/")
    page.get_by_role("button", name="Continue to HubSpot").click()
    page.get_by_role("link", name=f"({ACME})").click()
    expect(page).to_have_url(re.compile("/portals/$"))


def connect(page: Page, subdomain: str, kind: str = "contact") -> int:
    """Fill in the connect page; the new portal's number in our addresses."""
    page.get_by_label("address", exact=False).first.fill(subdomain)
    page.locator("[name=api_key]").fill(f"{subdomain}-key")
    page.locator("[name=api_secret]").fill(f"{subdomain}-secret")
    page.locator(f"[name=record_type][value={kind}]").check()
    page.get_by_role("button", name="Check and connect").click()
    page.wait_for_url(re.compile(r"/portals/\d+/"))
    return int(page.url.split("/portals/")[1].split("/")[0])


def paste_webhook(page: Page, scene: Scene, subdomain: str, portal: int) -> None:
    """What our settings page shows goes into LearnUpon's webhook form."""
    page.goto(f"/portals/{portal}/settings")
    shown = page.locator("[data-webhook-url]")
    url, secret = shown.get_attribute("data-webhook-url"), shown.get_attribute("data-webhook-secret")
    page.goto(f"{scene.app.addresses.learnupon}/{subdomain}/admin")
    form = page.locator("form[action$='/admin/webhook']")
    form.get_by_label("Address").fill(str(url))
    form.get_by_label("Secret").fill(str(secret))
    form.get_by_role("button", name="Save").click()


def run_workflow(page: Page, scene: Scene, person: Row) -> None:
    page.goto(f"{scene.app.addresses.hubspot}/accounts/{ACME}/contacts/{person['id']}")
    page.get_by_label("Portal").select_option("acme")
    page.get_by_role("button", name="user-add", exact=True).click()


def account_of(scene: Scene, person: Row) -> int:
    """The LearnUpon user id, once there is one."""

    def account() -> list[Row]:
        return scene.worlds.look("learnupon_users").learners("acme", email_of(person))

    return int(until(account, "the person has an account", watch=scene.watch)[0]["id"])


def learn(scene: Scene, user: int, course: int, status: str) -> None:
    """LearnUpon's side: the learner is enrolled and gets so far."""
    enrollment = scene.worlds.enroll("acme", user, course)
    if status != "not_started":
        scene.worlds.progress("acme", enrollment, status, 88)


def see(page: Page, address: str, what: str) -> None:
    """Open a page again and again until it shows what this selector means."""

    def shown() -> bool:
        page.goto(address)
        return page.locator(what).count() > 0

    until(shown, f"{address} shows {what}", watch=lambda: None, seconds=SECONDS)


def settle_in(admin: Admin) -> None:
    """People, progress of every kind, something that fails, a walk, an erasure, and a portal for the staff."""
    scene, worlds = admin.scene, admin.scene.worlds
    people = scene.added[:PEOPLE]
    scene.run(ACME, "user-add", "acme", people)
    courses = [row["id"] for row in worlds.look("courses").parts["courses"] if row["portal"] == "acme"]
    kinds = ("completed", "in_progress", "passed", "not_started", "completed", "failed")
    accounts = {
        row["email"].casefold(): row["id"]
        for row in worlds.look("learnupon_users").parts["learnupon_users"]
        if row["portal"] == "acme"
    }
    for number, person in enumerate(people):
        for step in range(number % 3 + 1):
            learn(
                scene,
                accounts[email_of(person).casefold()],
                courses[step],
                kinds[(number + step) % len(kinds)],
            )
    _fail_for_some(scene)
    _merge(scene, people[3:5])
    _merge(scene, people[6:8])
    with admin.tab() as page:
        leave_one_question(page, admin.portal)
        page.goto("/portals/connect/")
        admin.staff = connect(page, "acme-partners", kind="user")
        see(page, f"/portals/{admin.portal}/insights", "svg.chart")
        page.goto(f"/portals/{admin.portal}/learners?q={email_of(people[2])}")
        admin.learner = int(str(page.locator("#people tbody a").get_attribute("href")).split("/")[-1])
    admin.erased = people[-1]


def _merge(scene: Scene, both: list[Row]) -> None:
    """Two linked contacts become one in HubSpot: which link is right is for a person to say."""
    primary, merged = (person["id"] for person in both)
    scene.worlds.call("POST", "merge", {"account": ACME, "contact_id": primary, "merged_id": merged})


def leave_one_question(page: Page, portal: int) -> None:
    """Of the two questions that the merges raise one is answered, and stays below."""
    see(page, f"/portals/{portal}/review", "section.card:nth-of-type(2)")
    page.get_by_role("button", name="Leave both").first.click()
    expect(page.get_by_text("Left as they are", exact=True)).to_be_visible()


def _fail_for_some(scene: Scene) -> None:
    without = [
        row for row in scene.start.contacts(ACME) if "@" not in str(row["properties"].get("email") or "")
    ]
    scene.run(ACME, "user-add", "acme", without[:2])
