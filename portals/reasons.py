"""Why something failed or is held up, in words, and what a person does next."""

from portals.clients.errors import Reason

# Why something failed or is held up -> what a person calls it, and what to do next.
REASONS: dict[str, tuple[str, str]] = {
    Reason.EXCEEDED: ("No answer in time", "When HubSpot and LearnUpon answer again, try it again."),
    Reason.REFUSED: ("Refused", "Mend what the reason names, then try it again."),
    Reason.CONFIGURATION: ("Set-up needed", "Set up what the reason names, then try it again."),
    Reason.DISCONNECTED: ("Disconnected", "Connect again; what waits then goes on by itself."),
    Reason.INTERNAL: (
        "Our mistake",
        "Whoever runs Hubsync finds it in the log. Once it is mended, try it again.",
    ),
}


def title(why: str) -> str:
    return REASONS.get(why, ("", ""))[0]


def advice(why: str) -> str:
    return REASONS.get(why, ("", ""))[1]
