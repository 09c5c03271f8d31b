"""Crops for validating embedders."""

from __future__ import annotations

from collections.abc import Sequence

from batchproof.errors import InputError
from batchproof.pipeline.align import norm_crop
from batchproof.pipeline.decode import Detections
from batchproof.pipeline.letterbox import letterbox
from batchproof.pipeline.pictures import Picture


def face_crops(pictures: Sequence[Picture], faces: Sequence[Detections], size: int) -> list[Picture]:
    """Align every detected face, named `t1.jpg face 0`: `[size, size, 3]`, uint8, BGR.

    Raises `InputError` when the detections have no landmarks.
    """
    crops = []
    for picture, detections in zip(pictures, faces, strict=True):
        if detections.keypoints is None:
            raise InputError("faces without landmarks cannot be aligned", where=picture.name)
        for index, keypoints in enumerate(detections.keypoints):
            crops.append(Picture(f"{picture.name} face {index}", norm_crop(picture.pixels, keypoints, size)))
    return crops


def whole_crops(pictures: Sequence[Picture], size: int) -> list[Picture]:
    """Letterbox whole pictures to `size` x `size`: enough to compare an embedder's arithmetic when no face is known."""
    return [Picture(f"{picture.name} whole", letterbox(picture.pixels, size, size).pixels) for picture in pictures]
