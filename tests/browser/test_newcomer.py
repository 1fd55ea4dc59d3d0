"""A newcomer gets from /install/ to the first enrollment in HubSpot by clicking; and to a connection by keys alone."""

import re

from playwright.sync_api import Browser, Page, expect

from stack.story.scene import ACME, GLOBEX, Scene
from tests.browser.newcomer import Admin, account_of, learn, opened, see


def test_a_newcomer_sees_the_first_enrollment_in_hubspot(newcomer: Admin, scene: Scene) -> None:
    course = scene.start.parts["courses"][0]
    with newcomer.tab() as page:
        see(page, f"/portals/{newcomer.portal}/learners", "#people .state:text-is('Active')")
        learn(scene, account_of(scene, newcomer.first), course["id"], "passed")
        record = f"{scene.app.addresses.hubspot}/accounts/{ACME}/contacts/{newcomer.first['id']}"
        see(page, record, f"td:has-text('{course['name']}')")
        row = page.locator("section[aria-labelledby=card] tbody tr")
        expect(row).to_contain_text("completed")
        see(page, f"/portals/{newcomer.portal}/settings", "#webhook-state :text('Working')")
    mails = scene.worlds.look("mails").parts["mails"]
    to = newcomer.first["properties"]["email"].casefold()
    assert [mail["subject"] for mail in mails if mail["to"].casefold() == to] != []


def test_install_and_connect_by_keyboard_alone(browser: Browser, scene: Scene) -> None:
    with opened(browser, scene) as page:
        page.goto("/install/")
        press(page, "button", "Continue to HubSpot")
        press(page, "link", f"({GLOBEX})")
        expect(page).to_have_url(re.compile("/portals/$"))
        press(page, "link", "Connect a portal")
        expect(page).to_have_url(re.compile("/portals/connect/$"))
        for name, value in (
            ("subdomain", "globex"),
            ("api_key", "globex-key"),
            ("api_secret", "globex-secret"),
        ):
            tab_to(page, f"document.activeElement.name === '{name}'")
            page.keyboard.type(value)
        tab_to(page, "document.activeElement.name === 'record_type'")
        page.keyboard.press("Space")
        press(page, "button", "Check and connect")
        expect(page).to_have_url(re.compile(r"/portals/\d+/"))
        expect(page.get_by_role("heading", level=1)).to_have_text("globex")


def press(page: Page, role: str, name: str) -> None:
    """Go to something by the Tab key and press Enter, as somebody without a mouse does."""
    wanted = page.get_by_role(role, name=name).first  # type: ignore[arg-type]
    expect(wanted).to_be_visible()
    for _ in range(80):
        page.keyboard.press("Tab")
        if wanted.evaluate("it => it === document.activeElement"):
            assert has_outline(page), f"{name} does not show that it has the focus"
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"the Tab key does not reach {name}")


def tab_to(page: Page, there: str) -> None:
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate(there):
            assert has_outline(page)
            return
    raise AssertionError(f"the Tab key does not reach {there}")


def has_outline(page: Page) -> bool:
    style = "getComputedStyle(document.activeElement)"
    return bool(page.evaluate(f"{style}.outlineStyle !== 'none' && parseFloat({style}.outlineWidth) >= 2"))
