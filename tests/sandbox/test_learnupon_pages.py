"""The pages a person clicks through in the sandbox's LearnUpon."""

import re

import pytest

from sandbox.learnupon.seed import PASSWORD
from tests.sandbox.learnupon_site import Site

MARIA = "maria.lopez@acme.example"


def log_in(site: Site, email: str = MARIA, password: str = PASSWORD, portal: str = "acme") -> str:
    return site.open("POST", f"/{portal}/login", {"email": email, "password": password}).text


def test_the_first_page_leads_to_every_portal(site: Site) -> None:
    page = site.open("GET", "/").text
    for subdomain in ("acme", "acme-partners", "globex"):
        assert f'href="/{subdomain}/admin"' in page


def test_a_learner_logs_in_and_finishes_a_course(site: Site) -> None:
    site.listen_to()
    page = log_in(site)
    assert "Hello Maria" in page
    finish = re.search(r'action="(/acme/courses/\d+/finish)"', page)
    assert finish
    assert "passed" in site.open("POST", finish.group(1)).text
    assert site.wait_for(1)[0].events[0]["enrollmentStatus"] == "passed"
    site.open("POST", "/acme/logout")
    assert "Log in to Acme Academy" in site.open("GET", "/acme/").text


def test_nobody_takes_another_ones_course(site: Site) -> None:
    log_in(site, "Liam.OBrien@acme.example")
    maria = site.world.portals["acme"].by_email[MARIA]
    number = next(iter(site.world.portals["acme"].by_user[maria.id]))
    assert site.open("POST", f"/acme/courses/{number}/finish").status_code == 404


def test_wrong_password_and_disabled_account_are_refused(site: Site) -> None:
    assert "Wrong e-mail or password" in log_in(site, password="nope")
    assert "disabled" in log_in(site, "former.colleague@acme.example")


def test_a_created_learner_sets_a_password_by_the_mailed_link(site: Site) -> None:
    body = {"email": "new@acme.example", "password": "never-told", "first_name": "Nia"}
    site.api("POST", "/users", {"User": body})
    site.open("POST", "/acme/forgot-password", {"email": "NEW@acme.example"})
    found = re.search(r"http\S+/reset-password/\S+", site.mails.mails[-1]["text"])
    assert found
    assert site.mails.mails[-1]["to"] == "new@acme.example"
    assert "at least 6" in site.open("POST", found.group(), {"password": "12345"}).text
    assert "Hello Nia" in site.open("POST", found.group(), {"password": "my-own-password"}).text
    assert "not valid any more" in site.open("GET", found.group()).text
    site.open("POST", "/acme/logout")
    assert "Hello Nia" in log_in(site, "new@acme.example", "my-own-password")


def test_a_password_that_must_change_leads_to_the_password_page(site: Site) -> None:
    body = {"email": "new@acme.example", "password": "first-one", "change_password_on_first_login": True}
    site.api("POST", "/users", {"User": body})
    assert "Set your password" in log_in(site, "new@acme.example", "first-one")


def test_unknown_and_disabled_people_get_no_reset_mail(site: Site) -> None:
    for email in ("nobody@acme.example", "former.colleague@acme.example"):
        assert "a link is on its way" in site.open("POST", "/acme/forgot-password", {"email": email}).text
    assert site.mails.mails == []


def test_a_saml_portal_has_no_passwords(site: Site) -> None:
    assert "company login" in site.open("GET", "/globex/login").text
    who = {"email": "hank.scorpio@globex.example", "password": "sandbox-password"}
    assert site.open("POST", "/globex/login", who).status_code == 403
    assert site.open("POST", "/globex/forgot-password", who).status_code == 403
    assert site.mails.mails == []
    assert "Hello Hank" in site.open("POST", "/globex/company-login", who).text


def test_sessions_and_links_stay_in_their_portal(site: Site) -> None:
    log_in(site)
    assert "Log in to" in site.open("GET", "/acme-partners/").text
    site.open("POST", "/acme/forgot-password", {"email": MARIA})
    token = site.mails.mails[-1]["text"].rsplit("/", 1)[-1].strip()
    assert site.open("GET", f"/globex/reset-password/{token}").status_code == 404


def test_the_admin_page_shows_everything_and_sets_the_webhook(site: Site) -> None:
    site.api("POST", "/portal_invite", {"Invite": {"email": "soon@acme.example"}})
    site.open("POST", "/acme/admin/webhook", {"url": "http://127.0.0.1:1/x", "secret": "s"})
    page = site.open("GET", "/acme/admin").text
    for expected in (
        MARIA,
        "accept_invitation",
        "http://127.0.0.1:1/x",
        "Information security",
        "Employee number",
    ):
        assert expected in page
    assert site.world.portals["acme"].webhook_secret == "s"


@pytest.mark.parametrize(
    ("deed", "fields"),
    [
        ("progress", {"enrollment_id": "1"}),
        ("access", {"user_id": "x"}),
        ("delete-course", {}),
        ("field", {}),
    ],
)
def test_admin_deeds_on_nothing_are_refused(site: Site, deed: str, fields: dict[str, str]) -> None:
    answer = site.open("POST", f"/acme/admin/{deed}", fields)
    assert answer.status_code == 404
    assert "not found" in answer.text


def test_fields_are_renamed_and_deleted_and_keys_replaced(site: Site) -> None:
    acme = site.world.portals["acme"]
    first = next(iter(acme.definitions))
    site.open("POST", "/acme/admin/field", {"definition_id": str(first), "label": "Team"})
    assert acme.definitions[first].label == "Team"
    site.open("POST", "/acme/admin/field", {"definition_id": str(first), "choices": "Sales, Support"})
    assert (acme.definitions[first].type_id, acme.definitions[first].choices) == (4, ("Sales", "Support"))
    site.open("POST", "/acme/admin/field", {"definition_id": str(first)})
    assert first not in acme.definitions
    site.open("POST", "/acme/admin/keys")
    assert site.api("GET", "/users", keys=("acme-key", "acme-secret")).status_code == 401


def test_names_are_escaped(site: Site) -> None:
    site.api(
        "POST",
        "/users",
        {"User": {"email": "x@acme.example", "password": "123456", "first_name": "<script>"}},
    )
    assert "<script>" not in site.open("GET", "/acme/admin").text
