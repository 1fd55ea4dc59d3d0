"""A second HubSpot account with a SAML portal: no mail there, and neither account sees the other."""

from stack.story.browser import Browser
from stack.story.judge import expect
from stack.story.learning import finish_courses
from stack.story.scene import GLOBEX, Scene
from stack.story.workflows import DONE, outcome
from stack.story.worlds import has_plain_email

PEOPLE = 5
PAGES = ("settings", "mapping", "learners", "activity", "privacy")


def add_at_globex(scene: Scene) -> str:
    people = [row for row in scene.start.contacts(GLOBEX) if has_plain_email(row)][-PEOPLE:]
    mails = len(scene.worlds.look("mails").mails("smtp"))
    found = {outcome(run) for run in scene.run(GLOBEX, "user-add", "globex", people)}
    expect(found <= DONE, f"outcomes {found}")
    finish_courses(scene, GLOBEX, "globex", people[:2], 1)
    more = len(scene.worlds.look("mails").mails("smtp")) - mails
    expect(not more, f"{more} mails were sent about passwords that SAML people do not have")
    return f"{len(people)} learners added, progress in HubSpot, no mail: people sign in by SAML"


def separation(scene: Scene) -> str:
    """Each signed in, each asking for the other's pages."""
    asked = 0
    for browser, foreign in ((scene.globex, "acme"), (scene.globex, "acme-partners"), (scene.acme, "globex")):
        for page in PAGES:
            answer = browser.get(f"/portals/{scene.portals[foreign]}/{page}", follow=False)
            expect(answer.status == 404, f"{page} of {foreign} was answered {answer.status}")
            asked += 1
    overview = scene.globex.get("/portals/").text.lower()
    expect("globex" in overview and "acme" not in overview, "the overview shows another account's portals")
    stranger = Browser(scene.app.addresses.web).get(
        f"/portals/{scene.portals['acme']}/settings", follow=False
    )
    expect(stranger.location.endswith("/install/"), f"someone not signed in was answered {stranger.status}")
    return f"{asked} pages of the other account: 404 each; not signed in: sent to /install/"
