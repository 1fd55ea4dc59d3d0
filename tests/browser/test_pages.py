"""Every page, as everybody meets it: with a screen reader's rules, in the dark, and on a narrow phone."""

from collections.abc import Iterator
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.template.loader import render_to_string
from django.urls import URLResolver, get_resolver
from playwright.sync_api import Browser, FloatRect, Page, Route, ViewportSize, expect

from stack.story.scene import Scene
from tests.browser.conftest import SHOTS
from tests.browser.newcomer import Admin, opened
from tests.browser.places import PLACES, address

NARROW, WIDE = ViewportSize(width=360, height=740), ViewportSize(width=1100, height=800)
TALLEST = 1000  # a screenshot shows what a page is about, not all of its rows
ON_A_PHONE = {"overview", "learners", "learner", "activity", "insights", "mapping"}
# What reaches past the right edge, to be named in the failure.
TOO_WIDE = """() => [...document.querySelectorAll('body *')]
    .filter(it => it.getBoundingClientRect().right > innerWidth + 1 && !it.closest('.scroll'))
    .map(it => it.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize("name", PLACES)
def test_a_page_serves_everybody(desk: Page, admin: Admin, name: str, pytestconfig: pytest.Config) -> None:
    answer = desk.goto(address(admin, name))
    assert answer is not None
    assert (answer.status, desk.url) == (200, admin.scene.app.addresses.web + address(admin, name))
    if pytestconfig.getoption("--screenshots", default=False):
        photograph(desk, name)
    check(desk)


def test_the_review_was_seen_with_questions_in_it(desk: Page, admin: Admin) -> None:
    desk.goto(address(admin, "review"))
    assert desk.get_by_role("button", name="Leave both").count() == 1
    desk.get_by_text("Left as they are", exact=True).click()
    assert desk.get_by_role("button", name="Keep the second").count() == 2
    check(desk)


def test_the_review_names_accounts_one_question_after_the_other(desk: Page, admin: Admin) -> None:
    """What LearnUpon says arrives after the page, and about what is left only once somebody looks at it."""
    asked: list[str] = []

    def marked(route: Route) -> None:
        asked.append(route.request.url)
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace("@", " at "))

    desk.route("**/review/*/accounts", marked)
    desk.goto(address(admin, "review"))
    expect(desk.locator("td", has_text=" at ")).to_have_count(2)
    assert len(asked) == 1
    desk.get_by_text("Left as they are", exact=True).click()
    desk.get_by_role("button", name="Keep the second").last.scroll_into_view_if_needed()
    expect(desk.locator("td", has_text=" at ")).to_have_count(4)
    assert len(asked) == 2
    check(desk)


def test_no_page_is_left_out(desk: Page, admin: Admin) -> None:
    """Whoever adds a page adds it to tests/browser/places.py, and with that to all these checks."""
    known = {address(admin, name).partition("?")[0] for name in PLACES}
    for route in ours(get_resolver()):
        path = "/" + route.replace("<int:portal_id>", str(admin.portal))
        answer = desk.request.get(path, max_redirects=0) if "<" not in path else None
        if answer and answer.status == 200 and answer.text().lower().startswith("<!doctype html"):
            assert path in known


def ours(resolver: URLResolver, base: str = "") -> Iterator[str]:
    """The addresses of our apps; those of operators and vendors are no pages of the admin's."""
    for found in resolver.url_patterns:
        route = f"{base}{found.pattern}"
        if isinstance(found, URLResolver):
            yield from ours(found, route)
        elif not route.startswith(("admin/", "api/", "webhooks/")):
            yield route


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "500"])
def test_an_error_page_serves_everybody(desk: Page, name: str) -> None:
    desk.goto("/install/")  # for the addresses of style and logo
    desk.set_content(render_to_string(f"{name}.html"))
    check(desk)


def check(page: Page) -> None:
    look(page, "light", WIDE)
    assert against(Axe().run(page).response) == []
    look(page, "dark", NARROW)
    # The dark differs in its colours alone, and axe is in the page by now.
    assert against(page.evaluate("axe.run({runOnly: ['color-contrast']})")) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"], page.evaluate(TOO_WIDE)


def look(page: Page, scheme: Literal["light", "dark"], size: ViewportSize) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size(size)
    # What is being fetched is paler for so long.
    expect(page.locator(".htmx-request")).to_have_count(0)


def against(result: dict[str, Any]) -> list[str]:
    """What axe-core holds against the page, with the elements concerned."""
    found = result["violations"]
    return [f"{row['id']}: {[node['html'][:120] for node in row['nodes'][:3]]}" for row in found]


def photograph(page: Page, name: str) -> None:
    """Light at a desk; some in the dark on a phone."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    if name in ON_A_PHONE:
        look(page, "dark", NARROW)
        page.screenshot(path=SHOTS / f"{name}-phone.png")
    look(page, "light", WIDE)
    height = page.evaluate("document.documentElement.scrollHeight")
    clip = FloatRect(x=0, y=0, width=WIDE["width"], height=min(height, TALLEST))
    page.screenshot(path=SHOTS / f"{name}.png", full_page=True, clip=clip)


def test_pages_are_complete_without_javascript(browser: Browser, scene: Scene, admin: Admin) -> None:
    with opened(browser, scene, storage_state=admin.state, java_script_enabled=False) as page:
        page.goto(address(admin, "learners"))
        page.get_by_label("Search").fill(str(admin.first["properties"]["email"]))
        page.get_by_role("button", name="Search").click()
        assert page.locator("#people tbody tr").count() == 1
