"""OAuth: consent, tokens, introspection, revocation.

https://developers.hubspot.com/docs/api-reference/latest/authentication/manage-oauth-tokens
"""

import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from sandbox.hubspot.call import ACCOUNT, answer
from sandbox.hubspot.installs import Install, challenge_of
from sandbox.hubspot.world import HubSpotWorld

REQUIRED = (
    "oauth",
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.objects.users.read",
    "crm.objects.users.write",
    "crm.objects.owners.read",
)
CALLBACK = "/oauth/hubspot/callback"


class Refusal(Exception):
    """The token endpoint's 400: RFC 6749 fields plus HubSpot's older status and message."""

    def __init__(self, status: str, message: str, error: str) -> None:
        super().__init__(message)
        self.body = {"error": error, "error_description": message, "status": status, "message": message}


class ConsentError(Exception):
    """What stops an install on HubSpot's own page, without a way back to the app."""


def conditional_scopes(world: HubSpotWorld) -> list[str]:
    app = world.app_object
    custom = ["crm.objects.custom.read", "crm.objects.custom.write"]
    return ["automation", "crm.schemas.contacts.write", *app.record_scopes, *app.schema_scopes, *custom]


class Consent:
    """One visit to the authorize address, checked as HubSpot checks it."""

    def __init__(self, world: HubSpotWorld, query: Mapping[str, str]) -> None:
        self.world = world
        self.query = query
        self.redirect_uri = query.get("redirect_uri", "")
        self.scopes = query.get("scope", "").split()
        self._check()

    def _check(self) -> None:
        settings = self.world.configuration
        if self.query.get("client_id") != settings.client_id:
            raise ConsentError("The client_id is not the one of a known app.")
        if self.redirect_uri != settings.public_url + CALLBACK:
            raise ConsentError("The redirect_uri does not match any redirect URL of this app.")
        missing = [scope for scope in REQUIRED if scope not in self.scopes]
        known = {*REQUIRED, *conditional_scopes(self.world)}
        unknown = [scope for scope in self.scopes if scope not in known]
        if missing or unknown:
            raise ConsentError(
                "The scopes of this address do not match the app's. "
                f"Missing: {', '.join(missing) or 'none'}. Not configured: {', '.join(unknown) or 'none'}."
            )
        if self.query.get("code_challenge") and self.query.get("code_challenge_method", "plain") != "S256":
            raise ConsentError("code_challenge_method must be S256.")

    def granted(self) -> frozenset[str]:
        """Optional scopes that cannot be granted are dropped without a word."""
        optional = self.query.get("optional_scope", "").split()
        return frozenset({*self.scopes, *(s for s in optional if s in conditional_scopes(self.world))})

    def agree(self, hub_id: int) -> str:
        """The address to send the browser to, with a code."""
        account = self.world.accounts.get(hub_id)
        if account is None:
            raise ConsentError(f"There is no account {hub_id}.")
        person = account.installer
        install = Install(
            hub_id, person["id"], person["email"], account.domain, self.granted(), self.world.now()
        )
        challenge = self.query.get("code_challenge") or None
        return self._back(code=self.world.installs.consent(install, self.redirect_uri, challenge))

    def refuse(self, message: str = "The user refused the app's access.") -> str:
        return self._back(error="access_denied", error_description=message)

    def denied(self, what: str) -> bool:
        """`_deny=app_objects` or `automation` refuses a request for those scopes; `_deny=all` any."""
        word = "crm.app." if what == "app_objects" else what
        return what == "all" or any(word in scope for scope in self.scopes)

    def _back(self, **values: str) -> str:
        state = self.query.get("state")
        if state is not None:
            values["state"] = state
        return f"{self.redirect_uri}?{urlencode(values)}"


def shortcut(consent: Consent) -> str | None:
    """Consent without a click: `_account=<hub_id>`, refused by `_deny=<scopes>`."""
    account = consent.query.get("_account")
    if not account:
        return None
    deny = consent.query.get("_deny")
    if deny and consent.denied(deny):
        return consent.refuse() if deny == "all" else consent.refuse(f"The account cannot grant: {deny}.")
    return consent.agree(int(account) if account.isdecimal() else 0)


def token_endpoints(world: HubSpotWorld) -> dict[str, Any]:
    async def run(request: web.Request, work: Any) -> web.Response:
        if request.content_type != "application/x-www-form-urlencoded":
            return answer(415, {"status": "error", "message": "HTTP 415 Unsupported Media Type"})
        form = {name: str(value) for name, value in (await request.post()).items()}
        try:
            _client(world, form)
            return answer(200, work(world, form, request))
        except Refusal as refused:
            return answer(400, refused.body)

    async def token(request: web.Request) -> web.Response:
        return await run(request, exchange)

    async def introspect(request: web.Request) -> web.Response:
        return await run(request, introspected)

    async def revoke(request: web.Request) -> web.Response:
        return await run(request, revoked)

    return {"token": token, "token/introspect": introspect, "token/revoke": revoke}


def _client(world: HubSpotWorld, form: dict[str, str]) -> None:
    settings = world.configuration
    if form.get("client_id") != settings.client_id:
        raise Refusal("BAD_CLIENT_ID", "missing or unknown client id", "invalid_client")
    if not hmac.compare_digest(form.get("client_secret", "").encode(), settings.client_secret.encode()):
        raise Refusal("BAD_CLIENT_SECRET", "missing or invalid client secret", "invalid_client")


def exchange(world: HubSpotWorld, form: dict[str, str], request: web.Request) -> dict[str, Any]:
    kind = form.get("grant_type")
    if kind == "authorization_code":
        install, refresh = _first(world, form)
    elif kind == "refresh_token":
        refresh = form.get("refresh_token", "")
        install = _known(world, refresh)
    else:
        raise Refusal("BAD_GRANT_TYPE", "missing or unknown grant type", "unsupported_grant_type")
    request[ACCOUNT] = install.hub_id
    access, seconds = world.installs.issue(install)
    return {
        "token_type": "bearer",
        "access_token": access,
        "refresh_token": refresh,
        "hub_id": install.hub_id,
        "scopes": sorted(install.scopes),
        "expires_in": seconds,
        "token_use": "access_token",
        "user_id": install.user_id,
    }


def _first(world: HubSpotWorld, form: dict[str, str]) -> tuple[Install, str]:
    code = world.installs.redeem(form.get("code", ""))
    if code is None:
        raise Refusal("BAD_AUTH_CODE", "missing or unknown auth code", "invalid_grant")
    if form.get("redirect_uri") != code.redirect_uri:
        raise Refusal("BAD_REDIRECT_URI", "redirect uri does not match", "invalid_grant")
    if code.challenge is not None and challenge_of(form.get("code_verifier", "")) != code.challenge:
        raise Refusal("BAD_CODE_VERIFIER", "missing or invalid code verifier", "invalid_grant")
    return code.install, world.installs.installed(code.install)


def _known(world: HubSpotWorld, token: str) -> Install:
    install = world.installs.refresh.get(token)
    if install is None:
        raise Refusal("BAD_REFRESH_TOKEN", "refresh token is invalid, expired or revoked", "invalid_grant")
    return install


def introspected(world: HubSpotWorld, form: dict[str, str], request: web.Request) -> dict[str, Any]:
    token = form.get("token", "")
    access, refresh = world.installs.access.get(token), world.installs.refresh.get(token)
    install = access.install if access is not None else refresh
    if install is None or (access is not None and access.expires_at <= world.clock()):
        return {"active": False}
    request[ACCOUNT] = install.hub_id
    described = {
        "active": True,
        "token": token,
        "hub_id": install.hub_id,
        "user_id": install.user_id,
        "user": install.user,
        "hub_domain": install.domain,
        "client_id": world.configuration.client_id,
        "app_id": world.configuration.app_id,
        "scopes": sorted(install.scopes),
        "token_type": "Bearer",
        "token_use": "refresh_token",
    }
    return described if access is None else {**described, **_signed(world, install, access.expires_at)}


def _signed(world: HubSpotWorld, install: Install, expires_at: float) -> dict[str, Any]:
    return {
        "expires_in": int(expires_at - world.clock()),
        "is_private_distribution": False,
        "token_use": "access_token",
        "signed_access_token": {
            "expiresAt": int(expires_at * 1000),
            "scopes": "",
            "hubId": install.hub_id,
            "userId": install.user_id,
            "installingUserId": install.user_id,
            "appId": world.configuration.app_id,
            "signature": "",
            "newSignature": "",
            "scopeToScopeGroupPks": "",
            "trialScopes": "",
            "trialScopeToScopeGroupPks": "",
            "hublet": "na1",
            "isUserLevel": False,
            "isServiceAccount": False,
            "isPrivateDistribution": False,
        },
    }


def revoked(world: HubSpotWorld, form: dict[str, str], request: web.Request) -> dict[str, Any]:
    """Kills the refresh token; access tokens live on and the app stays installed [S]."""
    install = world.installs.refresh.pop(form.get("token", ""), None)
    if install is not None:
        request[ACCOUNT] = install.hub_id
    return {}
