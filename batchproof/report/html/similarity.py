"""How similar the faces are to each other: the cosines between all of them, insightface's and ours."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from batchproof.artifacts.manifest import Manifest
from batchproof.report.html.chain_files import chain_files
from batchproof.report.html.markup import Markup, element, folded, joined, table
from batchproof.report.html.store_files import StoreFiles
from batchproof.validate.chain.chain_file import ChainFile, Similarity

_ABOUT = (
    "Above the diagonal the cosines of the batched models, below it insightface's, of up to five faces a picture: the "
    "stronger the colour, the more similar. A drawing that is not symmetrical has changed who looks like whom."
)
_LABELS, _LETTERS = 190, 26  # room for the names of pictures, in pixels and letters
_SHADES = 12
_PAIRS = 5

Cosines = NDArray[np.float64]


def similarity(manifest: Manifest, files: StoreFiles) -> Markup:
    """Draw the matrix of each pair of models, with the most similar pairs of faces in figures."""
    shown = [_pair(seen) for seen in chain_files(manifest, files) if len(seen.seen.similarity.faces) > 1]
    return joined([element("p", _ABOUT, class_="about"), *shown]) if shown else Markup("")


def _pair(seen: ChainFile) -> Markup:
    found = seen.seen.similarity
    original, batched = np.array(found.original), np.array(found.batched)
    furthest = float(np.abs(original - batched).max())
    title = f" ({seen.detector} and {seen.embedder}): {len(found.faces)} faces, no cosine changed by more than "
    return folded(
        joined([element("b", seen.subject), f"{title}{furthest:.2g}"]),
        element("div", _drawing(found, original, batched), class_="scroll"),
        table(("most similar", "and", "cosine", "insightface's"), _most_similar(found, original, batched)),
    )


def _drawing(found: Similarity, original: Cosines, batched: Cosines) -> Markup:
    cell = max(10, min(24, 360 // len(found.faces)))
    side = len(found.faces) * cell
    shades = np.nan_to_num(np.triu(batched, 1) + np.tril(original, -1)).clip(0, 1) * _SHADES
    return element(
        "svg",
        *_cells(shades.round().astype(int), cell),
        *_labels(found.faces, cell),
        element("path", class_="frame", d=f"M{_LABELS} 0h{side}v{side}h-{side}z"),
        class_="similarity",
        viewBox=f"0 0 {_LABELS + side} {side}",
        width=str(_LABELS + side),
        role="img",
        aria_label="Cosines between all faces",
    )


def _cells(shades: NDArray[np.int_], cell: int) -> Iterator[Markup]:
    """Draw all cells of one shade as one path."""
    for shade in range(1, _SHADES + 1):
        cells = np.argwhere(shades == shade)
        path = "".join(f"M{_LABELS + x * cell} {y * cell}h{cell}v{cell}h-{cell}z" for y, x in cells.tolist())
        if path:
            yield element("path", d=path, fill_opacity=f"{shade / _SHADES:.2f}")


def _labels(faces: tuple[str, ...], cell: int) -> Iterator[Markup]:
    """Name each picture once, beside its faces, and part the pictures by lines."""
    first = 0
    for name, members in groupby(faces, key=lambda face: face.rpartition(", ")[0]):
        count = len(list(members))
        text = name if len(name) <= _LETTERS else f"{name[:_LETTERS]}…"
        middle, side = (first + count / 2) * cell, len(faces) * cell
        yield element("text", text, x=str(_LABELS - 8), y=f"{middle:g}")
        first += count
        edge = first * cell
        if edge < side:
            yield element("path", class_="frame", d=f"M{_LABELS} {edge}h{side}M{_LABELS + edge} 0v{side}")


def _most_similar(found: Similarity, original: Cosines, batched: Cosines) -> Iterator[tuple[str, ...]]:
    rows, columns = np.triu_indices(len(batched), 1)
    best = np.argsort(-batched[rows, columns], kind="stable")[:_PAIRS]
    for row, column in zip(rows[best].tolist(), columns[best].tolist(), strict=True):
        cosines = (f"{matrix[row, column]:.4f}" for matrix in (batched, original))
        yield found.faces[row], found.faces[column], *cosines
