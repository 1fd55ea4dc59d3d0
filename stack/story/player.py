"""Plays the story: a line per step, then what was counted and what was proved."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from stack.application import Application
from stack.processes import shown
from stack.story import connecting, learning, privacy, tenants, trouble, workflows
from stack.story.judge import CheckFailed
from stack.story.scene import ENDED, Scene


@dataclass(frozen=True)
class Step:
    title: str
    act: Callable[[Scene], str]
    needed: bool = False  # Without it nothing that follows makes sense.


CHAPTERS: dict[str, list[Step]] = {
    "An admin connects HubSpot and LearnUpon": [
        Step("Install in HubSpot account 1001 (Acme)", connecting.install_acme, needed=True),
        Step("Connect the LearnUpon portal acme", connecting.connect_acme, needed=True),
        Step("Connect its sub-portal acme-partners", connecting.connect_partners, needed=True),
        Step("Map HubSpot properties to LearnUpon fields", connecting.map_properties),
    ],
    "HubSpot workflows add and invite people": [
        Step("Workflow action User Add", workflows.add_many, needed=True),
        Step("Mapped properties arrived", workflows.mapped_values),
        Step("The same delivery again and again", workflows.same_delivery),
        Step("Contacts that cannot be added", workflows.with_a_catch),
        Step("Requests that HubSpot did not sign", workflows.bad_signatures),
        Step("Workflow action User Invite", workflows.invite),
    ],
    "People learn, HubSpot shows it": [
        Step("A new learner signs in", learning.sign_in_by_mail),
        Step("An invited person accepts", learning.accept_invitation),
        Step("Learners finish courses", learning.many_finish),
        Step("The new learner finishes one by hand", learning.finish_by_hand),
    ],
    "Things break": [
        Step("The worker stops", trouble.stop_worker),
        Step("Redis loses everything", trouble.lose_redis),
        Step("The worker is back", trouble.start_worker),
    ],
    "A second HubSpot account": [
        Step("Install in HubSpot account 1002 (Globex)", connecting.install_globex, needed=True),
        Step("Wrong LearnUpon keys", connecting.wrong_keys),
        Step("Connect the SAML portal globex", connecting.connect_globex, needed=True),
        Step("User Add at a SAML portal", tenants.add_at_globex),
        Step("Neither account sees the other", tenants.separation),
    ],
    "A person asks to be forgotten": [
        Step("Privacy deletion in HubSpot", privacy.delete_person),
        Step("Progress that comes later", privacy.later_progress),
    ],
}

PROVED = (
    "no workflow run was lost or done twice, over repeats, a stopped worker and an emptied Redis",
    "each finished course is one record in HubSpot, tied to the right contact",
    "created learners get one mail that leads to a sign-in; SAML learners get none",
    "unsigned requests leave no trace, and no account sees another's pages",
    "a privacy deletion blanks HubSpot's records, cuts the link here and is final",
)


def play(app: Application) -> bool:
    """Whether every step ended as it must."""
    scene = Scene(app)
    began = time.monotonic()
    failed = _play_chapters(scene)
    seconds = time.monotonic() - began
    if failed:
        print(f"\n{failed} steps failed after {seconds:.0f} s. Logs: {shown(app.run.logs)}/", flush=True)
        return False
    _summary(scene, seconds)
    return True


def _play_chapters(scene: Scene) -> int:
    failed = 0
    for chapter, steps in CHAPTERS.items():
        print(f"\n{chapter}", flush=True)
        for step in steps:
            if _play(scene, step):
                continue
            failed += 1
            if step.needed:
                print("    The rest of the story needs this step.", flush=True)
                return failed
    return failed


def _play(scene: Scene, step: Step) -> bool:
    began = time.monotonic()
    try:
        happened, passed = step.act(scene), True
    except CheckFailed as error:
        happened, passed = str(error), False
    except (
        Exception
    ) as error:  # a fault of the story's own, or a process that died: told like any failed step
        happened, passed = f"{type(error).__name__}: {error}", False
    seconds = time.monotonic() - began
    print(f"  {_mark(passed)} {step.title}: {happened} ({seconds:.1f} s)", flush=True)
    return passed


def _mark(passed: bool) -> str:
    mark = "✓" if passed else "✗"
    try:
        mark.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return "ok  " if passed else "FAIL"
    return mark


def _summary(scene: Scene, seconds: float) -> None:
    held = scene.worlds.look()
    runs = held.parts["callbacks"]
    open_runs = sum(run["state"] not in ENDED for run in runs)
    live = sum(not row["archived"] for row in held.parts["app_objects"])
    refused = sum(row["status"] == 429 for row in scene.worlds.call("GET", "requests")["requests"])
    print(
        f"""
The whole story in {seconds:.0f} s, over HTTP between separate processes:
  {len(runs) - open_runs} workflow runs ended and told, {open_runs} left open
  {len(held.parts["learnupon_users"])} people in three LearnUpon portals, {len(held.parts["invites"])} invitations
  {len(held.mails("smtp"))} mails sent by Hubsync, {len(held.mails("learnupon"))} by LearnUpon
  {live} course enrollment records in HubSpot, {len(held.parts["app_objects"]) - live} blanked and archived
  {refused} calls refused for coming too fast

What it proved:""",
        flush=True,
    )
    for fact in PROVED:
        print(f"  - {fact}", flush=True)
