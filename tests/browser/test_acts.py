"""What each page is for, done by hand in a browser and judged by both worlds."""

import json
import re
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from stack.story.connecting import MAPPED
from stack.story.judge import until
from stack.story.scene import Scene
from stack.story.worlds import email_of
from tests.browser.newcomer import Admin, opened, see, sign_in
from tests.browser.places import address


def test_typing_finds_a_learner(page: Page, admin: Admin) -> None:
    page.goto(address(admin, "learners"))
    page.get_by_label("Search").press_sequentially(email_of(admin.first)[:12])
    expect(page.locator("#people tbody tr")).to_have_count(1)
    expect(page).to_have_url(re.compile("q="))
    page.locator("#people tbody a").first.click()
    expect(page.get_by_role("heading", name="What was sent")).to_be_visible()


def test_a_mapping_is_saved(page: Page, admin: Admin, scene: Scene) -> None:
    page.goto(address(admin, "mapping"))
    for label, name in MAPPED.items():
        row = page.locator("tr", has=page.get_by_role("rowheader", name=label))
        row.locator("[name=property]").select_option(name)
    page.get_by_role("button", name="Save the mapping").click()
    expect(page.locator(".note.success")).to_contain_text("saved")
    assert scene.count("portals_propertymapping") == len(MAPPED)


def test_settings_are_saved(page: Page, admin: Admin) -> None:
    page.goto(address(admin, "settings"))
    page.locator("[name=clash_policy]").select_option("invite")
    page.locator("form", has=page.locator("[name=clash_policy]")).get_by_role("button", name="Save").click()
    expect(page.locator(".note.success")).to_be_visible()
    expect(page.locator("[name=clash_policy]")).to_have_value("invite")


def test_a_team_of_hubspot_users_is_added(page: Page, admin: Admin, scene: Scene) -> None:
    page.goto(address(admin, "users"))
    page.locator("select[name=of_team]").select_option("Success")
    page.get_by_role("button", name="Show", exact=True).click()
    page.get_by_role("button", name="All 2 of the team Success").click()
    expect(page.locator(".note.success")).to_contain_text("2 people are to be added")

    def added() -> bool:
        users = scene.worlds.look("learnupon_users").learners("acme-partners", "devi.coach@acme.example")
        return bool(users)

    until(added, "LearnUpon has the team", watch=scene.watch)


def test_what_fails_is_tried_again(page: Page, admin: Admin) -> None:
    page.goto(address(admin, "activity"))
    page.get_by_role("region", name="Failing deliveries").get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Try the picked ones again").first.click()
    expect(page.locator(".note.success")).to_contain_text("1 tried again")


def test_history_is_brought_in(page: Page, admin: Admin) -> None:
    page.goto(address(admin, "backfill"))
    page.get_by_role("button", name="Start", exact=True).last.click()
    expect(page.locator(".note.success")).to_be_visible()
    see(page, address(admin, "backfill"), "tr:has-text('Bring in history') .state:text-is('Done')")


def test_existing_accounts_are_linked_after_a_preview(page: Page, admin: Admin) -> None:
    backfill = f"/portals/{admin.staff}/backfill"
    page.goto(backfill)
    page.get_by_role("button", name="Preview").click()
    see(page, backfill, "button:text-is('Link them now')")
    page.get_by_role("button", name="Link them now").click()
    see(page, backfill, "summary:text('What became of them')")


def test_a_course_is_marked_as_required(page: Page, admin: Admin) -> None:
    page.goto(address(admin, "insights"))
    form = page.locator("#required form")
    form.get_by_label("Welcome to the company").check()
    form.get_by_label("Information security").check()
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Required courses completed")).to_be_visible()
    expect(page.get_by_role("img", name="Required courses")).to_be_visible()


def test_a_persons_data_is_downloaded(page: Page, admin: Admin) -> None:
    page.goto(address(admin, "privacy"))
    page.locator("[name=export-record_id]").fill(str(admin.first["id"]))
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download").click()
    held = json.loads(Path(waiting.value.path()).read_text())
    assert [row["email"] for row in held["learners"]] == [email_of(admin.first)]


def test_somebody_is_erased(page: Page, admin: Admin) -> None:
    page.goto(address(admin, "learners") + f"?q={admin.erased['id']}")
    page.locator("#people tbody a").first.click()
    page.get_by_text("Erase this person…").click()
    page.get_by_label("I understand; erase this person").check()
    page.get_by_role("button", name="Erase", exact=True).click()
    expect(page.get_by_role("region", name="Receipts")).to_contain_text("An admin on our page")
    page.goto(address(admin, "learners") + f"?q={admin.erased['id']}")
    expect(page.get_by_text("Nobody found")).to_be_visible()


def test_a_portal_is_paused_and_goes_on(page: Page, admin: Admin) -> None:
    page.goto(f"/portals/{admin.staff}/settings")
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()


def test_signing_out(browser: Browser, admin: Admin) -> None:
    with opened(browser, admin.scene) as page:
        sign_in(page)
        page.get_by_role("button", name="Sign out").click()
        expect(page).to_have_url(re.compile("/install/"))
        page.goto("/portals/")
        expect(page).to_have_url(re.compile("/install/"))
