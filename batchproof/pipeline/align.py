"""From five landmarks to the upright crop that ArcFace embedders were trained on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from batchproof.errors import InputError
from batchproof.pipeline.picture import Pixels, check_picture
from batchproof.pipeline.warp import Matrices, warp

Points = NDArray[np.floating]

_TEMPLATE_112 = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]], np.float32
)


def arcface_template(size: int) -> NDArray[np.float32]:
    """Return where the five landmarks belong in a crop of `size` x `size` pixels, `[5, 2]` (x, y), float32.

    Multiples of 112 scale the template of the ArcFace paper's code; multiples of 128 scale it too and then put it 8/128
    of the crop to the right, as insightface does. Raises `InputError` for other sizes.
    """
    if size <= 0 or (size % 112 and size % 128):
        raise InputError(f"no alignment template for crops of {size} pixels", remedy="Use a multiple of 112 or 128")
    unit, margin = (112, 0.0) if size % 112 == 0 else (128, 8.0)
    template: NDArray[np.float32] = _TEMPLATE_112 * np.float32(size / unit)
    template[:, 0] += np.float32(margin * size / unit)
    return template


def similarities(source: Points, target: Points) -> Matrices:
    """Rotation, uniform scale and shift `[n, 2, 3]` that take each `source` `[n, p, 2]` nearest to `target` `[p, 2]`.

    The least-squares similarity of Umeyama (1991); it never reflects. The arithmetic is that of scikit-image's
    `SimilarityTransform`, all faces at once, in the type of `source`: float32 landmarks give insightface's matrices to
    the bit, with what its rounding does to them (up to 1e-4 px). Raises `InputError`, naming the first such face, when
    its points coincide or are not finite.
    """
    centre, goal = source.mean(axis=1, keepdims=True), target.mean(axis=0)
    moved, wanted = source - centre, target - goal
    _require_extent(moved)
    left, strengths, right = np.linalg.svd(wanted.T @ moved / source.shape[1])
    signs, turned = _signs(wanted.T @ moved, left, strengths, right)
    turns = (left * turned[:, None, :]) @ right.astype(np.float64)
    scales = 1 / moved.var(axis=1).sum(axis=1) * (strengths * signs).sum(axis=1)
    shifts = goal - scales[:, None] * (turns @ centre.transpose(0, 2, 1))[..., 0]
    return np.concatenate([turns * scales[:, None, None], shifts[..., None]], axis=2)


def norm_crop(picture: Pixels, keypoints: Points, size: int = 112) -> Pixels:
    """Cut one aligned face out of `picture`: `[size, size, 3]`, as `norm_crops` does."""
    crop: Pixels = norm_crops([picture], [np.asarray(keypoints)[None]], size)[0]
    return crop


def norm_crops(pictures: Sequence[Pixels], keypoints: Sequence[Points], size: int = 112) -> Pixels:
    """Cut the aligned faces of all pictures out: `[n, size, size, 3]`, uint8, BGR; linear, black outside the picture.

    `keypoints` has for each picture its faces, `[faces, 5, 2]` (x, y) in picture pixels, float32 where the crops are to
    be insightface's to the bit; the crops come in that order. Raises `InputError` for landmarks without extent.
    """
    for picture in pictures:
        check_picture(picture)
    template = arcface_template(size)
    sources = [picture for picture, faces in zip(pictures, keypoints, strict=True) for _ in faces]
    if not sources:
        return np.empty((0, size, size, 3), np.uint8)
    return warp(sources, similarities(np.concatenate(keypoints), template), size)


def _signs(
    covariance: Points, left: Points, strengths: Points, right: Points
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Signs `[n, 2]` of the singular values, for the scale and for the rotation; -1 undoes a reflection.

    They differ only for points on one line, whose covariance does not show which way round they are.
    """
    signs = np.ones_like(strengths, np.float64)
    signs[np.linalg.det(covariance) < 0, 1] = -1
    turned = signs.copy()
    on_a_line = strengths[:, 1] <= strengths[:, 0] * 2 * np.finfo(np.float64).eps
    reflected = np.linalg.det(left) * np.linalg.det(right) <= 0
    turned[on_a_line, 1] = np.where(reflected[on_a_line], -1, 1)
    return signs, turned


def _require_extent(moved: Points) -> None:
    spread = (moved.astype(np.float64) ** 2).sum(axis=(1, 2))
    bad = np.flatnonzero(~np.isfinite(spread) | (spread == 0))
    if bad.size:
        raise InputError(f"landmarks of face {bad[0]} coincide or are not finite and cannot be aligned")
