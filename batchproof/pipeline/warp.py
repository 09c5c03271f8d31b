"""Cutting faces out of their pictures, each by a matrix of its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from batchproof.pipeline.opencv import cv2
from batchproof.pipeline.picture import Pixels

Matrices = NDArray[np.float64]
"""Affine maps `[n, 2, 3]`, float64, from picture pixels (x, y, 1) to crop pixels (x, y)."""


def warp(sources: Sequence[Pixels], matrices: Matrices, size: int) -> Pixels:
    """Map each picture of `sources` by its own matrix: `[n, size, size, 3]`, uint8; linear, black outside the picture.

    A picture with several faces is named once for each of them.
    """
    crops = np.empty((len(matrices), size, size, 3), np.uint8)
    for crop, picture, matrix in zip(crops, sources, matrices, strict=True):
        cv2.warpAffine(picture, matrix, (size, size), dst=crop, flags=cv2.INTER_LINEAR, borderValue=0)
    return crops


def inverted(matrices: Matrices) -> Matrices:
    """Return the maps back, from crop pixels to picture pixels, `[n, 2, 3]`, in OpenCV's arithmetic."""
    back = np.empty_like(matrices)
    for index, matrix in enumerate(matrices):
        back[index] = cv2.invertAffineTransform(matrix)
    return back
