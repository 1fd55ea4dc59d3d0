"""Numbers that came from outside."""


def whole(text: object) -> int | None:
    """A whole number an id could be; None for anything else. ASCII digits only, and not too many of them: int() chokes on
    "²" and on thousands of digits, and the database on more than 18."""
    found = str(text)
    return int(found) if found.isascii() and found.isdigit() and len(found) < 19 else None


def is_id(value: object) -> bool:
    """Whether a value of somebody's JSON is a number that an id could be: positive, and no longer than the database
    takes."""
    return type(value) is int and 0 < value < 2**63
