"""How the errors of single faces are spread: a dot a face, from rounding to what can be seen, on a logarithmic axis."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from batchproof.artifacts.manifest import Manifest
from batchproof.report.html.chain_files import chain_files
from batchproof.report.html.markup import Markup, element, joined
from batchproof.report.html.store_files import StoreFiles
from batchproof.validate.chain.chain_file import ChainFile

_ABOUT = (
    "How far single faces are from insightface's: a dot a face on a logarithmic axis, exact ones at the left; the "
    "figures are the median and the worst. What a cosine lacks from 1 is of both embeddings of a face, end to end."
)
# The axis in powers of ten; everything below its beginning counts as exact.
_FIRST, _LAST, _DECADE = -9, 2, 44
_LEFT, _ROW, _TOP = 128, 34, 22
_WIDTH = _LEFT + (_LAST - _FIRST) * _DECADE + 16
_QUANTITIES = {"box": "box (px)", "landmark": "landmark (px)", "score": "score", "cosine": "cosine, from 1"}


def spread(manifest: Manifest, files: StoreFiles) -> Markup:
    """Draw the errors of each chain that has any; precisions of one model stand side by side."""
    cards = [_card(seen) for seen in chain_files(manifest, files) if any(_errors(seen).values())]
    return (
        joined([element("p", _ABOUT, class_="about"), element("div", *cards, class_="cards")]) if cards else Markup("")
    )


def _errors(seen: ChainFile) -> dict[str, Sequence[float]]:
    return {label: getattr(seen.seen.errors, name) for name, label in _QUANTITIES.items()}


def _card(seen: ChainFile) -> Markup:
    shown = {label: errors for label, errors in _errors(seen).items() if errors}
    height = _TOP + len(shown) * _ROW
    drawing = element(
        "svg",
        *_axis(height),
        *(part for row, (label, errors) in enumerate(shown.items()) for part in _strip(row, label, errors)),
        class_="spread",
        viewBox=f"0 0 {_WIDTH} {height}",
        role="img",
        aria_label=f"Errors of single faces, {seen.subject}",
    )
    return element("article", element("h3", seen.subject), drawing)


def _axis(height: int) -> Iterator[Markup]:
    """Draw a line for each power of ten, and name every third."""
    for power in range(_FIRST, _LAST + 1):
        x = _place(10.0**power)
        yield element("path", class_="ticks", d=f"M{x:g} {_TOP - 6}V{height}")
        if power % 3 == 0:
            yield element("text", "0" if power == _FIRST else f"{10.0**power:g}", class_="tick", x=f"{x:g}", y="12")


def _strip(row: int, label: str, errors: Sequence[float]) -> Iterator[Markup]:
    """Draw one quantity: its name and figures, and its faces on three lines, so that equal ones are seen apart."""
    top = _TOP + row * _ROW
    yield element("text", label, x="0", y=str(top + 13))
    yield element("text", f"{np.median(errors):.1g}, {max(errors):.1g}", class_="figure", x="0", y=str(top + 27))
    dots = "".join(f"M{_place(error):.1f} {top + 8 + index % 3 * 8}h0" for index, error in enumerate(errors))
    yield element("path", class_="dots", d=dots)


def _place(error: float) -> float:
    power = math.log10(error) if error > 0 else _FIRST
    return _LEFT + (min(max(power, _FIRST), _LAST) - _FIRST) * _DECADE
