"""The operators' admin in a real browser: our content security policy refuses nothing of it, and every list opens."""

import subprocess
import sys

from playwright.sync_api import Browser, Page, expect

from stack.paths import ROOT
from stack.story.scene import Scene
from tests.browser.newcomer import Admin, opened, see

NAME, PASSWORD = "olga", "long-enough-password"


def make_operator(scene: Scene) -> None:
    argv = [sys.executable, "manage.py", "createsuperuser", "--noinput", "--username", NAME, "--email", ""]
    environment = {**scene.app.environment, "DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    subprocess.run(argv, cwd=ROOT, env=environment, check=True, capture_output=True)


def sign_in(page: Page) -> None:
    page.goto("/admin/")
    page.get_by_label("Username").fill(NAME)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def test_an_operator_opens_every_list_and_runs_again_what_failed(
    browser: Browser, scene: Scene, admin: Admin
) -> None:
    make_operator(scene)
    with opened(browser, scene) as page:
        sign_in(page)
        expect(page.get_by_text("Where to look")).to_be_visible()
        found = [str(link.get_attribute("href")) for link in page.locator("#content-main th a").all()]
        assert len(found) > 15
        for address in found:
            page.goto(address)
            expect(page.locator("#changelist")).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
        page.goto("/admin/")
        page.get_by_role("link", name="Deliveries that failed").click()
        page.locator("#action-toggle").check()
        page.get_by_label("Action:").select_option("again")
        page.get_by_role("button", name="Go").click()
        expect(page.locator(".messagelist")).to_contain_text("tried again")
        see(page, "/admin/webhooks/delivery/?state__exact=failed", "#result_list tbody tr")  # and fails again
