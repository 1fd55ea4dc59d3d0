"""How a workflow action can end: a closed list. The code is what workflows branch on, the text what admins read."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    code: str
    title: str
    text: str
    ok: bool = True


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
            "The portal takes the other kind of HubSpot record (contacts or users).", ok=False),
    Outcome("portal_not_connected", "Portal not connected",
            "The portal named in the step is not connected to this HubSpot account.", ok=False),
    Outcome("custom_data_rejected", "Custom data refused",
            "LearnUpon refused the learner's data; nothing was created.", ok=False),
    Outcome("linked_elsewhere", "Linked to another record",
            "The LearnUpon account with this e-mail belongs to another HubSpot record already.", ok=False),
    Outcome("refused", "Refused", "LearnUpon or HubSpot refused the request.", ok=False),
    Outcome("unconfirmed", "Not confirmed",
            "No answer came, and whether the invitation went out cannot be checked. It is not sent again by itself.",
            ok=False),
    Outcome("expired", "Gave up", "It did not succeed in the time HubSpot waits.", ok=False),
)  # fmt: skip

OUTCOMES: dict[str, Outcome] = {outcome.code: outcome for outcome in _ALL}
