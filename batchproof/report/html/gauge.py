"""A figure against its limit as a bar of SVG: how much of what the limit allows has been used, on a log axis."""

from __future__ import annotations

import math

from batchproof.report.html.markup import Markup, element
from batchproof.verdict import Status, Verdict

# The axis, in powers of ten of the limit.
_FIRST, _LAST = -4, 1
_DECADE, _HEIGHT = 24, 12
_WIDTH = _DECADE * (_LAST - _FIRST)
_SHORTEST = 1.5
_JUDGED = (Status.PASS, Status.FAIL)

LEGEND = (
    "Bars: how much of what the limit allows was used, on a logarithmic axis from 1/10000 to 10 times; the upright "
    "line is the limit, no bar is nothing. Where more is better, as for a cosine, it is the distance to 1."
)


def used(verdict: Verdict) -> float | None:
    """Return the share of the limit that a figure has used: 1 is the limit itself, above is a failure.

    Of a figure that must stay above its limit, a share or a cosine, it is what lacks from 1 against what may lack.
    Which of the two it must is in the verdict itself. None where nothing was measured against a limit.
    """
    figure, limit = verdict.figure, verdict.threshold
    if figure is None or limit is None or verdict.status not in _JUDGED:
        return None
    if math.isnan(figure):
        return math.inf
    if is_at_most(verdict):
        return _share(figure, limit)
    return _share(1 - figure, 1 - limit) if limit < 1 else _share(limit, figure)


def is_at_most(verdict: Verdict) -> bool:
    """Whether a judged figure had to stay below its limit: a check that holds has its figure on the right side."""
    figure, limit = verdict.figure or 0.0, verdict.threshold or 0.0
    return figure == limit or bool(verdict) == (figure < limit)


def gauge(verdict: Verdict) -> Markup:
    """Draw a verdict's bar; nothing where nothing was measured against a limit."""
    share = used(verdict)
    if share is None:
        return Markup("")
    ticks = "".join(f"M{x} 2V{_HEIGHT - 2}" for x in range(0, _WIDTH + 1, _DECADE))
    return element(
        "svg",
        element("path", class_="ticks", d=ticks),
        element("rect", class_=verdict.status.value, y="3", width=f"{_length(share):.1f}", height=f"{_HEIGHT - 6}"),
        element("path", class_="limit", d=f"M{-_FIRST * _DECADE} 0V{_HEIGHT}"),
        class_="gauge",
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        aria_label=f"{share:.2g} of the limit",
    )


def _share(amount: float, allowed: float) -> float:
    if amount <= 0:
        return 0.0
    return amount / allowed if allowed > 0 else math.inf


def _length(share: float) -> float:
    if share == 0:
        return 0
    power = min(math.log10(share), _LAST)
    return max((power - _FIRST) * _DECADE, _SHORTEST)
