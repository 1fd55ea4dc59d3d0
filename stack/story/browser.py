"""A person's browser: cookies, forms with their hidden fields, redirects followed one by one."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode, urljoin

import requests

from stack.story.html import Form, PageReader
from stack.story.judge import CheckFailed

TIMEOUT = (5, 30)
MOST_REDIRECTS = 10
Fields = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Page:
    url: str
    status: int
    text: str
    location: str = ""  # Where a redirect that was not followed leads.

    @cached_property
    def read(self) -> PageReader:
        return PageReader(self.text)

    def form_with(self, *names: str) -> Form:
        """The form a person would fill in: the one that has all these fields."""
        for form in self.read.forms:
            if set(names) <= form.names:
                return form
        raise CheckFailed(f"{self.url} ({self.status}) has no form with {', '.join(names)}")

    def form_to(self, part: str) -> Form:
        for form in self.read.forms:
            if part in form.action:
                return form
        raise CheckFailed(f"{self.url} ({self.status}) has no form that leads to {part}")

    def link_to(self, part: str) -> str:
        for link in self.read.links:
            if part in link:
                return urljoin(self.url, link)
        raise CheckFailed(f"{self.url} has no link to {part}")


class Browser:
    def __init__(self, home: str) -> None:
        self.home = home
        self._session = requests.Session()
        self._session.trust_env = False  # No proxy for addresses on this machine.

    @property
    def cookies(self) -> dict[str, str]:
        return {cookie.name: cookie.value or "" for cookie in self._session.cookies}

    def get(self, address: str, *, follow: bool = True) -> Page:
        return self._go("GET", urljoin(self.home, address), None, follow)

    def post(self, address: str, fields: Fields, *, referer: str = "", follow: bool = True) -> Page:
        return self._go("POST", urljoin(self.home, address), fields, follow, referer)

    def submit(self, page: Page, form: Form, values: Fields, *, follow: bool = True) -> Page:
        """Fill in a form and send it. Its other fields go along as they stand."""
        filled = {name for name, _ in values}
        kept = [(field.name, field.value) for field in form.fields if field.sent and field.name not in filled]
        target = urljoin(page.url, form.action or page.url)
        if form.method == "GET":
            return self.get(f"{target}?{urlencode([*kept, *values])}", follow=follow)
        return self.post(target, [*kept, *values], referer=page.url, follow=follow)

    def _go(self, method: str, url: str, fields: Fields | None, follow: bool, referer: str = "") -> Page:
        headers = {"Referer": referer} if referer else {}
        for _ in range(MOST_REDIRECTS):
            answer = self._session.request(
                method,
                url,
                data=list(fields) if fields is not None else None,
                headers=headers,
                timeout=TIMEOUT,
                allow_redirects=False,
            )
            location = urljoin(url, answer.headers.get("Location", ""))
            if not (follow and answer.is_redirect):
                return Page(url, answer.status_code, answer.text, location if answer.is_redirect else "")
            method, url, fields = "GET", location, None
        raise CheckFailed(f"{url}: more than {MOST_REDIRECTS} redirects")
