"""The version: the newest one of CHANGELOG.md, the one place where it stands."""

import re
from pathlib import Path

CHANGELOG = Path(__file__).resolve().parent.parent / "CHANGELOG.md"
# https://semver.org/#is-there-a-suggested-regular-expression-regex-to-check-a-semver-string, without build metadata
HEADING = re.compile(
    r"^## \[?((?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-[0-9A-Za-z.-]+)?)\]?(?: |$)", re.MULTILINE
)


def newest(text: str) -> str:
    found = HEADING.search(text)
    if not found:
        raise ValueError(
            "CHANGELOG.md names no version; a heading such as `## 1.2.3 (2026-11-22)` is expected."
        )
    return found[1]


__version__ = newest(CHANGELOG.read_text(encoding="utf-8"))
