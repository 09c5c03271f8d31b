"""How far two results of the same stage lie apart, and where."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchproof.pipeline.decode import Detections
from batchproof.pipeline.matching import match_faces

Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]
Pairing = Callable[[Detections, Detections], Pairs]


@dataclass(frozen=True)
class Gap:
    """The largest difference and the element that shows it; None when there was nothing to compare.

    Infinite for results of different shapes and for values that are no numbers.
    """

    amount: float | None
    witness: str | None = None


def array_gap(theirs: NDArray[Any], ours: NDArray[Any], labels: Sequence[str]) -> Gap:
    """Compare element by element; `labels` say what the rows of the first axis belong to."""
    if theirs.shape != ours.shape:
        return Gap(math.inf, f"shape {list(ours.shape)}, insightface's is {list(theirs.shape)}")
    if theirs.size == 0:
        return Gap(None)
    difference = np.abs(ours.astype(np.float64) - theirs.astype(np.float64))
    difference[~np.isfinite(difference)] = math.inf
    row, *element = (int(index) for index in np.unravel_index(difference.argmax(), difference.shape))
    witness = f"{labels[row]}, element {element}" if element else labels[row]
    return Gap(float(difference.max()), witness if difference.max() > 0 else None)


def in_order(theirs: Detections, ours: Detections) -> Pairs:
    """Pair by rank, for on the same inputs a stage gives the same order; by overlap when a face is missing."""
    if len(theirs) == len(ours):
        return np.arange(len(theirs)), np.arange(len(ours))
    return match_faces(theirs, ours)


def by_place(theirs: Detections, ours: Detections) -> Pairs:
    """Pair by overlap, for rounding may change ranks; equal lists as they are, for matching could confuse twins."""
    return in_order(theirs, ours) if np.array_equal(theirs.boxes, ours.boxes) else match_faces(theirs, ours)


def face_gap(
    theirs: Sequence[Detections],
    ours: Sequence[Detections],
    values: Callable[[Detections], NDArray[np.float32]],
    labels: Sequence[str],
    pair: Pairing,
) -> Gap:
    """Compare one value of the faces that both found, picture by picture; `labels` are the pictures' names."""
    gaps = []
    for first, second, label in zip(theirs, ours, labels, strict=True):
        kept, partner = pair(first, second)
        rows = [f"{label}, face {index}" for index in kept]
        gaps.append(array_gap(values(first.take(kept)), values(second.take(partner)), rows))
    return max(gaps, key=lambda gap: -1.0 if gap.amount is None else gap.amount)


def count_gap(
    theirs: Sequence[Detections],
    ours: Sequence[Detections],
    labels: Sequence[str],
    pair: Pairing,
    decided: float,
    reach: float = math.inf,
) -> Gap:
    """Count the faces that only one side has; the witness is the picture with most of them.

    The same face lies within `reach` pixels. Below the score `decided` rounding alone may take a face in or out.
    """
    counts = [_strangers(first, second, pair, decided, reach) for first, second in zip(theirs, ours, strict=True)]
    if not any(len(faces) for faces in (*theirs, *ours)):
        return Gap(None)
    worst = int(np.argmax(counts))
    return Gap(float(sum(counts)), f"{labels[worst]}, {counts[worst]} of its faces" if counts[worst] else None)


def order_gap(theirs: Sequence[Detections], ours: Sequence[Detections], labels: Sequence[str], reach: float) -> Gap:
    """Count the ranks at which the two sides have different faces, for the order is part of a selection."""
    counts = [_misplaced(first, second, reach) for first, second in zip(theirs, ours, strict=True)]
    if not any(len(faces) for faces in (*theirs, *ours)):
        return Gap(None)
    worst = int(np.argmax(counts))
    return Gap(float(sum(counts)), f"{labels[worst]}, {counts[worst]} of its ranks" if counts[worst] else None)


def _strangers(theirs: Detections, ours: Detections, pair: Pairing, decided: float, reach: float) -> int:
    first, second = pair(theirs, ours)
    same = _near(theirs.take(first), ours.take(second), reach)
    lost = np.delete(theirs.scores, first[same])
    extra = np.delete(ours.scores, second[same])
    return int((lost >= decided).sum() + (extra >= decided).sum())


def _misplaced(theirs: Detections, ours: Detections, reach: float) -> int:
    shared = np.arange(min(len(theirs), len(ours)))
    same = _near(theirs.take(shared), ours.take(shared), reach)
    return max(len(theirs), len(ours)) - int(same.sum())


def _near(theirs: Detections, ours: Detections, reach: float) -> NDArray[np.bool_]:
    near: NDArray[np.bool_] = np.abs(theirs.boxes - ours.boxes).max(axis=1, initial=0) <= reach
    return near
