"""The upright crop around a box that landmark and attribute networks take."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from batchproof.errors import InputError
from batchproof.pipeline.nms import Boxes
from batchproof.pipeline.picture import Pixels, check_picture
from batchproof.pipeline.warp import Matrices, warp
from batchproof.zoo.families import FACE_CROP


def upright_crops(pictures: Sequence[Pixels], boxes: Sequence[Boxes], size: int) -> tuple[Pixels, Matrices]:
    """Cut the faces of all pictures out, and return the crops `[n, size, size, 3]` and the maps into them.

    `boxes` has for each picture its faces, `[faces, 4]` in picture pixels. A crop is a square of `FACE_CROP` times the
    longer side of the box about its centre, not rotated; linear, black outside the picture, as insightface makes it.
    Raises `InputError` for boxes without extent.
    """
    for picture in pictures:
        check_picture(picture)
    sources = [picture for picture, faces in zip(pictures, boxes, strict=True) for _ in faces]
    matrices = upright_matrices(np.concatenate([np.empty((0, 4), np.float32), *boxes]), size)
    return warp(sources, matrices, size), matrices


def upright_matrices(boxes: Boxes, size: int) -> Matrices:
    """Scale and shift `[n, 2, 3]`, float64, from picture to crop pixels, in insightface's float32 steps."""
    longer = _longer_sides(boxes)
    bad = np.flatnonzero(~has_extent(boxes))
    if bad.size:
        raise InputError(f"the box of face {bad[0]} has no extent, there is nothing to cut out")
    scale = np.float32(size) / (longer * np.float32(FACE_CROP))
    centre = (boxes[:, 2:] + boxes[:, :2]) / np.float32(2) * scale[:, None]
    matrices = np.zeros((len(boxes), 2, 3))
    matrices[:, 0, 0] = matrices[:, 1, 1] = scale
    matrices[:, :, 2] = size / 2 - centre.astype(np.float64)
    return matrices


def has_extent(boxes: Boxes) -> NDArray[np.bool_]:
    """Tell for each of `boxes`, `[n, 4]`, whether there is something to cut out: a side above 0, and no NaN."""
    extent: NDArray[np.bool_] = _longer_sides(boxes) > 0
    return extent


def _longer_sides(boxes: Boxes) -> Boxes:
    longer: Boxes = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    return longer
