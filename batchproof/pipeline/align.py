"""From five landmarks to the upright crop that ArcFace embedders were trained on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from batchproof.errors import InputError
from batchproof.pipeline.opencv import cv2
from batchproof.pipeline.picture import Pixels, check_picture

Points = NDArray[np.floating]

_TEMPLATE_112 = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
_REFLECTED = np.array([1.0, -1.0])


def arcface_template(size: int) -> NDArray[np.float64]:
    """Return where the five landmarks belong in a crop of `size` x `size` pixels, `[5, 2]` (x, y), float64.

    Multiples of 112 scale the template of the ArcFace paper's code; multiples of 128 put it 8/128 to the right, as
    insightface does. Raises `InputError` for other sizes.
    """
    if size <= 0 or (size % 112 and size % 128):
        raise InputError(f"no alignment template for crops of {size} pixels", remedy="Use a multiple of 112 or 128")
    unit, margin = (112, 0.0) if size % 112 == 0 else (128, 8.0)
    template: NDArray[np.float64] = (_TEMPLATE_112 + np.array([margin, 0.0])) * (size / unit)
    return template


def similarity(source: Points, target: Points) -> NDArray[np.float64]:
    """Rotation, uniform scale and shift `[2, 3]`, float64, that take `source` `[n, 2]` nearest to `target` `[n, 2]`.

    The least-squares similarity of Umeyama (1991), which in two dimensions has a closed form: with both point sets
    about their centroids and read as complex numbers, the factor is <source, target> / <source, source>. It never
    reflects. Raises `InputError` when the source points coincide or are not finite.
    """
    source = np.asarray(source, np.float64)
    target = np.asarray(target, np.float64)
    centre, goal = source.mean(axis=0), target.mean(axis=0)
    moved, wanted = source - centre, target - goal
    spread = (moved**2).sum()
    if not np.isfinite(spread) or spread == 0:
        raise InputError("landmarks that coincide or are not finite cannot be aligned")
    cosine = (moved * wanted).sum() / spread
    sine = (moved * wanted[:, ::-1] * _REFLECTED).sum() / spread
    turn = np.array([[cosine, -sine], [sine, cosine]])
    return np.column_stack([turn, goal - turn @ centre])


def norm_crop(picture: Pixels, keypoints: Points, size: int = 112) -> Pixels:
    """Cut the aligned face out of `picture`: `[size, size, 3]`, uint8, BGR; linear, black outside the picture.

    `keypoints` is `[5, 2]` (x, y) in picture pixels. Raises `InputError` for landmarks without extent.
    """
    check_picture(picture)
    matrix = similarity(keypoints, arcface_template(size))
    crop: Pixels = cv2.warpAffine(picture, matrix, (size, size), flags=cv2.INTER_LINEAR, borderValue=0)
    return crop
