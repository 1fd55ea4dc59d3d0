"""What breaks in mid-story: the worker stops, Redis loses everything. Nothing may be lost or done twice."""

import redis

from stack.story.judge import expect, until
from stack.story.learning import pass_course, wait_for_record
from stack.story.scene import ACME, Scene
from stack.story.worlds import Row, email_of


def learner_and_course(scene: Scene) -> tuple[Row, Row]:
    return scene.studious[0], scene.start.courses("acme")[5]


def stop_worker(scene: Scene) -> str:
    """Workflows and LearnUpon go on calling while nobody works."""
    scene.app.worker.stop()
    people = scene.added_in_trouble
    scene.waiting = scene.worlds.run_workflow(ACME, "user-add", people, {"portal": "acme"})
    pass_course(scene, "acme", *learner_and_course(scene))

    def all_blocked() -> bool:
        return all(r["state"] == "blocked" for r in scene.worlds.look("callbacks").callbacks(scene.waiting))

    until(all_blocked, "HubSpot's calls answered while no worker runs", watch=scene.watch)
    return f"{len(people)} workflow runs and a finished course arrive while nobody works; all are taken in"


def lose_redis(scene: Scene) -> str:
    with redis.Redis.from_url(scene.app.services.redis_url) as connection:
        keys = connection.dbsize()
        # A server that is not ours may hold other people's data beside the one database we were given.
        connection.flushall() if scene.app.services.own_redis else connection.flushdb()
    return f"emptied: {keys} keys gone, wake-ups and rate windows with them"


def start_worker(scene: Scene) -> str:
    scene.app.worker.start()
    scene.ended(scene.waiting, seconds=60)
    until(lambda: _one_each(scene), "one learner and one mail for each contact", watch=scene.watch)
    person, course = learner_and_course(scene)
    wait_for_record(scene, ACME, [person], course)
    expect(_one_each(scene), "a learner or a mail too many")
    return "every run completed, one learner and one mail each, the course in HubSpot: nothing lost, nothing twice"


def _one_each(scene: Scene) -> bool:
    held = scene.worlds.look("learnupon_users", "mails")
    emails = [email_of(person) for person in scene.added_in_trouble]
    return all(len(held.learners("acme", e)) == 1 == len(held.mails("smtp", e)) for e in emails)
