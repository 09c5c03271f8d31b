from __future__ import annotations

import numpy as np
import pytest

from batchproof.errors import InputError
from batchproof.pipeline.align import arcface_template
from batchproof.pipeline.decode import Detections
from batchproof.pipeline.pictures import Picture
from batchproof.validate.crops import face_crops, whole_crops
from tests.pipeline.tiny_scrfd import picture

PICTURES = [Picture("a.png", picture(112, 112, 1)), Picture("b.png", picture(120, 240, 2))]


def faces(count: int, keypoints: np.ndarray | None) -> Detections:
    return Detections(np.zeros((count, 4), np.float32), np.ones(count, np.float32), keypoints)


def test_every_face_becomes_a_crop_with_its_name() -> None:
    upright = arcface_template(112).astype(np.float32)
    found = [faces(1, upright[None]), faces(2, np.stack([upright, upright + 50]))]
    crops = face_crops(PICTURES, found, 112)
    assert [crop.name for crop in crops] == ["a.png face 0", "b.png face 0", "b.png face 1"]
    np.testing.assert_allclose(crops[0].pixels.astype(int), PICTURES[0].pixels, atol=1)


def test_faces_without_landmarks_are_refused() -> None:
    with pytest.raises(InputError, match=r"a\.png: faces without landmarks"):
        face_crops(PICTURES[:1], [faces(1, None)], 112)


def test_whole_pictures_keep_their_shape_on_black() -> None:
    crops = whole_crops(PICTURES, 112)
    assert [(crop.name, crop.pixels.shape) for crop in crops] == [
        ("a.png whole", (112, 112, 3)),
        ("b.png whole", (112, 112, 3)),
    ]
    assert not crops[1].pixels[56:].any()
    assert crops[1].pixels[:56].any()
