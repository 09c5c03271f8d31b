from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from insightface.model_zoo.scrfd import SCRFD

from batchproof.pipeline.nms import nms, overlaps

COORDINATE = st.one_of(st.integers(-20, 60), st.floats(-50, 200, width=32))
BOX = st.tuples(COORDINATE, COORDINATE, st.floats(0, 80, width=32), st.floats(0, 80, width=32))


def as_boxes(rows: list[tuple[float, float, float, float]]) -> np.ndarray:
    """Left, top, width, height to left, top, right, bottom."""
    found = np.array(rows, np.float32).reshape(-1, 4)
    found[:, 2:] += found[:, :2]
    return found


@given(rows=st.lists(BOX, max_size=40), iou=st.sampled_from([0.0, 0.3, 0.4, 0.7, 1.0]))
def test_keeps_what_insightface_keeps(rows: list[tuple[float, float, float, float]], iou: float) -> None:
    boxes = as_boxes(rows)
    best_first = np.linspace(1, 0.5, len(boxes), dtype=np.float32)
    expected = SCRFD.nms(SimpleNamespace(nms_thresh=iou), np.column_stack([boxes, best_first]))
    assert nms(boxes, iou).tolist() == [int(index) for index in expected]


def test_a_side_counts_its_border_pixels() -> None:
    box, shifted = np.array([0, 0, 9, 9], np.float32), np.array([[5, 0, 14, 9]], np.float32)
    assert overlaps(box, shifted)[0] == pytest.approx(50 / 150)
    assert overlaps(box, np.array([[9, 9, 20, 20]], np.float32))[0] > 0


def test_the_limit_itself_is_kept() -> None:
    boxes = np.array([[0, 0, 9, 9], [0, 0, 9, 4]], np.float32)
    assert nms(boxes, 0.5).tolist() == [0, 1]
    assert nms(boxes, 0.49).tolist() == [0]


def test_boxes_without_area_raise_nothing() -> None:
    inside_out = np.array([[10, 10, 9, 9], [10, 10, 9, 9]], np.float32)
    assert nms(inside_out, 0.4).tolist() == [0]


def test_no_boxes_are_no_problem() -> None:
    assert nms(np.empty((0, 4), np.float32), 0.4).tolist() == []
