"""Small bar charts as SVG, made here: no script, no inline style, and the table beside each says the same."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

ROW, TEXT, BAR = 44, 16, 16  # heights in pixels: one row, its words, its bar
SPAN = 88.0  # the longest bar, in percent of the width; its number stands behind it
LABEL_LIMIT = 44


@dataclass(frozen=True)
class Bar:
    label: str
    parts: Sequence[tuple[str, int]]  # class name of the colour, value

    @property
    def total(self) -> int:
        return sum(value for _, value in self.parts)


def bars(title: str, rows: Sequence[Bar]) -> SafeString:
    """Horizontal bars, one row each; parts of a row stand one after the other. Widths are percentages, so that
    the words keep their size on a small screen."""
    most = max((row.total for row in rows), default=0) or 1
    return format_html(
        '<svg class="chart" width="100%" height="{}" role="img" aria-label="{}">{}</svg>',
        len(rows) * ROW,
        title,
        format_html_join(
            "", "{}", ((_row(position * ROW, row, SPAN / most),) for position, row in enumerate(rows))
        ),
    )


def _row(top: int, row: Bar, scale: float) -> SafeString:
    pieces: list[tuple[str, str, int, str, int]] = []
    left = 0.0
    for name, value in row.parts:
        pieces.append((name, f"{left:.2f}%", top + TEXT + 4, f"{value * scale:.2f}%", BAR))
        left += value * scale
    label = row.label if len(row.label) <= LABEL_LIMIT else f"{row.label[: LABEL_LIMIT - 1]}…"
    return format_html(
        '<text x="0" y="{}">{}</text>{}<text x="{}" y="{}">{}</text>',
        top + TEXT - 2,
        label,
        format_html_join("", '<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>', pieces),
        f"{left + 1:.2f}%",
        top + TEXT + BAR,
        " of ".join(str(n) for n in dict.fromkeys((row.parts[0][1], row.total))),
    )
