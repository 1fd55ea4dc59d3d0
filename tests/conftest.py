"""Two tenants, always: acme's people must never see globex's. The rows here are as an install would leave them."""

import uuid
from datetime import timedelta

import hypothesis
import pytest
from django.test import Client
from django.utils import timezone

from portals import throttle
from portals.clients import limiter
from portals.models import HubSpotAccount, Portal
from portals.oauth import SCOPES
from webhooks import callers

# No test is about time: a busy machine takes longer for the same.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def nothing_tried_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test counts tries from nothing: all of them come from one address."""
    monkeypatch.setattr(throttle, "PREFIX", uuid.uuid4().hex)
    monkeypatch.setattr(throttle, "_away_until", 0.0)


@pytest.fixture(scope="session", autouse=True)
def redis_of_the_run() -> None:
    """Made before any test points REDIS_URL elsewhere: the thread that carries counts may ask for it at any moment."""
    limiter.store()


@pytest.fixture(autouse=True)
def no_caller_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test has accounts of its own under the same numbers."""
    monkeypatch.setattr(callers, "_kept", {})


def make_account(hub_id: int, domain: str) -> HubSpotAccount:
    return HubSpotAccount.objects.create(
        hub_id=hub_id, hub_domain=domain, ui_domain="app.hubspot.com", time_zone="America/New_York",
        access_token=f"token-of-{hub_id}", refresh_token=f"refresh-of-{hub_id}",
        token_expires_at=timezone.now() + timedelta(minutes=25), scopes=[scope.name for scope in SCOPES],
        app_object_type="2-123", admin_emails=[f"admin@{domain}"],
    )  # fmt: skip


def make_portal(account: HubSpotAccount, subdomain: str, **changes: object) -> Portal:
    fields = {
        "number": 1, "subdomain": subdomain, "title": subdomain, "api_key": f"{subdomain}-key",
        "api_secret": f"{subdomain}-secret", "record_type": "contact", "webhook_secret": f"{subdomain}-webhook-secret",
    }  # fmt: skip
    return Portal.objects.create(account=account, **(fields | changes))


@pytest.fixture
def acme(db: None) -> HubSpotAccount:
    return make_account(1001, "acme.example")


@pytest.fixture
def globex(db: None) -> HubSpotAccount:
    return make_account(1002, "globex.example")


@pytest.fixture
def acme_portal(acme: HubSpotAccount) -> Portal:
    return make_portal(acme, "acme")


@pytest.fixture
def globex_portal(globex: HubSpotAccount) -> Portal:
    return make_portal(globex, "globex", sso="saml")


def signed_in(account: HubSpotAccount) -> Client:
    client = Client()
    session = client.session
    session["account"], session["actor"] = account.pk, f"admin@{account.hub_domain}"
    session.save()
    return client


@pytest.fixture
def as_acme(acme: HubSpotAccount, acme_portal: Portal) -> Client:
    return signed_in(acme)


@pytest.fixture
def as_globex(globex: HubSpotAccount, globex_portal: Portal) -> Client:
    return signed_in(globex)
