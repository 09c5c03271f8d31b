"""Dense landmarks by 2d106det and 1k3d68, and the pose of a head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from batchproof.pipeline.decode import Floats
from batchproof.pipeline.face_network import infer_crops, require_role
from batchproof.pipeline.nms import Boxes
from batchproof.pipeline.picture import Pixels
from batchproof.pipeline.upright import upright_crops
from batchproof.pipeline.warp import Matrices, inverted
from batchproof.runtime import Runner
from batchproof.zoo.families import LANDMARK_LAYOUTS, LandmarkLayout
from batchproof.zoo.spec import ModelSpec


@dataclass(frozen=True)
class Landmarker:
    """2d106det or 1k3d68 on any backend, for any number of faces.

    `spec` describes the model that `runner` executes; no batch is larger than `largest_batch`. Raises `InputError`
    when `spec` is of no landmark network.
    """

    runner: Runner
    spec: ModelSpec
    largest_batch: int = 8

    def __post_init__(self) -> None:
        require_role(self.spec, "landmarks", self.largest_batch)

    @property
    def layout(self) -> LandmarkLayout:
        """How many points of how many coordinates it gives."""
        return LANDMARK_LAYOUTS[self.spec.outputs[0].channels]

    def find(self, pictures: Sequence[Pixels], boxes: Sequence[Boxes]) -> Floats:
        """Find the points of all faces: `[n, 106, 2]` or `[n, 68, 3]` (x, y and z), float32, in picture pixels.

        `boxes` has for each picture its faces, `[faces, 4]`; the points come in that order. z is in the same scale and
        from no fixed origin. Raises `InputError` for boxes without extent, and `StepFailedError` for outputs that do
        not fit `spec` or are not finite.
        """
        size = self.spec.input.height or 0
        crops, matrices = upright_crops(pictures, boxes, size)
        return decode_landmarks(infer_crops(self.runner, self.spec, crops, self.largest_batch), matrices, size)


def decode_landmarks(raw: Floats, matrices: Matrices, size: int) -> Floats:
    """Read raw outputs `[n, channels]` of crops of `size` pixels as points in picture pixels, as `Landmarker.find`.

    -1 and 1 are the borders of the crop, `matrices` the maps into it. 1k3d68 gives 1103 points, of which the last 68
    count.
    """
    layout = LANDMARK_LAYOUTS[raw.shape[1]]
    points = raw.reshape(len(raw), raw.shape[1] // layout.dimensions, layout.dimensions)[:, -layout.points :].copy()
    points[..., :2] += 1
    points *= size // 2
    back = inverted(matrices)
    found: Floats = np.empty_like(points)
    found[..., :2] = points[..., :2] @ back[:, :, :2].transpose(0, 2, 1) + back[:, None, :, 2]
    found[..., 2:] = points[..., 2:] * np.hypot(back[:, 0, 0], back[:, 0, 1])[:, None, None]
    return found


def head_pose(landmarks: Floats, mean_shape: NDArray[np.floating]) -> Floats:
    """Pitch, yaw and roll of each head, `[n, 3]`, float32, in degrees, from 1k3d68's points `[n, 68, 3]`.

    `mean_shape` is an upright face that looks ahead, `[68, 3]`. As in insightface, the first two rows of the affine map
    that takes it nearest to the points, made unit vectors, are the axes of the head; the third is their product.
    """
    upright = np.column_stack([mean_shape, np.ones(len(mean_shape))])
    flat = landmarks.transpose(1, 0, 2).reshape(len(mean_shape), -1)
    maps = np.linalg.lstsq(upright, flat, rcond=None)[0].reshape(4, -1, 3)[:3]
    first, second = (axis / np.linalg.norm(axis, axis=0) for axis in (maps[..., 0], maps[..., 1]))
    third = np.cross(first, second, axis=0)
    level = np.hypot(first[0], second[0])
    angles = np.arctan2([third[1], -third[0], second[0]], [third[2], level, first[0]])
    degrees: Floats = np.rad2deg(angles).T.astype(np.float32)
    return degrees
