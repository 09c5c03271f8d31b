from __future__ import annotations

import math

import numpy as np
import pytest

from batchproof.pipeline.decode import Detections
from batchproof.validate.chain.gap import Gap, array_gap, by_place, count_gap, face_gap, in_order, order_gap

SQUARES = np.array([[0, 0, 20, 20], [100, 0, 140, 40], [0, 200, 30, 230]], np.float32)


def faces(boxes: np.ndarray, scores: list[float] | None = None) -> Detections:
    return Detections(boxes, np.array(scores or [0.9] * len(boxes), np.float32), None)


def test_the_element_of_the_largest_difference_is_named() -> None:
    theirs, ours = np.zeros((2, 3)), np.zeros((2, 3))
    ours[1, 2], ours[0, 0] = -0.5, 0.25
    assert array_gap(theirs, ours, ["a.jpg", "b.jpg"]) == Gap(0.5, "b.jpg, element [2]")
    assert array_gap(theirs, theirs, ["a.jpg", "b.jpg"]) == Gap(0.0, None)


def test_bytes_do_not_wrap_around() -> None:
    assert array_gap(np.array([255], np.uint8), np.array([0], np.uint8), ["a.jpg"]).amount == 255


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_number_is_infinitely_far(value: float) -> None:
    assert array_gap(np.zeros(2), np.array([0, value]), ["a", "b"]) == Gap(math.inf, "b")


def test_another_shape_is_infinitely_far_and_told() -> None:
    found = array_gap(np.zeros((2, 3)), np.zeros((1, 3)), ["a", "b"])
    assert found == Gap(math.inf, "shape [1, 3], insightface's is [2, 3]")


def test_nothing_is_not_equal() -> None:
    nothing = faces(SQUARES[:0])
    assert array_gap(np.zeros((0, 4)), np.zeros((0, 4)), []).amount is None
    assert face_gap([nothing], [nothing], lambda found: found.boxes, ["a"], by_place).amount is None
    assert count_gap([nothing], [nothing], ["a"], by_place, 0.5).amount is None
    assert order_gap([nothing], [nothing], ["a"], 0.1).amount is None


def test_faces_are_paired_by_place_or_by_rank() -> None:
    turned = faces(SQUARES[::-1] + np.float32(1))
    assert dict(zip(*by_place(faces(SQUARES), turned), strict=True)) == {0: 2, 1: 1, 2: 0}
    assert dict(zip(*in_order(faces(SQUARES), turned), strict=True)) == {0: 0, 1: 1, 2: 2}
    assert dict(zip(*in_order(faces(SQUARES), turned.take(np.array([0, 1]))), strict=True)) == {1: 1, 2: 0}


def test_twins_are_not_confused() -> None:
    twins = faces(SQUARES[[0, 0]], [0.9, 0.6])
    gap = face_gap([twins], [twins], lambda found: found.scores, ["a"], by_place)
    assert gap.amount == 0


def test_the_picture_and_face_that_moved_are_named() -> None:
    moved = SQUARES.copy()
    moved[1, 2] += 0.5
    pictures = [faces(SQUARES)] * 2
    gap = face_gap(pictures, [faces(SQUARES), faces(moved[::-1])], lambda found: found.boxes, ["a", "b"], by_place)
    assert gap == Gap(0.5, "b, face 1, element [2]")


def test_lost_and_invented_faces_count() -> None:
    lost, far = faces(SQUARES[:2], [0.9, 0.505]), faces(SQUARES + np.float32(3))
    assert count_gap([faces(SQUARES)], [lost], ["a"], by_place, 0.5).amount == 1
    assert count_gap([faces(SQUARES[:1])], [lost], ["a"], by_place, 0.51).amount == 0
    assert count_gap([faces(SQUARES)], [far], ["a"], by_place, 0.5).amount == 0
    gap = count_gap([faces(SQUARES)] * 2, [faces(SQUARES), far], ["a", "b"], by_place, 0.5, reach=1)
    assert gap == Gap(6, "b, 6 of its faces")


def test_the_order_of_a_selection_counts() -> None:
    assert order_gap([faces(SQUARES)], [faces(SQUARES[[1, 0, 2]])], ["a"], 0.1) == Gap(2, "a, 2 of its ranks")
    assert order_gap([faces(SQUARES)], [faces(SQUARES[:2] + np.float32(0.05))], ["a"], 0.1).amount == 1
