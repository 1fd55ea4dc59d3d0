"""Install, connect, map: what an admin does once."""

import re
from urllib.parse import urlsplit

from stack.story.browser import Browser, Page
from stack.story.judge import expect, until
from stack.story.scene import ACME, GLOBEX, Scene

# Label of LearnUpon's custom user data field -> the HubSpot property that fills it.
MAPPED = {
    "Department": "department",
    "Country": "country",
    "Start date": "start_date",
    "Employee number": "employee_number",
}


def install(scene: Scene, browser: Browser, hub_id: int) -> str:
    page = browser.get("/install/")
    consent = browser.submit(page, page.form_to("/oauth/hubspot/start"), [], follow=False)
    expect(
        consent.location.startswith(scene.app.addresses.hubspot), "the install link does not lead to HubSpot"
    )
    # What a click on "Connect app" does, for this account.
    home = browser.get(f"{consent.location}&_account={hub_id}")
    expect(
        home.status == 200 and urlsplit(home.url).path == "/portals/", f"ended at {home.url} ({home.status})"
    )
    return f"consent given in HubSpot, signed in as account {hub_id}"


def install_acme(scene: Scene) -> str:
    return install(scene, scene.acme, ACME)


def install_globex(scene: Scene) -> str:
    return install(scene, scene.globex, GLOBEX)


def connect(scene: Scene, browser: Browser, subdomain: str, sso: str = "none") -> str:
    answer = _send_keys(browser, subdomain, f"{subdomain}-key", f"{subdomain}-secret", sso)
    number = re.search(r"/portals/(\d+)/", answer.location)
    expect(number, f"after connecting {subdomain} the browser stayed on {answer.url} ({answer.status})")
    assert number  # noqa: S101  said by the line above, for the type checker
    scene.portals[subdomain] = int(number.group(1))
    _paste_webhook(scene, browser, subdomain)
    return f"keys checked against LearnUpon; {subdomain} now sends its webhooks here"


def _send_keys(browser: Browser, subdomain: str, key: str, secret: str, sso: str) -> Page:
    page = browser.get("/portals/connect/")
    form = page.form_with("subdomain", "api_key", "api_secret")
    values = [("subdomain", subdomain), ("api_key", key), ("api_secret", secret)]
    values += [("record_type", "contact"), ("sso", sso), ("webhook_secret", "")]
    return browser.submit(page, form, values, follow=False)


def _paste_webhook(scene: Scene, browser: Browser, subdomain: str) -> None:
    """What an admin does in LearnUpon: paste the address and the secret that our page shows."""
    shown = browser.get(f"/portals/{scene.portals[subdomain]}/settings").read.data
    expect("data-webhook-url" in shown, f"the settings page of {subdomain} shows no webhook address")
    body = {
        "portal": subdomain,
        "url": shown["data-webhook-url"],
        "secret": shown.get("data-webhook-secret", ""),
    }
    scene.worlds.call("PUT", "webhook", body)


def connect_acme(scene: Scene) -> str:
    return connect(scene, scene.acme, "acme")


def connect_partners(scene: Scene) -> str:
    return connect(scene, scene.acme, "acme-partners")


def connect_globex(scene: Scene) -> str:
    return connect(scene, scene.globex, "globex", sso="saml")


def wrong_keys(scene: Scene) -> str:
    answer = _send_keys(scene.globex, "globex", "globex-key", "not-the-secret", "saml")
    expect(not answer.location and answer.status < 500, f"wrong keys were answered {answer.status}")
    connected = scene.count("portals_portal")
    expect(connected == 2, f"{connected} portals are stored, not 2")
    return "LearnUpon refused them, the page says so, nothing was saved"


def _mapping_page(scene: Scene) -> Page | None:
    """Pressing "Try again" until both lists can be read: in the first ten seconds of a Redis that has forgotten
    everything, the app asks nothing of HubSpot that can wait (DESIGN 4.7)."""
    page = scene.acme.get(f"/portals/{scene.portals['acme']}/mapping")
    return page if any("definition_id" in form.names for form in page.read.forms) else None


def map_properties(scene: Scene) -> str:
    page = until(lambda: _mapping_page(scene), "the mapping page shows both lists", watch=scene.watch)
    form = page.form_with("property", "definition_id", "policy")
    labels = [page.read.headings.get(f"f{field.value}", "") for field in form.named("definition_id")]
    rows: list[tuple[str, str]] = []
    for label, field, offered in zip(
        labels, form.named("definition_id"), form.named("property"), strict=True
    ):
        name = MAPPED.get(label, "")
        expect(name in ("", *offered.choices), f"the page does not offer {name} for {label}")
        rows += [("property", name), ("definition_id", field.value), ("policy", "always")]
    expect(set(MAPPED) <= set(labels), f"the page offers the fields {', '.join(labels)}")
    answer = scene.acme.submit(page, form, rows)
    kept = scene.count("portals_propertymapping")
    expect(kept == len(MAPPED), f"{kept} of {len(MAPPED)} rows were kept ({answer.status})")
    return ", ".join(f"{name} fills {label}" for label, name in MAPPED.items())
