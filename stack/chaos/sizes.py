"""How much of everything a run of the fault suite has."""

from dataclasses import dataclass

from stack.errors import StackError


@dataclass(frozen=True)
class Size:
    """Counts are what the load sends; what arrives is more, since deliveries are sent twice."""

    seconds: int  # over which load and faults are spread
    faults: int
    acme: int  # contacts of account 1001 that workflows take up
    globex: int
    bystanders: int  # contacts that change, but that nobody adds
    finishes: int  # courses finished, or finished again
    changes: int
    quiet_seconds: int  # until when everything must have come to rest


SIZES = {
    "small": Size(50, 30, 150, 30, 60, 560, 260, 240),
    "default": Size(320, 220, 2200, 500, 400, 15_000, 3600, 240),
    "large": Size(1800, 900, 8000, 2000, 2000, 84_000, 17_000, 600),
}


def size_of(name: str) -> Size:
    if name not in SIZES:
        raise StackError(f"SIZE is one of {', '.join(SIZES)}.")
    return SIZES[name]
