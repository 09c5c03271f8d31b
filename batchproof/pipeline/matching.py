"""Which faces of two answers about the same picture are the same face."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from batchproof.pipeline.decode import Detections
from batchproof.pipeline.nms import Boxes, overlaps

SAME_FACE = 0.5
"""Smallest overlap (IoU) of two boxes that can be one face; suppression keeps the faces of a picture further apart."""


def match_faces(first: Detections, second: Detections) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pair faces one to one, largest overlap first, down to `SAME_FACE`; return the indices of the partners."""
    theirs = upright(second.boxes)
    candidates: list[tuple[float, int, int]] = []
    # Row by row: an untrained network finds thousands of faces, and all their overlaps at once would fill the memory.
    for index, box in enumerate(upright(first.boxes)):
        overlap = overlaps(box, theirs)
        candidates += [(-overlap[other], index, other) for other in np.flatnonzero(overlap >= SAME_FACE).tolist()]
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for _, index, other in sorted(candidates):
        if index not in pairs and other not in taken:
            pairs[index] = other
            taken.add(other)
    return np.array(list(pairs), np.intp), np.array(list(pairs.values()), np.intp)


def upright(boxes: Boxes) -> Boxes:
    """Order the corners: an inside-out box, which untrained networks make, overlaps nothing, not even itself."""
    first, second = boxes[:, :2], boxes[:, 2:]
    return np.concatenate([np.minimum(first, second), np.maximum(first, second)], axis=1)
