"""What learners do: follow the mail, set a password, sign in, accept an invitation, finish courses."""

import re

from stack.story.browser import Browser, Page
from stack.story.judge import CheckFailed, expect, until
from stack.story.scene import ACME, Scene
from stack.story.workflows import first_login_mail, learner_of
from stack.story.worlds import Row, email_of, value

PASSWORD = "a-password-of-my-own-1"  # noqa: S105  made up for a learner of the sandbox
SIGNED_IN = "Log out"
HUBSPOT_RECORDS = ("app_objects", "associations")


def link_in(mail: Row, part: str) -> str:
    found = re.search(rf"https?://[^\s<>\"]*{re.escape(part)}[^\s<>\"]*", mail["text"])
    if found is None:
        raise CheckFailed(f"the mail “{mail['subject']}” has no link with {part}")
    return found.group().rstrip(".,)")


def sign_in_by_mail(scene: Scene) -> str:
    """From our mail alone: portal, forgot password, LearnUpon's mail, new password, sign in."""
    person = scene.added_again_and_again
    browser = Browser(scene.app.addresses.learnupon)
    login = browser.get(link_in(first_login_mail(scene, person), "/acme"))
    forgot = login if "forgot-password" in login.url else browser.get(login.link_to("forgot-password"))
    browser.submit(forgot, forgot.form_with("email"), [("email", email_of(person))])
    reset = _mail_from_learnupon(scene, person)
    page = browser.get(link_in(reset, "reset-password"))
    browser.submit(page, page.form_with("password"), [("password", PASSWORD)])
    home = sign_in(person, Browser(scene.app.addresses.learnupon))
    expect(SIGNED_IN in home.text, "signing in with the new password did not work")
    return "our mail leads to the portal; Forgot password, a password of their own, signed in"


def _mail_from_learnupon(scene: Scene, person: Row) -> Row:
    def mails() -> list[Row]:
        return scene.worlds.look("mails").mails("learnupon", email_of(person))

    return until(mails, "a mail from LearnUpon", watch=scene.watch)[-1]


def sign_in(person: Row, browser: Browser) -> Page:
    login = browser.get("/acme/login")
    values = [("email", email_of(person)), ("password", PASSWORD)]
    return browser.submit(login, login.form_with("email", "password"), values)


def accept_invitation(scene: Scene) -> str:
    """A course finished afterwards shows in HubSpot, so the two are linked."""
    person = scene.invited[0]
    browser = Browser(scene.app.addresses.learnupon)
    page = browser.get(link_in(_mail_from_learnupon(scene, person), "accept_invitation"))
    home = browser.submit(page, page.form_with("password"), [("password", PASSWORD), ("answer", "accept")])
    expect(SIGNED_IN in home.text, f"accepting ended at {home.url} ({home.status})")
    finish_courses(scene, ACME, "acme-partners", [person], 1)
    return "accepted in the browser, linked to the contact, the first finished course stands in HubSpot"


def pass_course(scene: Scene, portal: str, person: Row, course: Row, percentage: float = 90) -> None:
    """Enrolled and passed, as LearnUpon sees it."""
    enrollment = scene.worlds.enroll(portal, learner_of(scene, portal, person)["id"], course["id"])
    scene.worlds.progress(portal, enrollment, "passed", percentage)


def finish_courses(scene: Scene, account: int, portal: str, people: list[Row], each: int) -> int:
    """Let these people pass courses, and wait until each stands in HubSpot at its contact."""
    courses = scene.start.courses(portal)[:each]
    for person in people:
        for course in courses:
            pass_course(scene, portal, person, course)
    for course in courses:
        wait_for_record(scene, account, people, course)
    return len(courses) * len(people)


def wait_for_record(scene: Scene, account: int, people: list[Row], course: Row) -> None:
    def all_there() -> bool:
        held = scene.worlds.look(*HUBSPOT_RECORDS)
        return all(
            [value(row, "course_name") for row in held.completed(account, person)].count(course["name"]) == 1
            for person in people
        )

    what = f"“{course['name']}” once, completed, at {len(people)} contacts in HubSpot"
    until(all_there, what, watch=scene.watch)


def many_finish(scene: Scene) -> str:
    people = scene.studious
    finished = finish_courses(scene, ACME, "acme", people, 2)
    record = scene.worlds.look(*HUBSPOT_RECORDS).completed(ACME, people[0])[0]
    expect(value(record, "result") == "passed", f"the result is {value(record, 'result')!r}")
    expect(value(record, "score_percent") == "90", f"the score is {value(record, 'score_percent')!r}")
    expect(value(record, "completed_at"), "the date of completion is missing")
    return f"{len(people)} people passed 2 courses each: {finished} records in HubSpot, each at its contact"


def finish_by_hand(scene: Scene) -> str:
    """The learner who set a password clicks through a course."""
    person, course = scene.added_again_and_again, scene.start.courses("acme")[0]
    scene.worlds.enroll("acme", learner_of(scene, "acme", person)["id"], course["id"])
    browser = Browser(scene.app.addresses.learnupon)
    home = sign_in(person, browser)
    browser.submit(home, home.form_to("/finish"), [])
    wait_for_record(scene, ACME, [person], course)
    return "signed in, pressed Finish the course: one record in HubSpot, at the right contact"
