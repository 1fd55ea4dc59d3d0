"""Real Chromium before the real processes: everything is started once for this folder and stopped at its end."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from stack.story.scene import Scene
from tests.browser.newcomer import Admin, arrive, settle_in
from tests.browser.running import running

SHOTS = Path(__file__).parents[2] / "docs" / "screenshots"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", action="store_true", help=f"write {SHOTS.name}/ anew")


@pytest.fixture(scope="package")
def chromium() -> str:
    """Chromium's path: CHROMIUM, or where Debian puts it."""
    named = os.environ.get("CHROMIUM") or "/usr/bin/chromium"
    found = shutil.which(named)
    if found is None and os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"No Chromium at {named}, and CI=true: install Debian's chromium, or set CHROMIUM.")
    if found is None:
        pytest.skip(f"No Chromium at {named}: install one, or set CHROMIUM to its path.")
    return found


@pytest.fixture(scope="package")
def scene(chromium: str) -> Iterator[Scene]:
    with running() as app:
        yield Scene(app)


@pytest.fixture(scope="package")
def browser(chromium: str, scene: Scene) -> Iterator[Browser]:
    arguments = ["--disable-gpu", "--disable-background-networking", "--no-first-run", "--no-proxy-server"]
    with sync_playwright() as playwright:
        # It opens no page but ours, and containers seldom let it build its sandbox.
        started = playwright.chromium.launch(executable_path=chromium, args=arguments, chromium_sandbox=False)
        yield started
        started.close()


@pytest.fixture(scope="package")
def newcomer(browser: Browser, scene: Scene) -> Admin:
    """An admin of Acme who has come all the way from /install/ by hand."""
    return arrive(browser, scene)


@pytest.fixture(scope="package")
def admin(newcomer: Admin) -> Admin:
    """The same admin some time later: people, progress and trouble on every page."""
    settle_in(newcomer)
    return newcomer


@pytest.fixture(scope="module")
def desk(admin: Admin) -> Iterator[Page]:
    """One page for all that only look."""
    with admin.tab() as opened:
        yield opened


@pytest.fixture
def page(admin: Admin) -> Iterator[Page]:
    """A page of that admin's browser; what the console says against it fails the test."""
    with admin.tab() as opened:
        yield opened
