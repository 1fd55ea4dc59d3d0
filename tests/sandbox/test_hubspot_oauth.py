"""Consent and tokens behave as HubSpot documents them."""

import base64
import hashlib
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.sandbox.hubspot_site import CLIENT, KIND, WAIT, HubSpotSite


def test_code_becomes_tokens_once(hubspot: HubSpotSite) -> None:
    code = hubspot.code()
    grant = hubspot.token(grant_type="authorization_code", code=code)
    assert grant.status_code == 200
    body = grant.json()
    assert (body["hub_id"], body["expires_in"], body["token_type"]) == (1001, 1800, "bearer")
    again = hubspot.token(grant_type="authorization_code", code=code)
    assert (again.status_code, again.json()["status"]) == (400, "BAD_AUTH_CODE")


def test_state_comes_back(hubspot: HubSpotSite) -> None:
    query = parse_qs(urlsplit(hubspot.authorize().headers["Location"]).query)
    assert query["state"] == ["a state"]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({"client_id": "another"}, "client_id"),
        ({"redirect_uri": "https://evil.example/"}, "redirect_uri"),
        ({"scope": "oauth"}, "Missing: crm.objects.contacts.read"),
    ],
)
def test_wrong_address_stops_on_hubspots_page(hubspot: HubSpotSite, query: dict[str, str], text: str) -> None:
    answer = hubspot.authorize(**query)
    assert answer.status_code == 400
    assert text in answer.text


def test_account_that_cannot_grant_comes_back_with_an_error(hubspot: HubSpotSite) -> None:
    answer = hubspot.authorize(_account="1002", _deny="app_objects")
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert query["error"] == ["access_denied"]
    assert "code" not in query


def test_proof_key_is_checked(hubspot: HubSpotSite) -> None:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(b"right").digest()).rstrip(b"=").decode()
    proof = {"code_challenge": challenge, "code_challenge_method": "S256"}
    wrong = hubspot.token(grant_type="authorization_code", code=hubspot.code(**proof), code_verifier="wrong")
    assert (wrong.status_code, wrong.json()["status"]) == (400, "BAD_CODE_VERIFIER")
    right = hubspot.token(grant_type="authorization_code", code=hubspot.code(**proof), code_verifier="right")
    assert right.status_code == 200


def test_bad_secret_and_bad_refresh_token(hubspot: HubSpotSite) -> None:
    secret = hubspot.token(grant_type="refresh_token", client_secret="wrong", refresh_token="x")
    assert secret.json()["error"] == "invalid_client"
    dead = hubspot.token(grant_type="refresh_token", refresh_token="x").json()
    assert (dead["status"], dead["error"]) == ("BAD_REFRESH_TOKEN", "invalid_grant")


def test_tokens_expire_and_are_refreshed(hubspot: HubSpotSite) -> None:
    hubspot.control("PUT", "options", {"token_seconds": 0})
    api = hubspot.install()
    late = api("GET", "/account-info/2026-09/details")
    assert (late.status_code, late.json()["category"]) == (401, "EXPIRED_AUTHENTICATION")
    hubspot.control("PUT", "options", {"token_seconds": 60})
    grant = hubspot.token(grant_type="refresh_token", refresh_token=api.refresh_token).json()
    api.access_token = grant["access_token"]
    assert api.ok("GET", "/account-info/2026-09/details")["portalId"] == 1001


def test_introspect_and_revoke(hubspot: HubSpotSite) -> None:
    api = hubspot.install()
    form = {**CLIENT, "token": api.access_token}
    known = hubspot.http.post(hubspot.url("/oauth/2026-09/token/introspect"), data=form, timeout=WAIT).json()
    assert known["active"] is True
    assert known["hub_id"] == 1001
    form["token"] = api.refresh_token
    hubspot.http.post(hubspot.url("/oauth/2026-09/token/revoke"), data=form, timeout=WAIT)
    assert hubspot.token(grant_type="refresh_token", refresh_token=api.refresh_token).status_code == 400
    assert api("GET", "/account-info/2026-09/details").status_code == 200


def test_uninstall_kills_everything(hubspot: HubSpotSite) -> None:
    api = hubspot.install()
    assert api("DELETE", "/appinstalls/2026-09/external-install").status_code == 204
    assert api("GET", "/account-info/2026-09/details").status_code == 401
    assert hubspot.token(grant_type="refresh_token", refresh_token=api.refresh_token).status_code == 400
    assert hubspot.world("accounts")["accounts"][0]["install"] is None


def test_scopes_are_enforced(hubspot: HubSpotSite) -> None:
    base = hubspot.all_scopes.replace("automation", "")
    api = hubspot.install(
        1002, " ".join(s for s in base.split() if not s.startswith(("crm.app", "crm.objects.custom")))
    )
    for path in (f"/crm/objects/2026-09/{KIND}/batch/read", "/automation/actions/callbacks/2026-09/complete"):
        refused = api("POST", path, {"inputs": [{"id": "1"}]})
        assert (refused.status_code, refused.json()["category"]) == (403, "MISSING_SCOPES")
        assert refused.json()["errors"][0]["context"]["requiredGranularScopes"]


def test_numbered_paths_are_not_served(hubspot: HubSpotSite) -> None:
    api = hubspot.install()
    for path in ("/crm/v3/objects/contacts", "/crm/v3/owners/", "/oauth/v1/token"):
        assert api("GET", path).status_code == 404
