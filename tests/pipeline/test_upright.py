from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from insightface.utils import face_align

from batchproof.errors import InputError
from batchproof.pipeline.upright import has_extent, upright_crops, upright_matrices
from tests.pipeline.tiny_scrfd import picture

CORNER = st.floats(-200, 2000, width=32)
SIDE = st.floats(0.5, 1500, width=32)


def insightface_crop(pixels: np.ndarray, box: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The crop and its matrix, as `Landmark.get` and `Attribute.get` call for them."""
    width, height = box[2] - box[0], box[3] - box[1]
    centre = (box[2] + box[0]) / 2, (box[3] + box[1]) / 2
    crop, matrix = face_align.transform(pixels, centre, size, size / (max(width, height) * 1.5), 0)
    return crop, matrix


@given(left=CORNER, top=CORNER, width=SIDE, height=SIDE, size=st.sampled_from([96, 192]))
def test_the_matrix_is_that_of_insightface(left: float, top: float, width: float, height: float, size: int) -> None:
    box = np.array([left, top, left + width, top + height], np.float32)
    _, expected = insightface_crop(np.zeros((2, 2, 3), np.uint8), box, size)
    (found,) = upright_matrices(box[None], size)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("size", [96, 192])
def test_the_crops_of_a_batch_are_those_of_insightface_to_the_bit(size: int) -> None:
    pictures = [picture(300, 400), picture(50, 40, 1)]
    boxes = [np.array([[30, 40, 110.3, 160], [-20, 9, 33, 60]], np.float32), np.array([[1, 2, 30, 17]], np.float32)]
    crops, matrices = upright_crops(pictures, boxes, size)
    expected = [
        insightface_crop(pixels, box, size)[0] for pixels, faces in zip(pictures, boxes, strict=True) for box in faces
    ]
    np.testing.assert_array_equal(crops, expected)
    assert matrices.shape == (3, 2, 3)


@pytest.mark.parametrize("box", [[5, 5, 5, 5], [9, 9, 1, 2], [0, 0, np.nan, np.nan]])
def test_boxes_without_extent_are_refused(box: list[float]) -> None:
    with pytest.raises(InputError, match="the box of face 1 has no extent"):
        upright_crops([picture(20, 20)], [np.array([[0, 0, 9, 9], box], np.float32)], 96)


def test_one_side_is_extent_enough() -> None:
    boxes = np.array([[0, 0, 0, 9], [9, 9, 1, 2], [np.nan, 0, 9, 9], [-5, -5, -4, -4]], np.float32)
    assert has_extent(boxes).tolist() == [True, False, False, True]
    assert has_extent(boxes[:0]).tolist() == []
