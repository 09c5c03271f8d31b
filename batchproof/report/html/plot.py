"""What plots share: frame, scales, axes and the marks of series, as SVG that the page's style sheet colours."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from batchproof.report.html.markup import Markup, element, joined

WIDTH, HEIGHT = 360, 230
LEFT, RIGHT, TOP, BOTTOM = 58, WIDTH - 12, 12, HEIGHT - 40
# Series beyond these begin again: their marks differ then, for the numbers have no common divisor.
_COLOURS = 6
_MARKS = (
    "m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0",
    "m-3.2-3.2h6.4v6.4h-6.4z",
    "m0-4.2l4.2 7.4h-8.4z",
    "m0-4.6l4.6 4.6l-4.6 4.6l-4.6-4.6z",
    "m-4-3.2h8l-4 7.2z",
)
Point = tuple[float, float]


@dataclass(frozen=True)
class Scale:
    """Values from `low` to `high` on pixels from `start` to `stop`; `logarithmic` ones must be positive."""

    low: float
    high: float
    start: float
    stop: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        """Return the pixel of a value."""
        low, high, at = (math.log2(one) if self.logarithmic else one for one in (self.low, self.high, value))
        share = (at - low) / (high - low) if high > low else 0.5
        return self.start + share * (self.stop - self.start)


@dataclass(frozen=True)
class Axes:
    """The two scales of a plot."""

    across: Scale
    up: Scale

    def point(self, x: float, y: float) -> Point:
        """Return the pixels of a point."""
        return self.across(x), self.up(y)

    def drawn(self, x_ticks: Iterable[float], y_ticks: Iterable[float], x_name: str, y_name: str) -> Markup:
        """Draw a grid with its numbers, and what they are numbers of."""
        columns, rows = list(x_ticks), list(y_ticks)
        grid = "".join(f"M{self.across(x):.1f} {TOP}V{BOTTOM}" for x in columns)
        grid += "".join(f"M{LEFT} {self.up(y):.1f}H{RIGHT}" for y in rows)
        return joined(
            [
                element("path", class_="grid", d=grid),
                *(label(self.across(x), BOTTOM + 14, f"{x:g}", "middle") for x in columns),
                *(label(LEFT - 5, self.up(y) + 4, f"{y:g}", "end") for y in rows),
                label((LEFT + RIGHT) / 2, HEIGHT - 8, x_name, "middle"),
                element("text", y_name, class_="middle", transform=f"translate(11 {(TOP + BOTTOM) / 2:g}) rotate(-90)"),
            ]
        )


def svg(what: str, *children: str, height: int = HEIGHT) -> Markup:
    """Build a picture that says `what` it shows to those who cannot see it."""
    box = f"0 0 {WIDTH} {height}"
    return element("svg", *children, class_="plot", viewBox=box, role="img", aria_label=what)


def label(x: float, y: float, text: str, anchor: str = "start") -> Markup:
    """Write text at a place."""
    return element("text", text, class_=anchor, x=f"{x:.1f}", y=f"{y:.1f}")


def series(number: int, points: Sequence[Point], told: Sequence[str]) -> Markup:
    """Draw a line through points with a mark on each; each says what is `told` of it when it is pointed at."""
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    marks = (mark(number, x, y, text) for (x, y), text in zip(points, told, strict=True))
    return element("g", element("path", class_="line", d=path), *marks, class_=colour(number))


def mark(number: int, x: float, y: float, told: str = "") -> Markup:
    """Draw the mark of a series."""
    shape = _MARKS[number % len(_MARKS)]
    title = (element("title", told),) if told else ()
    return element("path", *title, class_="mark", d=f"M{x:.1f} {y:.1f}{shape}")


def key(number: int, text: str) -> Markup:
    """Explain a series in a legend."""
    box = element("svg", mark(number, 6, 6), class_=f"key {colour(number)}", viewBox="0 0 12 12", aria_hidden="true")
    return element("li", box, text)


def colour(number: int) -> str:
    """Name the class that colours a series."""
    return f"series-{number % _COLOURS}"


def round_up(value: float) -> float:
    """Return the next of 1, 2, 2.5 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next((step * power for step in (1, 2, 2.5, 5, 10) if step * power >= value), 10 * power)


def powers(base: int, low: float, high: float) -> list[float]:
    """Return the powers of `base` from the last one below `low` to the first one above `high`."""
    first, last = math.floor(math.log(low, base) + 1e-9), math.ceil(math.log(high, base) - 1e-9)
    return [float(base) ** power for power in range(first, max(last, first + 1) + 1)]
