from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchproof.pipeline.letterbox import fitted_size
from tests.deploy.deepstream.align.native import Native

SIDE = st.integers(1, 9000)
NETWORK = st.sampled_from([320, 480, 640, 1280])


def nvinfer(width: int, height: int, network_width: int, network_height: int) -> tuple[float, float] | None:
    """`get_converted_buffer` of gst-nvinfer in whole numbers: what it takes of the frame and where that goes."""
    columns, rows = width - width % 2, height - height % 2
    if not columns or not rows:
        return None
    if network_width * rows <= network_height * columns:
        fitted = network_width, network_width * rows // columns
    else:
        fitted = network_height * columns // rows, network_height
    return (fitted[0] / columns, fitted[1] / rows) if all(fitted) else None


@given(width=SIDE, height=SIDE, network_width=NETWORK, network_height=NETWORK)
def test_scales_are_those_of_nvinfer(
    native: Native, width: int, height: int, network_width: int, network_height: int
) -> None:
    found = native.letterbox(width, height, network_width, network_height)
    assert found == nvinfer(width, height, network_width, network_height)


@pytest.mark.parametrize(
    ("frame", "scales"),
    [
        ((1920, 1080), (1 / 3, 1 / 3)),
        ((1280, 718), (0.5, 0.5)),
        ((1366, 768), (640 / 1366, 359 / 768)),  # 359.8 rows: truncated, where insightface takes 359 rows for x too
        ((301, 401), (480 / 300, 640 / 400)),  # an odd column and row are left out
        ((1280, 1279), (0.5, 0.5)),  # 639 rows of 1278: all columns fit as long as the rows do
        ((1, 9), None),
        ((9000, 10), None),
    ],
)
def test_sizes_worked_out_by_hand(native: Native, frame: tuple[int, int], scales: tuple[float, float] | None) -> None:
    found = native.letterbox(*frame, 640, 640)
    assert found == (None if scales is None else pytest.approx(scales, rel=1e-12))


@given(width=st.integers(64, 4000), height=st.integers(64, 4000))
def test_points_lie_where_insightface_has_them_but_for_what_is_truncated(
    native: Native, width: int, height: int
) -> None:
    """In x the pixel that is cut off the rows, which insightface takes for both; and the odd column and row."""
    rows, _ = fitted_size(height, width, 640, 640)
    found = native.letterbox(width, height, 640, 640)
    assert found is not None
    far = np.array([width, height]) * (rows / height)
    apart = np.abs(far / found - [width, height]) * found
    odd = 2 * max(1, *found)
    assert apart[0] <= 640 / rows + odd
    assert apart[1] <= odd
