from __future__ import annotations

import numpy as np

from batchproof.pipeline.decode import Detections
from batchproof.pipeline.matching import match_faces

SQUARES = np.array([[0, 0, 20, 20], [100, 0, 140, 40], [0, 200, 30, 230]], np.float32)


def faces(boxes: np.ndarray) -> Detections:
    return Detections(boxes, np.full(len(boxes), 0.9, np.float32), None)


def test_faces_are_found_again_in_any_order() -> None:
    first, second = match_faces(faces(SQUARES), faces(SQUARES[[2, 0, 1]] + 1))
    assert dict(zip(first.tolist(), second.tolist(), strict=True)) == {0: 1, 1: 2, 2: 0}


def test_one_face_is_matched_once_and_to_the_nearest() -> None:
    twins = np.array([[3, 0, 23, 20], [1, 0, 21, 20]], np.float32)
    for original, batched, pair in ((SQUARES[:1], twins, ([0], [1])), (twins, SQUARES[:1], ([1], [0]))):
        first, second = match_faces(faces(original), faces(batched))
        assert (first.tolist(), second.tolist()) == pair


def test_inside_out_boxes_are_found_again() -> None:
    """Networks without training make them."""
    inside_out = SQUARES[:, [2, 1, 0, 3]]
    first, second = match_faces(faces(inside_out), faces(inside_out + 1))
    assert sorted(zip(first.tolist(), second.tolist(), strict=True)) == [(0, 0), (1, 1), (2, 2)]


def test_far_faces_do_not_match() -> None:
    first, second = match_faces(faces(SQUARES), faces(SQUARES + 6))
    assert first.tolist() == [1]
    assert second.tolist() == [1]
