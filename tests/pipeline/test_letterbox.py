from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchproof.errors import InputError
from batchproof.pipeline.blob import to_blob
from batchproof.pipeline.decode import DetectionSettings
from batchproof.pipeline.letterbox import letterbox
from batchproof.validate.oracle import OracleDetector
from tests.pipeline.tiny_scrfd import SPEC, picture, tiny_scrfd

SIDES = st.integers(1, 150)
CANVAS = st.sampled_from([32, 64, 96, 160])


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> OracleDetector:
    return OracleDetector(tiny_scrfd(tmp_path_factory.mktemp("tiny") / "detector.onnx"), SPEC)


@settings(max_examples=150)
@given(rows=SIDES, columns=SIDES, height=CANVAS, width=CANVAS)
def test_what_reaches_the_network_is_what_insightface_makes(
    oracle: OracleDetector, rows: int, columns: int, height: int, width: int
) -> None:
    pixels = picture(rows, columns)
    try:
        expected = oracle.observe(pixels, DetectionSettings(height, width)).blob
    except (cv2.error, ZeroDivisionError):
        with pytest.raises(InputError, match="leaves nothing"):
            letterbox(pixels, height, width)
    else:
        np.testing.assert_array_equal(to_blob([letterbox(pixels, height, width).pixels], SPEC.input), expected)


@pytest.mark.parametrize(
    ("rows", "columns", "height", "width", "filled", "scale"),
    [
        (100, 50, 64, 64, (64, 32), 0.64),
        (50, 100, 64, 64, (32, 64), 0.64),
        (100, 99, 64, 64, (64, 63), 0.64),  # 63.36 is truncated
        (99, 100, 64, 64, (63, 64), 63 / 99),  # the scale is that of the truncated height
        (64, 64, 64, 64, (64, 64), 1.0),
        (30, 30, 64, 160, (64, 64), 64 / 30),
        (10, 58, 160, 928, (160, 928), 16.0),  # equal ratios: from the height, float truncation would give 927
    ],
)
def test_the_picture_lies_top_left_on_black(
    rows: int, columns: int, height: int, width: int, filled: tuple[int, int], scale: float
) -> None:
    boxed = letterbox(np.full((rows, columns, 3), 200, np.uint8), height, width)
    assert boxed.pixels.shape == (height, width, 3)
    assert (boxed.pixels[: filled[0], : filled[1]] == 200).all()
    assert boxed.pixels.sum() == 200 * 3 * filled[0] * filled[1]
    assert boxed.scale == scale


@pytest.mark.parametrize("shape", [(1, 700, 3), (700, 1, 3)])
def test_a_picture_too_thin_to_leave_a_pixel_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="leaves nothing when it is fitted into 640x640"):
        letterbox(np.zeros(shape, np.uint8), 640, 640)


@pytest.mark.parametrize(
    "picture",
    [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 4), np.uint8), np.zeros((8, 8, 3)), np.zeros((0, 8, 3), np.uint8)],
)
def test_anything_but_bgr_bytes_is_refused(picture: np.ndarray) -> None:
    with pytest.raises(InputError, match="no picture"):
        letterbox(picture, 64, 64)
