"""The sandbox in a thread, set up with the app's own settings, so that the app's code can be run against it."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiohttp import web
from django.conf import settings as app_settings
from django.test import Client

from portals import oauth, tokens
from portals.models import HubSpotAccount
from sandbox.options import Configuration
from sandbox.server import Sandbox
from tests.sandbox.hubspot_site import WAIT, HubSpotSite


class Vendors(HubSpotSite):
    async def _start(self) -> None:
        self._hubsync = web.AppRunner(web.Application())  # the app itself is called by Django's test client
        await self._hubsync.setup()
        self.public_url = app_settings.PUBLIC_URL
        configuration = Configuration(
            0, 0, 0, app_settings.PUBLIC_URL, int(app_settings.HUBSPOT_APP_ID), app_settings.HUBSPOT_CLIENT_ID,
            app_settings.HUBSPOT_CLIENT_SECRETS[0],
        )  # fmt: skip
        self.sandbox = Sandbox(configuration)
        await self.sandbox.start()

    def point(self, settings: Any) -> None:
        settings.HUBSPOT_API_URL = settings.HUBSPOT_APP_URL = self.sandbox.hubspot_url
        settings.LEARNUPON_URL = self.sandbox.learnupon_url + "/{subdomain}"

    def consent(self, address: str, account: int = 1001, **query: str) -> dict[str, str]:
        """Agree (or, with `_deny`, refuse) on HubSpot's page; what the browser is sent back with."""
        answer = self.http.get(
            address, params={"_account": str(account), **query}, allow_redirects=False, timeout=WAIT
        )
        assert answer.status_code in (302, 303), answer.text
        back = parse_qs(urlsplit(answer.headers["Location"]).query)
        return {name: values[0] for name, values in back.items()}

    def grant(self, account: HubSpotAccount) -> None:
        """Install the app at HubSpot and keep the grant as an installation would."""
        query = {
            "client_id": app_settings.HUBSPOT_CLIENT_ID,
            "redirect_uri": oauth.redirect_uri(),
            "scope": " ".join(scope.name for scope in oauth.SCOPES),
        }
        code = self.consent(self.url("/oauth/authorize"), account.hub_id, **query)["code"]
        form = {"grant_type": "authorization_code", "redirect_uri": oauth.redirect_uri(), "code": code}
        answer = self.http.post(
            self.url("/oauth/2026-09/token"), data={**tokens.app_credentials(), **form}, timeout=WAIT
        )
        tokens.store(account, answer.json())
        account.save()

    def calls(self, path: str) -> list[dict[str, Any]]:
        """What the sandbox was asked at addresses with `path` in them."""
        rows: list[dict[str, Any]] = self.control("GET", f"requests?path={path}")["requests"]
        return rows

    def install_by_browser(self, hub_id: int) -> Client:
        """A browser that goes through the whole OAuth round with the app; it is signed in afterwards."""
        browser = Client()
        address = browser.get("/oauth/hubspot/start")["Location"]
        answer = browser.get("/oauth/hubspot/callback", self.consent(address, hub_id))
        assert answer.status_code == 302, answer.content
        return browser
