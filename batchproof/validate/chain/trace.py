"""What passes from stage to stage on the way from pictures to cosines, insightface's or ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypedDict, get_args

import numpy as np

from batchproof.pipeline.decode import Detections, DetectionSettings, Floats
from batchproof.pipeline.picture import Pixels
from batchproof.pipeline.pictures import Picture
from batchproof.pipeline.warp import Matrices
from batchproof.runtime import Blob, Outputs


@dataclass(frozen=True)
class Scene:
    """The pictures that go through the chain, how faces are found in them, and how many of each picture go on.

    `max_num` is insightface's; a small one exercises the selection and leaves few faces to embed.
    """

    pictures: Sequence[Picture]
    detection: DetectionSettings = field(default_factory=DetectionSettings)
    max_num: int = 5

    def resized(self, size: tuple[int, int] | None) -> Scene:
        """Return the same scene at `size`, height and width, which a model may fix; None changes nothing."""
        if size is None:
            return self
        return replace(self, detection=replace(self.detection, height=size[0], width=size[1]))


class Trace(TypedDict, total=False):
    """The results of the stages in their order; what no stage has reached is absent.

    P pictures come first: `canvases` `[P, height, width, 3]`, uint8, BGR, `scales` (NaN where it cannot be known),
    `blob` `[P, 3, height, width]`, `outputs` by the spec's names `[P, rows, channels]`, and for each picture its
    `candidates` before suppression, `survivors` after it, and the `faces` that were selected. The n faces of all
    pictures follow: `matrices` `[n, 2, 3]`, `crops` `[n, size, size, 3]`, uint8, BGR, `crop_blob` `[n, 3, size, size]`,
    `embeddings` and `unit`, those of length 1, `[n, channels]`, and the `cosines` `[n, n]` between all faces.
    """

    canvases: Pixels
    scales: tuple[float, ...]
    blob: Blob
    outputs: Outputs
    candidates: list[Detections]
    survivors: list[Detections]
    faces: list[Detections]
    matrices: Matrices
    crops: Pixels
    crop_blob: Blob
    embeddings: Floats
    unit: Floats
    cosines: Floats


FaceField = Literal["matrices", "crops", "crop_blob", "embeddings", "unit"]
FACE_FIELDS: tuple[FaceField, ...] = get_args(FaceField)
"""The fields with one row a face."""


def landmarks(faces: Sequence[Detections]) -> Floats:
    """Landmarks `[n, 5, 2]` of the faces of all pictures, one picture after the other."""
    found = [detections.keypoints for detections in faces if detections.keypoints is not None]
    return np.concatenate([np.empty((0, 5, 2), np.float32), *found])
