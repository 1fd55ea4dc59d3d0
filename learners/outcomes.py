"""How a workflow action can end: a closed list. The code is what workflows branch on, the text what admins read."""

from dataclasses import dataclass

from learners.models import Learner
from portals.clients.errors import Reason
from webhooks.results import Done


@dataclass(frozen=True)
class Outcome:
    code: str
    title: str
    text: str
    ok: bool = True
    why: Reason | None = None  # where it is no refusal


_ALL = (
    Outcome("created", "Learner created", "A LearnUpon account was made and linked to this record."),
    Outcome("invited", "Invitation sent", "LearnUpon mailed an invitation; progress follows once it is accepted."),
    Outcome("already_exists", "Already a learner", "The e-mail had a LearnUpon account in this portal; it is linked."),
    Outcome("already_invited", "Already invited", "An invitation to this e-mail is waiting to be accepted."),
    Outcome("updated", "Learner updated", "The learner was there already; changed properties were written."),
    Outcome("accepted", "Accepted", "Hubsync took the request; the result stands in its activity page."),
    Outcome("no_email", "No usable e-mail", "The record has no e-mail, or one that is not an address.", ok=False),
    Outcome("realm_clash", "Account elsewhere in the realm",
            "The e-mail has an account in another portal of the realm. Invite the learner instead, or let LearnUpon's "
            "top-level portal allow user creation if the user already exists.", ok=False),
    Outcome("disabled", "Account disabled", "The LearnUpon account exists but is disabled.", ok=False),
    Outcome("erased", "Person erased", "This person asked to be forgotten and is not added again.", ok=False),
    Outcome("wrong_record_type", "Wrong kind of record",
            "The portal takes the other kind of HubSpot record (contacts or users).", ok=False, why=Reason.CONFIGURATION),
    Outcome("portal_not_connected", "Portal not connected",
            "The portal named in the step is not connected to this HubSpot account.", ok=False,
            why=Reason.CONFIGURATION),
    Outcome("custom_data_rejected", "Custom data refused",
            "LearnUpon refused the learner's data; nothing was created.", ok=False),
    Outcome("linked_elsewhere", "Linked to another record",
            "The LearnUpon account with this e-mail belongs to another HubSpot record already.", ok=False),
    Outcome("refused", "Refused", "LearnUpon or HubSpot refused the request.", ok=False),
    Outcome("unconfirmed", "Not confirmed",
            "No answer came, and whether the invitation went out cannot be checked. It is not sent again by itself.",
            ok=False, why=Reason.EXCEEDED),
    Outcome("expired", "Gave up", "It did not succeed in the time HubSpot waits.", ok=False, why=Reason.EXCEEDED),
    Outcome("enrolled", "Enrolled", "The learner is enrolled in the course."),
    Outcome("already_enrolled", "Already enrolled", "The learner was enrolled in the course already."),
    Outcome("queued", "Queued", "The learner is enrolled as soon as the invitation is accepted."),
    Outcome("unenrolled", "Unenrolled", "The learner is no longer enrolled in the course."),
    Outcome("not_enrolled", "Not enrolled", "The learner has no open enrollment in the course."),
    Outcome("added_to_group", "Added to group", "The learner is in the group."),
    Outcome("already_in_group", "Already in group", "The learner was in the group already."),
    Outcome("removed_from_group", "Removed from group", "The learner is no longer in the group."),
    Outcome("not_in_group", "Not in group", "The learner was not in the group."),
    Outcome("access_enabled", "Access enabled", "The learner can log in."),
    Outcome("access_disabled", "Access disabled", "The learner can no longer log in; their history is kept."),
    Outcome("progress_found", "Progress found", "The learner's progress in the course is in the outputs."),
    Outcome("not_linked", "Not a learner",
            "This record has no learner in the portal. Add or invite them first.", ok=False),
    Outcome("not_accepted", "Invitation open",
            "The learner has not accepted the invitation yet, so LearnUpon has no account to change.", ok=False),
)  # fmt: skip

OUTCOMES: dict[str, Outcome] = {outcome.code: outcome for outcome in _ALL}


def done(
    code: str, learner: Learner | None = None, reason: str = "", warnings: list[str] | None = None
) -> Done:
    """A result with the outcome's own words, the LearnUpon user id and what went wrong beside the success."""
    outcome = OUTCOMES[code]
    outputs = {}
    if learner and learner.learnupon_user_id:
        outputs["learnupon_user_id"] = str(learner.learnupon_user_id)
    if warnings:
        outputs["warnings"] = " ".join(warnings)[:1000]
    said = " ".join([reason or outcome.text, *(warnings or [])])
    return Done(code, said[:500], outputs, ok=outcome.ok, why=outcome.why, forget=code == "erased")
