"""Overlap of boxes and greedy suppression, with the `+1` areas of insightface (a box holds its border pixels)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float32]
"""Boxes `[n, 4]`, float32: left, top, right, bottom in pixels."""


def overlaps(box: Boxes, boxes: Boxes) -> NDArray[np.float32]:
    """Intersection over union of `box` `[..., 4]` with `boxes` `[..., 4]`, broadcast against each other.

    A side counts as `right - left + 1`. Boxes without area give NaN or a meaningless ratio, never an exception.
    """
    one = np.float32(1)
    with np.errstate(all="ignore"):
        size = np.minimum(box[..., 2:], boxes[..., 2:]) - np.maximum(box[..., :2], boxes[..., :2]) + one
        intersection = np.maximum(size, 0).prod(axis=-1)
        area = (box[..., 2:] - box[..., :2] + one).prod(axis=-1)
        areas = (boxes[..., 2:] - boxes[..., :2] + one).prod(axis=-1)
        ratio: NDArray[np.float32] = intersection / (area + areas - intersection)
    return ratio


def nms(boxes: Boxes, iou: float) -> NDArray[np.intp]:
    """Return the indices of the boxes that greedy non-maximum suppression keeps; `boxes` come best first.

    A box goes when its overlap with a kept better one is above `iou`, or is not a number.
    """
    kept = []
    waiting = np.arange(len(boxes))
    while waiting.size:
        best, waiting = waiting[0], waiting[1:]
        kept.append(best)
        waiting = waiting[overlaps(boxes[best], boxes[waiting]) <= np.float32(iou)]
    return np.array(kept, np.intp)
