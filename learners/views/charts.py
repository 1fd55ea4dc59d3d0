"""Small bar charts as SVG, made here: no script, no inline style, and the table beside each says the same."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH, BAR, GAP, LEFT, RIGHT = 640, 22, 8, 150, 60
LABEL_LIMIT = 22


@dataclass(frozen=True)
class Bar:
    label: str
    parts: Sequence[tuple[str, int]]  # class name of the colour, value

    @property
    def total(self) -> int:
        return sum(value for _, value in self.parts)


def bars(title: str, rows: Sequence[Bar]) -> SafeString:
    """Horizontal bars, one row each; parts of a row stand one after the other."""
    most = max((row.total for row in rows), default=0) or 1
    height = len(rows) * (BAR + GAP) + GAP
    return format_html(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}"><title>{}</title>{}{}</svg>',
        WIDTH,
        height,
        title,
        title,
        format_html_join("", "{}", ((_row(position, row, most),) for position, row in enumerate(rows))),
        format_html('<line class="axis" x1="{}" x2="{}" y1="0" y2="{}"/>', LEFT, LEFT, height),
    )


def _row(position: int, row: Bar, most: int) -> SafeString:
    top = GAP + position * (BAR + GAP)
    scale = (WIDTH - LEFT - RIGHT) / most
    pieces, left = [], float(LEFT)
    for name, value in row.parts:
        pieces.append((name, round(left, 1), top, round(value * scale, 1), BAR))
        left += value * scale
    return format_html(
        '<text x="{}" y="{}" text-anchor="end">{}</text>{}<text x="{}" y="{}">{}</text>',
        LEFT - 8,
        top + 16,
        row.label if len(row.label) <= LABEL_LIMIT else f"{row.label[: LABEL_LIMIT - 1]}…",
        format_html_join("", '<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>', pieces),
        round(left + 6, 1),
        top + 16,
        row.total,
    )
