"""What a failed call means for whoever made it. Clients turn status codes into these; nothing else reads them."""

import re
from enum import StrEnum

# Characters of a message: no page shows more, and a search for addresses takes their square in time.
LONGEST = 500
# Vendors quote the e-mail they refuse. Their words are kept with portals and walks, where no erasure looks for a person.
ADDRESS = re.compile(r"[^\s@<>()\"',;:]+@[^\s@<>()\"',;:]+")


class Reason(StrEnum):
    """Why something waits or failed, as a person sees it."""

    EXCEEDED = "exceeded"  # tried for as long as the ladder goes
    REFUSED = "refused"  # the vendor said no, and will say no again
    CONFIGURATION = "configuration"  # something must be set up first
    DISCONNECTED = "disconnected"  # the credentials are dead
    INTERNAL = "internal"  # our own mistake


class VendorError(Exception):
    """`message` is in plain words and without personal data; it may be shown to the admin."""

    after: float = 0.0  # seconds before which it is of no use to try again
    counts: bool = True  # as a failed attempt
    why: Reason | None = None  # None: passing trouble

    def __init__(self, message: str, *, correlation_id: str = "") -> None:
        self.message = ADDRESS.sub("(an e-mail)", message[:LONGEST])
        super().__init__(self.message)
        self.correlation_id = correlation_id


class TryAgain(VendorError):
    """The same call may succeed in `after` seconds. `counts` is False for waits that are nobody's failure
    (a budget that is used up); they do not eat into the time an action may take. `vendor_failed`: it broke down or
    did not answer, which says nothing about what was asked (portals/clients/breaker.py)."""

    def __init__(
        self,
        message: str,
        *,
        after: float = 0.0,
        counts: bool = True,
        vendor_failed: bool = False,
        correlation_id: str = "",
    ) -> None:
        super().__init__(message, correlation_id=correlation_id)
        self.after = after
        self.counts = counts
        self.vendor_failed = vendor_failed


class TokenRefused(TryAgain):
    """HubSpot refused a token that should have lived. The next call has a new one, or finds that the grant is dead."""


class Unclear(TryAgain):
    """No usable answer came: the vendor may or may not have done it. Look before doing it again."""


class Refused(VendorError):
    """The vendor understood and declined. `code` is the vendor's category or ours, never to be shown alone."""

    why = Reason.REFUSED

    def __init__(self, message: str, *, code: str = "", correlation_id: str = "") -> None:
        super().__init__(message, correlation_id=correlation_id)
        self.code = code


class NotFound(Refused):
    """What the call was about is not there."""


class NotAllowed(Refused):
    """Declined because something was not granted or set up; the same works once it is."""

    why = Reason.CONFIGURATION


class AppRefused(TryAgain):
    """The vendor refuses this app itself: whoever runs Hubsync must mend its settings."""

    why = Reason.CONFIGURATION


class Mistake(VendorError):
    """Our own code failed on this; it says nothing about the vendor."""

    why = Reason.INTERNAL


class Disconnected(VendorError):
    """The credentials are dead: stop every call that uses them until a person reconnects."""

    why = Reason.DISCONNECTED
