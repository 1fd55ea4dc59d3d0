"""A privacy deletion in HubSpot: the link is cut for good, on both sides, and nothing is collected afterwards."""

from stack.story.judge import CheckFailed, expect, until
from stack.story.learning import HUBSPOT_RECORDS, pass_course, wait_for_record
from stack.story.scene import ACME, Scene
from stack.story.worlds import email_of, value

PERSONAL = ("learner_email", "record_id", "course_name", "portal_name")


def delete_person(scene: Scene) -> str:
    person = scene.forgotten
    theirs = {row["id"] for row in scene.worlds.look(*HUBSPOT_RECORDS).completed(ACME, person)}
    expect(theirs, "the person has no records to blank")
    scene.worlds.call("POST", "gdpr-delete", {"account": ACME, "contact_id": person["id"]})

    def blank_and_archived() -> bool:
        rows = [row for row in scene.worlds.look("app_objects").parts["app_objects"] if row["id"] in theirs]
        return all(row["archived"] and not any(value(row, name) for name in PERSONAL) for row in rows)

    until(blank_and_archived, "the person's records blanked and archived in HubSpot", watch=scene.watch)
    _wait_until_forgotten(scene)
    shown = scene.acme.get(f"/portals/{scene.portals['acme']}/learners").text
    expect(email_of(person) not in shown, "the learners page still shows the person")
    left = scene.worlds.look("learnupon_users").learners("acme", email_of(person))
    expect(left, "the LearnUpon account was deleted; it must stay")
    return f"{len(theirs)} records blanked and archived, no table here names the person, the LearnUpon account stays"


def _wait_until_forgotten(scene: Scene) -> None:
    email = email_of(scene.forgotten)
    try:
        until(lambda: not scene.tables_with(email), "no table names the person", watch=scene.watch)
    except CheckFailed:
        raise CheckFailed(
            f"these tables still name the person: {', '.join(scene.tables_with(email))}"
        ) from None


def later_progress(scene: Scene) -> str:
    """A witness finishes the same course after the forgotten person did: once hers is there, both were seen."""
    witness, course = scene.studious[1], scene.start.courses("acme")[6]
    before = {row["id"] for row in scene.worlds.look("app_objects").app_objects(ACME)}
    pass_course(scene, "acme", scene.forgotten, course)
    pass_course(scene, "acme", witness, course)
    wait_for_record(scene, ACME, [witness], course)
    held = scene.worlds.look(*HUBSPOT_RECORDS)
    new = {row["id"] for row in held.app_objects(ACME)} - before
    expect(len(new) == 1, f"{len(new)} records were written instead of the witness's one")
    _wait_until_forgotten(scene)
    return "the person finishes another course in LearnUpon: nothing of it is kept or written"
