"""A heat map of contamination as SVG: one square a pair of slots, in light and dark, nothing to install or to load."""

from __future__ import annotations

from html import escape
from math import isinf, log10

from batchproof.report.plain_text import plain_text
from batchproof.validate.findings import ProbeResult
from batchproof.validate.heat_map import HeatMap

_LEFT, _TOP, _BELOW, _WIDTH = 64, 124, 64, 560
_LONGEST_TITLE = 70  # letters; those of one line
_STYLE = """
.heat-map { color-scheme: light dark; color: #1b1f24; --change: #e0576a; --broken: #b48ae8; }
@media (prefers-color-scheme: dark) { .heat-map { color: #eceff4; --change: #b23a4b; --broken: #7a43c4; } }
.heat-map text { fill: currentColor; font: 12px system-ui, sans-serif; }
.heat-map .title { font-size: 15px; font-weight: 600; }
.heat-map .middle { text-anchor: middle; dominant-baseline: central; }
.heat-map rect { stroke: currentColor; stroke-opacity: .3; fill: none; }
.heat-map .itself { fill: currentColor; fill-opacity: .12; }
.heat-map .change { fill: var(--change); }
.heat-map .broken { fill: var(--broken); }
"""
# Changes from the last bit of a score to a whole one go from faint to full.
_FAINTEST, _FULL = -7, 0
_MOST_NUMBERS = 10  # slots; the squares of larger batches are too small for numbers


def render(result: ProbeResult, title: str) -> str:
    """Draw the heat map of `result`: a row for each victim, a column for each poisoned slot, the change in the square.

    Changes are coloured by their logarithm, what became infinite has a colour of its own, and every changed square
    tells its number when pointed at. The text is a whole SVG document, and fits into an HTML page as it is. Raises
    `ValueError` for a result without a heat map.
    """
    if result.heat_map is None:
        raise ValueError("this result has no heat map to draw")
    found, cell = result.heat_map, _cell(result.heat_map.batch)
    side = cell * found.batch
    size = f'width="{_WIDTH}" height="{_TOP + side + _BELOW}" viewBox="0 0 {_WIDTH} {_TOP + side + _BELOW}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="heat-map" role="img" {size}>',
        f"<title>{escape(plain_text(title))}: {escape(_summary(found))}</title>",
        f"<style>{_STYLE}</style>",
        *_headings(result, found, title, side),
        *_numbers(found.batch, cell),
        *(_square(found, victim, poisoned, cell) for victim in range(found.batch) for poisoned in range(found.batch)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _cell(batch: int) -> int:
    return max(14, min(48, 420 // batch))


def _headings(result: ProbeResult, found: HeatMap, title: str, side: int) -> list[str]:
    tried = f"{result.runner}, {result.width}x{result.height}, batch of {found.batch}"
    middle, bottom = _TOP + side / 2, _TOP + side
    return [
        _text(8, 22, "Which slot changes which", "title"),
        _text(8, 42, title if len(title) <= _LONGEST_TITLE else f"{title[:_LONGEST_TITLE]}…"),
        _text(8, 58, f"{tried}, one slot poisoned at a time with"),
        _text(8, 74, ", ".join(found.neighbours)),
        _text(_LEFT, _TOP - 24, "poisoned slot"),
        f'<text class="middle" transform="translate(22 {middle:g}) rotate(-90)">victim slot</text>',
        _text(8, bottom + 26, _summary(found)),
        _text(8, bottom + 44, "Largest change of any output. Empty: none. ∞: the victim became NaN or infinite."),
    ]


def _numbers(batch: int, cell: int) -> list[str]:
    """Number the rows and the columns."""
    centres = [(slot, slot * cell + cell / 2) for slot in range(batch)]
    columns = [_text(_LEFT + centre, _TOP - 9, str(slot), "middle") for slot, centre in centres]
    return columns + [_text(_LEFT - 14, _TOP + centre, str(slot), "middle") for slot, centre in centres]


def _square(found: HeatMap, victim: int, poisoned: int, cell: int) -> str:
    change = found.changes[victim][poisoned]
    x, y = _LEFT + poisoned * cell, _TOP + victim * cell
    place = f'x="{x}" y="{y}" width="{cell}" height="{cell}"'
    if victim == poisoned:
        return f'<rect class="itself" {place}/>'
    if not change:
        return f"<rect {place}/>"
    told = f"<title>slot {poisoned} changes slot {victim} by {_number(change)}</title>"
    square = f'<rect class="{"broken" if isinf(change) else "change"}" {place} {_strength(change)}>{told}</rect>'
    label = _text(x + cell / 2, y + cell / 2, _number(change), "middle") if found.batch <= _MOST_NUMBERS else ""
    return square + label


def _strength(change: float) -> str:
    share = 1.0 if isinf(change) else (log10(change) - _FAINTEST) / (_FULL - _FAINTEST)
    return f'style="fill-opacity: {min(1.0, max(0.2, share)):.2f}"'


def _summary(found: HeatMap) -> str:
    pairs = found.batch * (found.batch - 1)
    if not found.changed:
        return f"No slot changed another one: {pairs} pairs, every difference exactly 0."
    return f"{found.changed} of {pairs} pairs changed, the worst by {_number(found.worst)}."


def _number(change: float) -> str:
    return "∞" if isinf(change) else f"{change:.0e}" if change < 0.01 else f"{change:.2g}"


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    attribute = f' class="{kind}"' if kind else ""
    return f'<text x="{x:g}" y="{y:g}"{attribute}>{escape(plain_text(text))}</text>'
