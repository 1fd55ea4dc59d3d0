"""What HubSpot workflows do: add and invite people, also again and again, or people who cannot be added."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from stack.story import hubspot_request
from stack.story.connecting import MAPPED
from stack.story.judge import CheckFailed, expect, until
from stack.story.scene import ACME, Scene
from stack.story.worlds import Row, email_of

DONE = {"created", "already_exists", "updated"}
COMPARED = ("Department", "Employee number")  # plain values; the others are converted on the way


def outcome(run: Row) -> str:
    return str(run["output_fields"].get("outcome", ""))


def add_many(scene: Scene) -> str:
    people = scene.added
    outcomes = Counter(outcome(run) for run in scene.run(ACME, "user-add", "acme", people))
    expect(set(outcomes) <= DONE, f"outcomes {dict(outcomes)}")
    held = scene.worlds.look("learnupon_users")
    missing = sum(not held.learners("acme", email_of(person)) for person in people)
    expect(not missing, f"{missing} of them are not in LearnUpon")
    return f"{len(people)} contacts: " + ", ".join(f"{n} {what}" for what, n in outcomes.most_common())


def mapped_values(scene: Scene) -> str:
    """Judged in LearnUpon: what HubSpot knows has arrived."""
    held = scene.worlds.look("learnupon_users")
    compared = 0
    for person in scene.added:
        (learner,) = held.learners("acme", email_of(person))
        for label in COMPARED:
            wanted, found = person["properties"].get(MAPPED[label]), (learner["CustomData"] or {}).get(label)
            if wanted:
                expect(str(found) == wanted, f"{label} is {found!r}, HubSpot says {wanted!r}")
                compared += 1
    expect(compared, "no contact has a mapped property")
    return f"{compared} values of {len(scene.added)} contacts compared with LearnUpon's custom user data"


def same_delivery(scene: Scene) -> str:
    """Twice from HubSpot and three more copies at the same time, one more when all is done."""
    person = scene.added_again_and_again
    scene.worlds.call("POST", "deliveries", {"duplicate": 1.0})
    ids = scene.worlds.run_workflow(ACME, "user-add", [person], {"portal": "acme"})
    scene.worlds.call("POST", "deliveries", {"duplicate": 0.0})
    (run,) = scene.worlds.look("callbacks").callbacks(ids)
    body = hubspot_request.body(run, person)
    with ThreadPoolExecutor(3) as pool:
        copies = pool.map(lambda _: hubspot_request.send(scene, "user-add", body), range(3))
        statuses = {answer.status_code for answer in copies}
    scene.ended(ids)
    statuses.add(hubspot_request.send(scene, "user-add", body).status_code)
    expect(statuses == {200}, f"the copies were answered {statuses}")
    learners = scene.worlds.look("learnupon_users").learners("acme", email_of(person))
    expect(len(learners) == 1, f"{len(learners)} learners")
    first_login_mail(scene, person)
    return "one delivery in six copies, five at once and one late: one learner, one mail"


def first_login_mail(scene: Scene, person: Row) -> Row:
    """The one mail we sent this person."""

    def mails() -> list[Row]:
        return scene.worlds.look("mails").mails("smtp", email_of(person))

    found = until(mails, "the mail to a created learner", watch=scene.watch)
    expect(len(found) == 1, f"{len(found)} mails instead of one")
    return found[0]


def with_a_catch(scene: Scene) -> str:
    """The workflow is told why, and goes on."""
    expected = {}
    for person in scene.start.contacts(ACME):
        if not email_of(person):
            expected[person["id"]] = "no_email"
        elif scene.is_disabled(person):
            expected[person["id"]] = "disabled"
        elif scene.is_in_sister_portal_only(person):
            expected[person["id"]] = "realm_clash"
    people = [person for person in scene.start.contacts(ACME) if person["id"] in expected]
    found = {run["record_id"]: outcome(run) for run in scene.run(ACME, "user-add", "acme", people)}
    expect(found == expected, f"outcomes {found}, expected {expected}")
    return (
        "no e-mail, account disabled, known in a sister portal only: the workflow is told which, and goes on"
    )


def bad_signatures(scene: Scene) -> str:
    person = scene.invited[0]
    run = {"callback_id": "ap-1001-1-1-0", "account": ACME, "inputs": {"portal": "acme"}, "workflow_id": 1}
    body = hubspot_request.body(run, person)
    before = scene.count("webhooks_delivery")
    signed = hubspot_request.signature(scene, "user-add", body)
    other = hubspot_request.signature(scene, "user-add", body + b" ")
    stale = hubspot_request.signature(scene, "user-add", body, seconds_ago=600)
    early = hubspot_request.signature(scene, "user-add", body, seconds_ago=-600)
    answers = [
        hubspot_request.send(scene, "user-add", body, headers).status_code
        for headers in (other, {}, stale, early)
    ]
    expect(signed != other and set(answers) == {401}, f"they were answered {answers}")
    expect(scene.count("webhooks_delivery") == before, "something was recorded")
    return "a wrong, a missing, a stale and an early signature: 401 each, nothing recorded"


def invite(scene: Scene) -> str:
    people = scene.invited
    found = {outcome(run) for run in scene.run(ACME, "user-invite", "acme-partners", people)}
    expect(found == {"invited"}, f"outcomes {found}")
    held = scene.worlds.look("mails")
    for person in people:
        mails = len(held.mails("learnupon", email_of(person)))
        expect(mails == 1, f"LearnUpon sent {mails} invitations to one person")
    return f"{len(people)} contacts invited to acme-partners; LearnUpon sent each one mail"


def learner_of(scene: Scene, portal: str, person: Row) -> Row:
    learners = scene.worlds.look("learnupon_users").learners(portal, email_of(person))
    if len(learners) != 1:
        raise CheckFailed(f"{portal} has {len(learners)} accounts for contact {person['id']}")
    return learners[0]
