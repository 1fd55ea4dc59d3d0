"""Which accounts installed the app, their scopes, and the tokens that stand for that.

https://developers.hubspot.com/docs/api-reference/latest/authentication/manage-oauth-tokens
"""

import base64
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.hubspot.errors import expired, no_credentials
from sandbox.hubspot.values import stamp
from sandbox.options import Configuration, Options

CODE_SECONDS = 60.0
# "Reserve at least 512 characters": tokens are made long, so that short columns break here.
TOKEN_BYTES = 300


@dataclass(slots=True)
class Install:
    hub_id: int
    user_id: int
    user: str
    domain: str
    scopes: frozenset[str]
    at: str


@dataclass(slots=True)
class Code:
    install: Install
    redirect_uri: str
    challenge: str | None
    expires_at: float


@dataclass(slots=True)
class AccessToken:
    install: Install
    expires_at: float


class Installs:
    def __init__(self, configuration: Configuration, options: Options, clock: Callable[[], float]) -> None:
        self._configuration = configuration
        self._options = options
        self._clock = clock
        self.clear()

    def clear(self) -> None:
        self.current: dict[int, Install] = {}
        self.codes: dict[str, Code] = {}
        self.access: dict[str, AccessToken] = {}
        self.refresh: dict[str, Install] = {}

    def consent(self, install: Install, redirect_uri: str, challenge: str | None) -> str:
        """The account agreed: a single-use code."""
        code = f"na1-{secrets.token_urlsafe(24)}"
        self.codes[code] = Code(install, redirect_uri, challenge, self._clock() + CODE_SECONDS)
        return code

    def redeem(self, code: str) -> Code | None:
        found = self.codes.pop(code, None)
        return found if found is not None and found.expires_at > self._clock() else None

    def installed(self, install: Install) -> str:
        """The install is complete: a refresh token that lives until it is revoked."""
        token = f"na1-{secrets.token_hex(4)}-{secrets.token_hex(16)}"
        self.current[install.hub_id] = install
        self.refresh[token] = install
        return token

    def issue(self, install: Install) -> tuple[str, int]:
        token = f"CJ{secrets.token_urlsafe(TOKEN_BYTES)}"
        seconds = self._options.token_seconds
        self.access[token] = AccessToken(install, self._clock() + seconds)
        return token, seconds

    def bearer(self, header: str) -> Install:
        """The install that a call's Authorization header stands for."""
        kind, _, token = header.partition(" ")
        found = self.access.get(token.strip()) if kind.lower() == "bearer" else None
        if found is None:
            raise no_credentials()
        late = self._clock() - found.expires_at
        if late >= 0:
            raise expired(int(late // 60), stamp(found.expires_at))
        return found.install

    def uninstall(self, hub_id: int) -> bool:
        """Everything of the account dies at once."""
        self.access = {t: a for t, a in self.access.items() if a.install.hub_id != hub_id}
        self.refresh = {t: i for t, i in self.refresh.items() if i.hub_id != hub_id}
        self.codes = {c: v for c, v in self.codes.items() if v.install.hub_id != hub_id}
        return self.current.pop(hub_id, None) is not None

    def allows(self, hub_id: int, scope: str) -> bool:
        install = self.current.get(hub_id)
        return install is not None and scope in install.scopes

    def described(self, hub_id: int) -> dict[str, Any] | None:
        install = self.current.get(hub_id)
        if install is None:
            return None
        return {"scopes": sorted(install.scopes), "user_id": install.user_id, "at": install.at}


def challenge_of(verifier: str) -> str:
    """S256 of RFC 7636."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
