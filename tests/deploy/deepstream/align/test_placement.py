from __future__ import annotations

import numpy as np
import pytest

from batchproof.pipeline.align import arcface_template, similarities
from tests.deploy.deepstream.align.native import Native
from tests.deploy.deepstream.align.test_letterbox import nvinfer
from tests.pipeline.test_align import scattered_faces

BOX = np.array([100, 80, 180, 190], np.float32)
FRAME = (1366, 768)
LANDMARKS = arcface_template(112) * np.float32(0.5) + np.float32(100)


def parsed(native: Native, keypoints: np.ndarray, frame: tuple[int, int], network: int = 640) -> np.ndarray:
    """The mask of a face whose landmarks are known in pixels of the frame."""
    scales = nvinfer(*frame, network, network)
    assert scales is not None
    return native.mask((keypoints * scales).astype(np.float32), network, network)


@pytest.mark.parametrize("frame", [(1920, 1080), FRAME, (721, 1281), (200, 300)])
@pytest.mark.parametrize("size", [112, 256])
def test_landmarks_come_back_from_the_letterbox(native: Native, frame: tuple[int, int], size: int) -> None:
    keypoints = scattered_faces(np.random.default_rng(3), 20)
    expected = similarities(keypoints, arcface_template(size))
    for points, matrix in zip(keypoints, expected, strict=True):
        outcome, back = native.place(BOX, parsed(native, points, frame), frame, size=size)
        assert outcome == "aligned"
        there = native.invert(back)
        assert there is not None
        np.testing.assert_allclose(there, matrix, rtol=0, atol=5e-3)


def test_a_box_is_cut_out_without_landmarks(native: Native) -> None:
    outcome, back = native.place(BOX, None, FRAME, size=96, box_mode=True)
    assert outcome == "aligned"
    centre, side = np.array([140, 135]), 110 * 1.5
    np.testing.assert_allclose(back @ [48, 48, 1], centre, atol=1e-4)
    np.testing.assert_allclose(back @ [0, 0, 1], centre - side / 2, atol=1e-4)


@pytest.mark.parametrize(
    ("foreign", "why"),
    [
        (None, "no mask"),
        (np.zeros(20, np.float32), "a mask of zeros"),
        (np.full(20, 0.7, np.float32), "a mask of probabilities"),
        (np.zeros(28 * 28, np.float32), "a mask of another size"),
        (np.zeros(19, np.float32), "a mask that is cut short"),
    ],
)
def test_foreign_masks_are_no_landmarks(native: Native, foreign: np.ndarray | None, why: str) -> None:
    assert native.place(BOX, foreign, FRAME)[0] == "without a detection or landmarks", why


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_landmarks_that_are_no_numbers_are_none(native: Native, bad: float) -> None:
    keypoints = LANDMARKS.copy()
    keypoints[3, 1] = bad
    assert native.place(BOX, native.mask(keypoints, 640, 640), FRAME)[0] == "without a detection or landmarks"


@pytest.mark.parametrize("points", [np.ones((5, 2)), np.full((5, 2), 3e38), np.full((5, 2), 1e-40)])
def test_landmarks_without_extent_are_dropped(native: Native, points: np.ndarray) -> None:
    assert native.place(BOX, native.mask(points.astype(np.float32), 640, 640), FRAME)[0] == "without extent"


@pytest.mark.parametrize("network", [(1e30, 640), (640, np.inf), (1, 640)])
def test_a_network_that_nothing_fits_into_is_no_frame(native: Native, network: tuple[float, float]) -> None:
    assert native.place(BOX, native.mask(LANDMARKS, *network), (4000, 10))[0] == "in an unreadable frame"


@pytest.mark.parametrize("box", [[5, 5, 5, 9], [9, 9, 1, 2], [np.nan, 0, 3, 3]])
@pytest.mark.parametrize("box_mode", [False, True])
def test_a_box_without_extent_is_dropped(native: Native, box: list[float], box_mode: bool) -> None:
    mask = parsed(native, LANDMARKS, FRAME)
    assert native.place(np.array(box, np.float32), mask, FRAME, box_mode=box_mode)[0] == "without extent"


@pytest.mark.parametrize("box_mode", [False, True])
def test_the_shorter_side_of_the_box_says_what_is_too_small(native: Native, box_mode: bool) -> None:
    mask = parsed(native, LANDMARKS, FRAME)
    assert native.place(BOX, mask, FRAME, box_mode=box_mode, min_face=80)[0] == "aligned"
    assert native.place(BOX, mask, FRAME, box_mode=box_mode, min_face=80.5)[0] == "too small"
