"""The steps of a how-to, carried out: its blocks name the file they change, or the one they make."""

import re
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(
    r'^```(?P<kind>\w+) title="(?P<title>[^"]+)"\n(?P<text>.*?)^```$', re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Step:
    """One block: `diff` changes the files it names, anything else is a new file."""

    kind: str
    files: tuple[str, ...]
    text: str

    def carry_out(self, root: Path) -> None:
        for file in self.files:
            target = root / file
            if self.kind == "diff":
                target.write_text(patched(target.read_text("utf-8"), self.text.splitlines()), "utf-8")
            else:
                assert not target.exists(), f"{file} is there already"
                target.write_text(self.text, "utf-8")


def steps(document: Path) -> list[Step]:
    found = BLOCK.finditer(document.read_text("utf-8"))
    return [Step(block["kind"], named(block["title"]), block["text"]) for block in found]


def named(title: str) -> tuple[str, ...]:
    """`texts/{de,en}.json` are two files."""
    before, brace, rest = title.partition("{")
    if not brace:
        return (title,)
    choices, _, after = rest.partition("}")
    return tuple(f"{before}{choice}{after}" for choice in choices.split(","))


def patched(text: str, hunk: list[str]) -> str:
    """The text with the hunk's `+` lines put where its other lines show; those must be the beginnings of lines that
    follow each other in one place only."""
    shown = [line[1:] for line in hunk if not line.startswith("+")]
    lines = text.splitlines()
    places = [
        start
        for start in range(len(lines) - len(shown) + 1)
        if all(lines[start + offset].startswith(line) for offset, line in enumerate(shown))
    ]
    assert shown, "a hunk must show where it goes"
    assert len(places) == 1, f"{shown[0]!r} is there {len(places)} times"
    (at,) = places
    for line in hunk:
        if line.startswith("+"):
            lines.insert(at, line[1:])
        at += 1
    return "\n".join(lines) + "\n"
