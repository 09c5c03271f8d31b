"""Which faces of a crowded picture to go on with: insightface's `max_num`."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from batchproof.pipeline.decode import Detections
from batchproof.pipeline.nms import Boxes

Metric = Literal["default", "max"]
"""What makes a face important: being large and near the centre of the picture, or being large."""


def select(faces: Detections, height: int, width: int, max_num: int, metric: Metric = "default") -> Detections:
    """Keep the `max_num` most important faces of a picture of `height` x `width` pixels, most important first.

    All stay as they are, best score first, when there are no more than `max_num`, or when it is 0. The arithmetic is
    insightface's, float32 and its order of ties included.
    """
    if not 0 < max_num < len(faces):
        return faces
    return faces.take(np.argsort(_importance(faces.boxes, height, width, metric))[::-1][:max_num])


def _importance(boxes: Boxes, height: int, width: int, metric: Metric) -> NDArray[np.float32]:
    """Area, less twice the squared distance of the centres unless `metric` is `max`; in pixels of the picture."""
    area: NDArray[np.float32] = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    if metric == "max":
        return area
    # Whole pixels, truncated, are what insightface takes for the centre of the picture.
    away = (boxes[:, :2] + boxes[:, 2:]) / np.float32(2) - np.array([width // 2, height // 2], np.float32)
    central: NDArray[np.float32] = area - (away**2).sum(axis=1) * np.float32(2)
    return central
